"""How large a request's body may be, and how slowly it may come."""

from __future__ import annotations

import asyncio

from fastapi import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LARGEST_BODY = 64 * 1024
SLOWEST_BODY_SECONDS = 20.0


class BodyLimit:
    """Middleware that bounds a request's body: 413 for too many bytes, 400 for too many seconds.

    A body whose announced length is too large is refused unread.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes the request on with a body that is counted (ASGI)."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        fits = announced(scope) <= LARGEST_BODY
        await self._app(scope, _CountedBody(receive) if fits else _too_large, send)


class _CountedBody:
    """Counts the bytes and the seconds of one body; a message after it (the disconnect) is not bounded."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._left = LARGEST_BODY
        self._deadline = asyncio.get_running_loop().time() + SLOWEST_BODY_SECONDS
        self._complete = False

    async def __call__(self) -> Message:
        if self._complete:
            return await self._receive()
        try:
            async with asyncio.timeout_at(self._deadline):
                message = await self._receive()
        except TimeoutError:
            raise HTTPException(400, "the body came too slowly", _CLOSE) from None
        self._left -= len(message.get("body", b""))
        if self._left < 0:
            await _too_large()
        self._complete = not message.get("more_body", False)
        return message


_CLOSE = {"Connection": "close"}


async def _too_large() -> Message:
    raise HTTPException(413, f"the body is larger than {LARGEST_BODY} bytes", _CLOSE)


def announced(scope: Scope) -> int:
    """The Content-Length of a request in bytes, 0 where it is missing.

    The server has already refused a length that is not a number.
    """
    lengths = [value for name, value in scope["headers"] if name == b"content-length"]
    return int(lengths[0]) if lengths and lengths[0].isdigit() else 0
