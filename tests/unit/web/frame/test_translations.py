"""Every text of the pages is translated, and is what the templates say now."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

import pytest
from babel.messages.catalog import Message
from babel.messages.pofile import read_po

from b24_pipeline.web.frame.translations import CATALOGUES, LANGUAGES

SCRIPT = Path(__file__).parents[4] / "docs" / "collect_texts.py"


@pytest.fixture(scope="module")
def collector() -> ModuleType:
    """The script of `make texts`."""
    spec = importlib.util.spec_from_file_location("collect_texts", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def catalogue(language: str) -> list[Message]:
    """The texts with their translations."""
    with (CATALOGUES / f"{language}.po").open("rb") as lines:
        return [message for message in read_po(lines, locale=language) if message.id]


def forms(text: str | Sequence[str] | None) -> list[str]:
    """A text, or those of its plural forms."""
    return [text or ""] if text is None or isinstance(text, str) else list(text)


@pytest.mark.parametrize("language", [language for language in LANGUAGES if language != "en"])
def test_every_text_has_a_translation(collector: ModuleType, language: str) -> None:
    """None is missing, none is left over; all plural forms are there, and the same values are filled in."""
    texts = {tuple(forms(message.id)) for message in collector.collected() if message.id}
    found = catalogue(language)
    assert len(texts) > 50
    assert {tuple(forms(message.id)) for message in found} == texts, (
        "run `make texts` and translate what is new"
    )
    for message in found:
        english = forms(message.id)
        for form in forms(message.string):
            assert form, f"without a translation: {english}"
            assert set(re.findall(r"%\(\w+\)", form)) == set(re.findall(r"%\(\w+\)", english[-1])), english
