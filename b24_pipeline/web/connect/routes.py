"""The routes that connect a portal in the browser: the form, the redirect to the portal, the callback."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse
from limits import parse as parse_limit
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

from b24_pipeline.errors import SettingsError, TooOften
from b24_pipeline.settings import CALLBACK_PATH
from b24_pipeline.sync.portals.oauth import PortalConnector
from b24_pipeline.web.connect.cookies import BrowserCookie, new_value
from b24_pipeline.web.connect.pages import page
from b24_pipeline.web.middleware.security import FORM_PAGE
from b24_pipeline.web.problems import Problem

# each begun authorization is a row in the database; nobody who connects portals by hand reaches this limit
MOST_BEGUN = parse_limit("60/minute")

CONNECT = "/bitrix24/connect"
Text = Annotated[str, Query(max_length=2048)]
Address = Annotated[str, Query(max_length=255, description="The portal's address, e.g. acme.bitrix24.com.")]
NewAccount = Annotated[
    str,
    Query(
        max_length=63,
        description="The portal's name in this service; if empty, the first part of its address.",
    ),
]
ChosenEntityType = Annotated[
    Literal["lead", "deal", "both", ""],
    Query(
        alias="entityType",
        description="Whose funnel is counted; if empty, a known portal keeps its own, a new one has both.",
    ),
]
_PROBLEMS: dict[int | str, dict[str, Any]] = {
    status: {"model": Problem} for status in (400, 403, 409, 422, 429, 503)
}


class ConnectPages:
    """The calls `/bitrix24/connect`, `/auth` and `/callback`.

    Without an application (`connecting` None) the first page says which settings are missing.
    """

    def __init__(self, connecting: PortalConnector | None, cookie: BrowserCookie) -> None:
        self._connecting = connecting
        self._cookie = cookie
        self._begun = MovingWindowRateLimiter(MemoryStorage())

    def router(self) -> APIRouter:
        """The router with the three calls, and a redirect from `/` to the form."""
        routes = APIRouter(tags=["connect"], responses=_PROBLEMS)
        routes.add_api_route("/", lambda: RedirectResponse(CONNECT), include_in_schema=False)
        routes.add_api_route(CONNECT, self.connect, response_class=HTMLResponse)
        routes.add_api_route("/bitrix24/auth", self.auth, response_class=RedirectResponse, status_code=302)
        routes.add_api_route(CALLBACK_PATH, self.callback, response_class=HTMLResponse)
        return routes

    def connect(self, request: Request, domain: Address = "", account: NewAccount = "") -> HTMLResponse:
        """The form to connect a portal, in Russian or English."""
        ready = self._connecting is not None
        return page(request, "connect.html", policy=FORM_PAGE, domain=domain, account=account, ready=ready)

    def auth(
        self, request: Request, domain: Address, account: NewAccount = "", entity_type: ChosenEntityType = ""
    ) -> RedirectResponse:
        """Redirects the browser to the portal, which asks the person whether to allow access."""
        if not self._begun.test(MOST_BEGUN):
            raise TooOften("too many connections were started just now; wait a minute")
        browser = self._cookie.value(request) or new_value()
        address = address_typed(domain)
        name = account.strip() or name_of(address)
        link = self._ready().begin(name, address, entity_type or None, browser)
        self._begun.hit(MOST_BEGUN)
        answer = RedirectResponse(link, 302)
        self._cookie.renew(request, answer, browser)
        return answer

    def callback(
        self,
        request: Request,
        code: Text = "",
        state: Text = "",
        domain: Address = "",
        member_id: Text = "",
    ) -> HTMLResponse:
        """The page to which the portal sends the browser back: it exchanges the code and connects the portal."""
        browser = self._cookie.value(request)
        portal = self._ready().finish(code, state, browser, domain, member_id)
        return page(request, "connected.html", portal=portal)

    def _ready(self) -> PortalConnector:
        if self._connecting is None:
            raise SettingsError("BITRIX24_CLIENT_ID and BITRIX24_CLIENT_SECRET are not set")
        return self._connecting


def address_typed(text: str) -> str:
    """A portal's address as a person pasted it, without blanks and without the path of a page."""
    scheme, mark, rest = text.strip().rpartition("://")
    return scheme + mark + rest.partition("/")[0]


def name_of(address: str) -> str:
    """A name for a portal: the first part of its host."""
    return address.rpartition("://")[2].partition(":")[0].partition(".")[0] or "portal"
