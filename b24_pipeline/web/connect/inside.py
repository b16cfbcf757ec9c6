"""The page that a portal opens in a frame: whoever it sends is signed in for this portal alone.

The entry of the menu of CRM analytics leads to it, and so does the application's own page in the portal. That is
called at the handler path of the card, to which browsers come back after a connection (by GET).
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote

from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import RedirectResponse

from b24_pipeline.errors import ForeignForm, NotProtected, SettingsError
from b24_pipeline.settings import CALLBACK_PATH
from b24_pipeline.store.access.holder import AccessRole
from b24_pipeline.store.access.sessions import GUEST_SECONDS, Guest
from b24_pipeline.sync.portals.placement import INSIDE_PATH
from b24_pipeline.sync.portals.visitors import PortalVisitors, Visitor
from b24_pipeline.web.client_address import ClientAddresses
from b24_pipeline.web.frame.signed_in import SignedIn
from b24_pipeline.web.frame.translations import LANGUAGES

MOST_FIELDS = 40
PATHS = (INSIDE_PATH, CALLBACK_PATH)


class InsidePage:
    """The routes that a portal's page calls by POST. Without `visitors` nobody is let in."""

    def __init__(
        self, visitors: PortalVisitors | None, signed_in: SignedIn, addresses: ClientAddresses
    ) -> None:
        self._visitors = visitors
        self._signed_in = signed_in
        self._addresses = addresses

    def router(self) -> APIRouter:
        """The router with the calls."""
        routes = APIRouter(include_in_schema=False)
        for path in PATHS:
            routes.add_api_route(path, self.open, methods=["POST"])
        return routes

    async def open(self, request: Request) -> Response:
        """Asks the portal who it sends, begins their session, and leads the frame to the funnel."""
        if not self._signed_in.cookie.is_protected(request):
            raise NotProtected
        if request.headers.get("sec-fetch-dest", "iframe") != "iframe":
            # in a window of its own, a form of somebody else could sign the browser's owner out of their own session
            raise ForeignForm("this page is opened by a portal, within itself")
        form = await request.form(max_fields=MOST_FIELDS, max_files=0)
        given = {**request.query_params, **{name: str(value) for name, value in form.items()}}
        if self._visitors:
            # it may show what went wrong
            request.state.called_by = await run_in_threadpool(
                self._visitors.origin, given.get("member_id", ""), given.get("DOMAIN", "")
            )
        visitor = await run_in_threadpool(self._visitor, given, self._addresses.of(request.scope))
        role: AccessRole = "manager" if visitor.is_admin else "viewer"
        guest = Guest(visitor.portal.id, visitor.user_id, role)
        value = await run_in_threadpool(self._signed_in.sessions.begin, guest)
        language = str(given.get("LANG", "")).lower()
        query = f"?lang={language}" if language in LANGUAGES else ""
        answer = RedirectResponse(f"/p/{quote(visitor.portal.name)}/funnel{query}", 303)
        self._signed_in.cookie.renew_in_frame(request, answer, value, GUEST_SECONDS)
        return answer

    def _visitor(self, given: Mapping[str, str], sender: str) -> Visitor:
        if self._visitors is None:
            raise SettingsError("BITRIX24_CLIENT_ID and BITRIX24_CLIENT_SECRET are not set")
        return self._visitors.visitor(
            given.get("member_id", ""), given.get("DOMAIN", ""), given.get("AUTH_ID", ""), sender
        )


def is_opened_inside(request: Request) -> bool:
    """Whether a portal has opened this in a frame, in which our links would not open."""
    return request.method == "POST" and request.url.path in PATHS
