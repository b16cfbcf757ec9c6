"""What protects every answer and every management call.

Headers by the OWASP ASVS 5 checklist of promises.md; the bearer key is compared
by its digest, so that neither its length nor its beginning can be guessed by time.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from hashlib import sha256

from fastapi import Depends
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from b24_pipeline.errors import KeyRefused

NOTHING = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
PAGE = "default-src 'none'; style-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
# A browser applies form-action to every redirect that follows, and a portal sends people who are
# not signed in on to hosts that we cannot list.
FORM_PAGE = PAGE.replace("form-action 'none'", "form-action 'self' https: http:")

_ALWAYS = {
    "Content-Security-Policy": NOTHING,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cache-Control": "no-store",
}
_ONE_YEAR = "max-age=31536000"


class SecurityHeaders:
    """Puts the headers on every answer that does not set its own."""

    def __init__(self, app: ASGIApp, *, https: bool) -> None:
        self._app = app
        headers = _ALWAYS | ({"Strict-Transport-Security": _ONE_YEAR} if https else {})
        # as ASGI has them: this runs for each of thousands of events a second
        self._headers = [(name.lower().encode(), value.encode()) for name, value in headers.items()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def protected(message: Message) -> None:
            if message["type"] == "http.response.start":
                own = message.setdefault("headers", [])
                names = {name.lower() for name, _ in own}
                message["headers"] = [*own, *(pair for pair in self._headers if pair[0] not in names)]
            await send(message)

        await self._app(scope, receive, protected)


_bearer = HTTPBearer(auto_error=False, description="B24_ADMIN_KEY")
_given = Depends(_bearer)

Guard = Callable[[HTTPAuthorizationCredentials | None], None]


def management_key(key: str | None) -> Guard:
    """A dependency that lets through who has the key; without one, nobody. Raises KeyRefused."""
    wanted = _digest(key) if key else None

    def require_key(given: HTTPAuthorizationCredentials | None = _given) -> None:
        if wanted is None:
            raise KeyRefused("B24_ADMIN_KEY is not set, so that management calls are closed; set it")
        if given is None or not hmac.compare_digest(_digest(given.credentials), wanted):
            raise KeyRefused("expected the header `Authorization: Bearer` with the value of B24_ADMIN_KEY")

    return require_key


def _digest(key: str) -> bytes:
    return sha256(key.encode(errors="surrogateescape")).digest()
