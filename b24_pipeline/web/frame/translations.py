"""The language of a page, and its texts: English in the templates, other languages in gettext catalogues.

`translations/ru.po` is made by `make texts`; a text without a translation fails a test.
"""

from __future__ import annotations

from functools import cache
from io import BytesIO
from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import NullTranslations, Translations
from fastapi import Request

CATALOGUES = Path(__file__).parents[1] / "translations"
NAMES = {"en": "English", "ru": "По-русски"}
LANGUAGES = tuple(NAMES)
DEFAULT = "en"
COOKIE = "b24_language"
# speakers of these languages read Russian more easily than English
_READS_RUSSIAN = {"ru", "be", "kk", "ky", "uz", "tg", "hy", "az"}


def later(text: str) -> str:
    """Marks a text that is translated where it is shown; returns it as it is."""
    return text


@cache
def translations(language: str) -> NullTranslations:
    """The texts of a language; English ones are those of the templates."""
    path = CATALOGUES / f"{language}.po"
    if not path.exists():
        return NullTranslations()
    with path.open("rb") as lines:
        catalogue = read_po(lines, locale=language)
    compiled = BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return Translations(compiled)


def language_of(request: Request) -> str:
    """The language of the answer: by `?lang=`, else by the cookie of an earlier choice, else by Accept-Language."""
    for asked in (request.query_params.get("lang"), request.cookies.get(COOKIE)):
        if asked in LANGUAGES:
            return asked
    return _preferred(request.headers.get("accept-language", ""))


def _preferred(header: str) -> str:
    ranked = sorted(header.split(",")[:20], key=_weight, reverse=True)
    for entry in ranked:
        tongue = entry.partition(";")[0].strip().partition("-")[0].lower()
        if tongue in _READS_RUSSIAN:
            return "ru"
        if tongue in LANGUAGES:
            return tongue
    return DEFAULT


def _weight(entry: str) -> float:
    try:
        return float(entry.partition("q=")[2] or 1)
    except ValueError:
        return 0.0
