"""What the documentation says of the tree is so: every file that it names exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [
    *sorted(ROOT.glob("*.md")),
    # paths there are pages of Bitrix24's own documentation
    *(page for page in sorted((ROOT / "docs").rglob("*.md")) if not page.name.startswith("bitrix24-rest")),
]
IDS = [str(page.relative_to(ROOT)) for page in PAGES]
TREES = (ROOT, ROOT / "b24_pipeline")

NAME = r"\.?\w[\w.-]*"
FILE = re.compile(
    rf"(?:{NAME}/)*{NAME}\.(?:py|sql|sh|md|lock|toml)|(?:{NAME}/)+{NAME}\.(?:yml|yaml|html|css|svg)"
)
FOLDER = re.compile(rf"(?:{NAME}/)+")
NOT_OURS = {"uv.lock", "my_project/components/our.py"}


def named(page: Path) -> set[str]:
    """The files and folders that a page names in backquotes, outside of its blocks of code."""
    text = re.sub(r"^ *```.*?^ *```", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    words = set(re.findall(r"`([^`\s]+)`", text)) - NOT_OURS
    return {word for word in words if FILE.fullmatch(word) or FOLDER.fullmatch(word)}


def linked(page: Path) -> set[str]:
    """The files that a page links to."""
    targets = re.findall(r"\]\(([^)\s#]+)[^)]*\)", page.read_text(encoding="utf-8"))
    return {target for target in targets if "://" not in target}


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_every_named_file_exists(page: Path) -> None:
    """From the root, or as the code's own documentation has it, below `b24_pipeline/`."""
    assert [name for name in sorted(named(page)) if not any((tree / name).exists() for tree in TREES)] == []


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_every_link_leads_to_a_file(page: Path) -> None:
    """Relative to the page, as its reader follows it."""
    assert [link for link in sorted(linked(page)) if not (page.parent / link).exists()] == []


def test_a_wrong_path_is_found(tmp_path: Path) -> None:
    """The patterns see what they are for, and leave the rest alone."""
    page = tmp_path / "page.md"
    page.write_text(
        "`b24_pipeline/gone.py`, `gone/`, `sync/gone.sql` and [a link](gone.md#part);\n"
        "not `raw/deals`, `/metrics`, `crm.deal.list`, `leads.csv` or [a site](https://example.com)\n"
        "```\n`in/code.py`\n```\n",
        encoding="utf-8",
    )
    assert named(page) == {"b24_pipeline/gone.py", "gone/", "sync/gone.sql"}
    assert linked(page) == {"gone.md"}
