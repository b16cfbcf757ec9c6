"""The routes that connect a portal in the browser: the form, the redirect to the portal, the callback."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal
from urllib.parse import parse_qsl

from fastapi import APIRouter, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse, RedirectResponse
from fastapi.security import HTTPAuthorizationCredentials
from limits import parse as parse_limit
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter
from starlette.types import Scope

from b24_pipeline.errors import KeyRefused, RoleTooLow, SettingsError, TooOften, UsageError
from b24_pipeline.settings import CALLBACK_PATH
from b24_pipeline.store.access.random_values import new_value
from b24_pipeline.store.database.acting import acting
from b24_pipeline.sync.portals.oauth import AUTH_PATH, PortalConnector
from b24_pipeline.web.client_address import ClientAddresses
from b24_pipeline.web.connect.typed import address_typed, name_of
from b24_pipeline.web.connect.wizard import may_connect, sync_page
from b24_pipeline.web.frame.cookies import BrowserCookie
from b24_pipeline.web.frame.rendering import page
from b24_pipeline.web.frame.signed_in import SignedIn
from b24_pipeline.web.guard import Guard, given_key
from b24_pipeline.web.middleware.security import FORM_PAGE
from b24_pipeline.web.portal_service import PortalService
from b24_pipeline.web.problems import Problem

# of one address: each begun authorization is a row in the database, and nobody who works by hand reaches this limit
MOST_BEGUN = parse_limit("60/minute")
MOST_WRONG_KEYS = parse_limit("10/minute")
MOST_FIELDS = 20
BEGUN_SECONDS = 600
"""An authorization ends in the browser that began it, which has so long for it."""

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
Invitation = Annotated[
    str,
    Query(
        max_length=2048,
        description="The operator's leave to connect this portal, as in the link that `b24 portal connect` prints; "
        "left out with the management key.",
    ),
]
_PROBLEMS: dict[int | str, dict[str, Any]] = {
    status: {"model": Problem} for status in (400, 401, 403, 409, 422, 429, 503)
}


class ConnectPages:
    """The calls `/bitrix24/connect`, `/auth` and `/callback`.

    `guard` checks the operator's key; whoever has none needs an invitation. `addresses` tells who sent a request, as
    the limits are for each sender. Without an application (`connecting` None) the first page says which settings are
    missing. Whoever is `signed_in` and may connect portals goes on to the first sync, which `service` starts.
    """

    def __init__(
        self,
        connecting: PortalConnector | None,
        public_url: str,
        guard: Guard,
        addresses: ClientAddresses,
        signed_in: SignedIn,
        service: PortalService,
    ) -> None:
        self._connecting = connecting
        self._cookie = BrowserCookie(public_url, "b24_browser", BEGUN_SECONDS)
        self._guard = guard
        self._addresses = addresses
        self._signed_in = signed_in
        self._service = service
        self._counted = MovingWindowRateLimiter(MemoryStorage())

    def router(self) -> APIRouter:
        """The router with these calls."""
        routes = APIRouter(tags=["connect"], responses=_PROBLEMS)
        routes.add_api_route(CONNECT, self.connect, response_class=HTMLResponse)
        routes.add_api_route(
            CONNECT, self.invite, methods=["POST"], response_class=HTMLResponse, status_code=303
        )
        routes.add_api_route(AUTH_PATH, self.auth, response_class=RedirectResponse, status_code=302)
        routes.add_api_route(CALLBACK_PATH, self.callback, response_class=HTMLResponse)
        return routes

    def connect(self, request: Request, domain: Address = "", account: NewAccount = "") -> HTMLResponse:
        """The operator's form to connect a portal, in Russian or English."""
        ready = self._connecting is not None
        return page(request, "connect.html", policy=FORM_PAGE, domain=domain, account=account, ready=ready)

    async def invite(self, request: Request) -> RedirectResponse:
        """Takes the form, checks the key in it, and leads the operator's browser on with an invitation."""
        given = await form_of(request)
        return await run_in_threadpool(self._invite, request.scope, given)

    def _invite(self, scope: Scope, given: Mapping[str, str]) -> RedirectResponse:
        sender = self._addresses.of(scope)
        if not self._counted.test(MOST_WRONG_KEYS, "keys", sender):
            raise TooOften("too many wrong keys came just now; wait a minute")
        try:
            key = HTTPAuthorizationCredentials(scheme="Bearer", credentials=given.get("key", ""))
            self._require(scope, key)
        except KeyRefused:
            self._counted.hit(MOST_WRONG_KEYS, "keys", sender)
            raise
        address = address_typed(given.get("domain", ""))
        name = given.get("account", "").strip() or name_of(address)
        return RedirectResponse(self._ready().invite(name, address, given.get("entityType") or None), 303)

    def auth(
        self,
        request: Request,
        domain: Address,
        account: NewAccount = "",
        entity_type: ChosenEntityType = "",
        invitation: Invitation = "",
        key: HTTPAuthorizationCredentials | None = given_key,
    ) -> RedirectResponse:
        """Redirects the browser to the portal, which asks the person whether to allow access.

        It is begun by an invitation, or by the management key.
        """
        sender = self._addresses.of(request.scope)
        if not self._counted.test(MOST_BEGUN, "begun", sender):
            raise TooOften("too many connections were started just now; wait a minute")
        browser = self._cookie.value(request) or new_value()
        address = address_typed(domain)
        name = account.strip() or name_of(address)
        if key is None or invitation:
            link = self._ready().begin_invited(invitation, name, address, entity_type or None, browser)
        else:
            self._require(request.scope, key)
            link = self._ready().begin(name, address, entity_type or None, browser)
        self._counted.hit(MOST_BEGUN, "begun", sender)
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
    ) -> Response:
        """The page to which the portal sends the browser back: it exchanges the code and connects the portal.

        Whoever may connect portals and is signed in goes on with the wizard; others see that it is connected.
        """
        browser, holder = self._cookie.value(request), self._signed_in.holder(request)
        is_operator = holder is not None and may_connect(holder)
        with acting(holder.name if holder and is_operator else "whoever was invited, in a browser"):
            portal = self._ready().finish(code, state, browser, domain, member_id)
        if is_operator:
            self._service.start_sync(portal)
            return RedirectResponse(sync_page(portal), 303)
        return page(request, "connected.html", portal=portal)

    def _require(self, scope: Scope, key: HTTPAuthorizationCredentials) -> None:
        """Raises unless this is an admin's key for all portals: a new portal is none of those that others see."""
        holder = self._guard.holder(scope, key, "admin")
        if holder.portals is not None:
            raise RoleTooLow(
                f"the key {holder.name!r} is for some portals; to connect one needs a key for all"
            )

    def _ready(self) -> PortalConnector:
        if self._connecting is None:
            raise SettingsError("BITRIX24_CLIENT_ID and BITRIX24_CLIENT_SECRET are not set")
        return self._connecting


async def form_of(request: Request) -> dict[str, str]:
    """The fields of a form that a browser posted; the last of those with one name. Raises UsageError."""
    try:
        body = (await request.body()).decode()
        return dict(parse_qsl(body, keep_blank_values=True, max_num_fields=MOST_FIELDS, errors="strict"))
    except ValueError:
        raise UsageError("the form cannot be read; expected key, domain, account and entityType").of_case(
            "unreadable_form"
        ) from None
