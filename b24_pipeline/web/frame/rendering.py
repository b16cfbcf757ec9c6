"""Templates rendered in the reader's language; every value is escaped."""

from __future__ import annotations

from functools import cache
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.routing import Match

from b24_pipeline.settings import CALLBACK_PATH
from b24_pipeline.web.frame import assets
from b24_pipeline.web.frame.formats import Formats
from b24_pipeline.web.frame.translations import COOKIE, LANGUAGES, NAMES, language_of, translations
from b24_pipeline.web.middleware.security import PAGE

_ONE_YEAR = 365 * 86400


def page(
    request: Request,
    template: str,
    *,
    status: int = 200,
    policy: str = PAGE,
    referrer: str = "no-referrer",
    **values: Any,
) -> HTMLResponse:
    """The template as a page in the reader's language.

    `policy` is its Content-Security-Policy, `referrer` its Referrer-Policy: with no-referrer a browser does not say
    which page sent a form.
    """
    language = language_of(request)
    shown = {
        "format": Formats(language),
        "language": language,
        "languages": _other_languages(request, language),
        **values,
    }
    html = environment(language).get_template(template).render(shown)
    headers = {
        "Content-Security-Policy": policy,
        "Content-Language": language,
        "Vary": "Accept-Language, Cookie",
        "Referrer-Policy": referrer,
    }
    answer = HTMLResponse(html, status, headers)
    if request.query_params.get("lang") == language:
        answer.set_cookie(COOKIE, language, max_age=_ONE_YEAR, path="/", httponly=True, samesite="lax")
    return answer


@cache
def environment(language: str) -> Environment:
    """The templates, with the texts of a language."""
    made = Environment(
        loader=PackageLoader("b24_pipeline.web"),
        extensions=["jinja2.ext.i18n"],
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.install_gettext_translations(translations(language), newstyle=True)  # type: ignore[attr-defined]
    made.globals["asset"] = assets.address_of
    return made


def wants_page(request: Request) -> bool:
    """Whether an error is shown as a page: on the pages for people, and where the caller asks for HTML."""
    for_people = request.url.path in ("/bitrix24/connect", CALLBACK_PATH)
    return for_people or "text/html" in request.headers.get("accept", "")


def _other_languages(request: Request, language: str) -> list[tuple[str, str, str]]:
    """The languages to switch to: code, name and address; only where there is a page that can be asked for again."""
    path = None if request.url.path == CALLBACK_PATH else page_behind(request)
    if path is None:
        return []
    return [
        (code, NAMES[code], f"{path}?{request.url.include_query_params(lang=code).query}")
        for code in LANGUAGES
        if code != language
    ]


def page_behind(request: Request) -> str | None:
    """The path of the page that is shown; of the answer to a form, of the page that has the form. None: of neither."""
    path: str = request.url.path
    while path and request.method != "GET" and not _can_be_asked_for(request, path):
        path = path.rpartition("/")[0]
    return path or None


def _can_be_asked_for(request: Request, path: str) -> bool:
    asked = {**request.scope, "method": "GET", "path": path}
    return any(route.matches(asked)[0] is Match.FULL for route in request.app.router.routes)
