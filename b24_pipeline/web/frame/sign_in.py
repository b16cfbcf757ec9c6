"""The page that takes a key and signs a browser in, and the way out."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import RedirectResponse
from fastapi.security import HTTPAuthorizationCredentials
from limits import parse as parse_limit
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

from b24_pipeline.errors import KeyRefused, NotProtected, TooOften
from b24_pipeline.web.client_address import ClientAddresses
from b24_pipeline.web.frame import forms
from b24_pipeline.web.frame.rendering import page
from b24_pipeline.web.frame.signed_in import SIGN_IN, SignedIn
from b24_pipeline.web.guard import Guard
from b24_pipeline.web.middleware.security import PAGE

MOST_WRONG_KEYS = parse_limit("10/minute")
START = "/"
Next = Annotated[str, Query(alias="next", max_length=2048)]


LINE_OF_SETTINGS = "B24_ADMIN_KEY="
"""Whoever copies the key out of `.env` may take its name along."""


class SignIn:
    """The routes `/sign-in` and `/sign-out`."""

    def __init__(self, signed_in: SignedIn, guard: Guard, addresses: ClientAddresses) -> None:
        self._signed_in = signed_in
        self._guard = guard
        self._addresses = addresses
        self._wrong = MovingWindowRateLimiter(MemoryStorage())

    def router(self) -> APIRouter:
        """The router with the form, its answer, and the way out."""
        routes = APIRouter(include_in_schema=False)
        routes.add_api_route(SIGN_IN, self.form)
        routes.add_api_route(SIGN_IN, self.sign_in, methods=["POST"])
        routes.add_api_route("/sign-out", self.sign_out, methods=["POST"])
        return routes

    def form(self, request: Request, target: Next = START) -> Response:
        """Asks for a key."""
        return self._form(request, own_path(target))

    async def sign_in(self, request: Request) -> Response:
        """Signs the browser in whose form has a key, and leads it to where it wanted to go."""
        forms.check_origin(request, self._signed_in.public_url)
        fields = await request.form(max_fields=5, max_files=0)
        target = own_path(str(fields.get("next", START)))
        key = str(fields.get("key", "")).strip().removeprefix(LINE_OF_SETTINGS)
        cookie = self._signed_in.cookie
        if not cookie.is_protected(request):
            raise NotProtected
        try:
            value = await run_in_threadpool(self._begin, request, key)
        except KeyRefused:
            return self._form(request, target, status=401)
        answer = RedirectResponse(target, 303)
        cookie.renew(request, answer, value)
        return answer

    async def sign_out(self, request: Request) -> Response:
        """Ends the session of this browser."""
        await self._signed_in.check_form(request)
        cookie = self._signed_in.cookie
        await run_in_threadpool(self._signed_in.sessions.end, cookie.value(request))
        answer = RedirectResponse(SIGN_IN, 303)
        cookie.forget(request, answer)
        return answer

    def _begin(self, request: Request, key: str) -> str:
        sender = self._addresses.of(request.scope)
        if not self._wrong.test(MOST_WRONG_KEYS, sender):
            raise TooOften("too many wrong keys came just now; wait a minute")
        before = self._signed_in.cookie.value(request)
        try:
            self._guard.holder(request.scope, HTTPAuthorizationCredentials(scheme="Bearer", credentials=key))
            value = self._signed_in.sessions.begin(key)
        except KeyRefused:
            self._wrong.hit(MOST_WRONG_KEYS, sender)
            raise
        if before:
            self._signed_in.sessions.end(before)
        return value

    def _form(self, request: Request, target: str, status: int = 200) -> Response:
        return page(
            request,
            "sign_in.html",
            status=status,
            referrer="same-origin",
            policy=PAGE.replace("form-action 'none'", "form-action 'self'"),
            target=target,
            is_protected=self._signed_in.cookie.is_protected(request),
            is_wrong=status != 200,
        )


def own_path(target: str) -> str:
    """A path of this service that a browser may be led to; the start where it is none."""
    is_own = target.startswith("/") and not target.startswith(("//", "/\\")) and target.isprintable()
    return target if is_own else START
