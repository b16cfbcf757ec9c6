"""How many requests other than events may be worked on at once: the rest of the room is for events."""

from __future__ import annotations

from http import HTTPStatus

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

MOST_AT_ONCE = 200


class RequestsAtOnce:
    """Middleware behind the webhook: answers 503 while MOST_AT_ONCE requests are being worked on."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._at_work = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes the request on where there is a place for it (ASGI)."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if self._at_work >= MOST_AT_ONCE:
            await _BUSY(scope, receive, send)
            return
        self._at_work += 1
        try:
            await self._app(scope, receive, send)
        finally:
            self._at_work -= 1


_BUSY = JSONResponse(
    {"error": "busy", "message": "too many requests are being worked on; try again"},
    HTTPStatus.SERVICE_UNAVAILABLE,
    {"Connection": "close", "Retry-After": "1"},
)
