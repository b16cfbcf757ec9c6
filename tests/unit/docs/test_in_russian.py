"""What is said in English is said in Russian too: the same sections, commands, settings, marts and blocks of shell."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.support.printed import ROOT, blocks

PAIRS = [("README.md", "README.ru.md"), ("docs/bitrix24-setup.md", "docs/bitrix24-setup.ru.md")]
ROW = re.compile(r"^ *\| (`[^|]*(?:\\\|[^|]*)*`) \|", re.MULTILINE)


def names(page: Path) -> list[str]:
    """What stands in the first column of the page's tables, where it is a name."""
    return ROW.findall(page.read_text("utf-8"))


def headings(page: Path) -> list[int]:
    """The depth of each heading."""
    text = re.sub(r"^ *```.*?^ *```", "", page.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
    return [len(marks) for marks in re.findall(r"^(#+) ", text, re.MULTILINE)]


@pytest.mark.parametrize(("english", "russian"), PAIRS)
def test_both_pages_say_the_same(english: str, russian: str) -> None:
    """Words differ, what they are about does not."""
    ours, theirs = ROOT / english, ROOT / russian
    assert headings(ours) == headings(theirs)
    assert names(ours) == names(theirs)
    assert blocks(ours) == blocks(theirs)


def test_names_of_tables_are_found() -> None:
    """A bar within a name does not end it."""
    found = names(ROOT / "README.md")
    assert "`DATABASE_URL`" in found
    assert any("lead\\|deal\\|both" in name for name in found)
