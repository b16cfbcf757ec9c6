"""Pages for whoever is signed in: the browser's session is asked before anything of the request is read."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import RedirectResponse
from fastapi.routing import APIRoute

from b24_pipeline.errors import RoleTooLow
from b24_pipeline.store.access.holder import AccessRole, KeyHolder
from b24_pipeline.store.access.sessions import Sessions
from b24_pipeline.store.database.acting import acting
from b24_pipeline.web.frame import forms
from b24_pipeline.web.frame.cookies import BrowserCookie

SIGN_IN = "/sign-in"


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Tells who a browser is. `public_url`: the service's own address (B24_PUBLIC_URL)."""

    sessions: Sessions
    cookie: BrowserCookie
    public_url: str

    def holder(self, request: Request) -> KeyHolder | None:
        """Whoever is signed in with this browser; None where nobody is."""
        value = self.cookie.value(request)
        return self.sessions.holder(value) if value else None

    def routes(self, needed: AccessRole = "viewer", change: AccessRole = "manager") -> APIRouter:
        """A router of pages: `needed` is the role that sees them, `change` the one whose forms are taken.

        Whoever is not signed in is led to the sign-in page and back. `request.state.holder` is who it is, and the audit
        says so of what they change. A form comes from one of our pages, with its token, or changes nothing.
        """
        return APIRouter(include_in_schema=False, route_class=_asking_first(self, needed, change))

    async def check_form(self, request: Request) -> None:
        """Raises ForeignForm unless the form was sent by a page of this browser's session."""
        forms.check_origin(request, self.public_url)
        fields = await request.form()
        forms.check_token(self.cookie.value(request), str(fields.get(forms.FIELD, "")))


def _asking_first(signed_in: SignedIn, needed: AccessRole, change: AccessRole) -> type[APIRoute]:
    class PageRoute(APIRoute):
        """A route that FastAPI handles only for whoever is signed in, with a role that suffices."""

        def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
            handle = super().get_route_handler()
            is_changing = not set(self.methods or ()) <= {"GET", "HEAD"}
            role = change if is_changing else needed

            async def guarded(request: Request) -> Response:
                holder = await run_in_threadpool(signed_in.holder, request)
                if holder is None:
                    return _to_sign_in(request)
                request.state.holder = holder
                request.state.session = signed_in.cookie.value(request)
                if not holder.may(role):
                    raise RoleTooLow(f"{holder.name!r} has the role {holder.role}; this needs {role}")
                if is_changing:
                    await signed_in.check_form(request)
                with acting(holder.name) if is_changing else nullcontext():
                    return await handle(request)

            return guarded

    return PageRoute


def _to_sign_in(request: Request) -> Response:
    """Leads the browser to the sign-in page, and from there back to what it asked for."""
    target = SIGN_IN
    if request.method == "GET":
        query = f"?{request.url.query}" if request.url.query else ""
        target += f"?next={quote(request.url.path + query, safe='/')}"
    if "hx-request" in request.headers:
        return Response(status_code=204, headers={"HX-Redirect": SIGN_IN})
    return RedirectResponse(target, 303)
