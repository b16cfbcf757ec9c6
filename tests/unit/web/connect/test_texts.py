"""Pages say the same in each language."""

from __future__ import annotations

from b24_pipeline.web.connect.texts import TEXTS


def test_every_language_has_every_text() -> None:
    """A text that is missing in one language would break the page."""
    keys = {language: set(texts) for language, texts in TEXTS.items()}
    assert len(set(map(frozenset, keys.values()))) == 1
    assert all(text.strip() for texts in TEXTS.values() for text in texts.values())
