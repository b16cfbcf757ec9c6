"""HTML pages in Russian and English; every value is escaped, and no page runs a script."""

from __future__ import annotations

from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, PackageLoader, StrictUndefined

from b24_pipeline.settings import CALLBACK_PATH
from b24_pipeline.web.connect.texts import TEXTS
from b24_pipeline.web.middleware.security import PAGE

LANGUAGES = tuple(TEXTS)
DEFAULT = "en"
# speakers of these languages read Russian more easily than English
_READS_RUSSIAN = {"ru", "be", "kk", "ky", "uz", "tg", "hy", "az"}

_environment = Environment(
    loader=PackageLoader("b24_pipeline.web"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
)


def page(
    request: Request, template: str, *, status: int = 200, policy: str = PAGE, **values: Any
) -> HTMLResponse:
    """The template as a page in the reader's language; `policy` is its Content-Security-Policy."""
    language = language_of(request)
    shown = {
        "t": TEXTS[language],
        "language": language,
        "languages": _other_languages(request, language),
        **values,
    }
    html = _environment.get_template(template).render(shown)
    headers = {"Content-Security-Policy": policy, "Content-Language": language, "Vary": "Accept-Language"}
    return HTMLResponse(html, status, headers)


def language_of(request: Request) -> str:
    """The language of the answer: by `?lang=`, else by the header Accept-Language, else English."""
    asked = request.query_params.get("lang")
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


def _other_languages(request: Request, language: str) -> list[str]:
    """The languages to switch to, only on a page that can be asked for again."""
    if not request.url.path.endswith("/connect"):
        return []
    return [choice for choice in LANGUAGES if choice != language]


def wants_page(request: Request) -> bool:
    """Whether an error is shown as a page: on the pages for people, and where the caller asks for HTML."""
    for_people = request.url.path in ("/bitrix24/connect", CALLBACK_PATH)
    return for_people or "text/html" in request.headers.get("accept", "")
