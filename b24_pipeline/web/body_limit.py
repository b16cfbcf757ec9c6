"""How large a request's body may be, and how slowly it may come."""

from __future__ import annotations

import asyncio
import re

from fastapi import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LARGEST_BODY = 64 * 1024
LARGEST_UPLOAD = 20 * 1024 * 1024
_UPLOADS = re.compile(r"/p/[^/]+/leads/upload")
"""Where files may be sent: pages ask who is signed in, and with which role, before they read anything of a body."""

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
        most = largest_body(scope)
        counted = _CountedBody(receive, most)
        await self._app(scope, counted if announced(scope) <= most else counted.refuse, send)


class _CountedBody:
    """Counts the bytes and the seconds of one body; a message after it (the disconnect) is not bounded."""

    def __init__(self, receive: Receive, most: int) -> None:
        self._receive = receive
        self._most = self._left = most
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
            await self.refuse()
        self._complete = not message.get("more_body", False)
        return message

    async def refuse(self) -> Message:
        """Answers that the body is too large."""
        raise HTTPException(413, f"the body is larger than {self._most} bytes", _CLOSE)


_CLOSE = {"Connection": "close"}


def largest_body(scope: Scope) -> int:
    """How many bytes the body of a request may have."""
    is_upload = scope["method"] == "POST" and _UPLOADS.fullmatch(scope["path"])
    return LARGEST_UPLOAD if is_upload else LARGEST_BODY


def announced(scope: Scope) -> int:
    """The Content-Length of a request in bytes, 0 where it is missing.

    The server has already refused a length that is not a number.
    """
    lengths = [value for name, value in scope["headers"] if name == b"content-length"]
    return int(lengths[0]) if lengths and lengths[0].isdigit() else 0
