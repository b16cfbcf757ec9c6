"""ASGI in small pieces: reading a request, sending bytes, cutting the connection."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from b24_pipeline.sandbox.rows.page import Page

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
TRANSPORT = "sandbox.transport"
JSON_TYPE = "application/json; charset=utf-8"
HTML_TYPE = "text/html; charset=utf-8"


@dataclass
class Reply:
    """A response; `drip_seconds` sends it byte by byte, `cut` ends it halfway."""

    status: int
    body: bytes
    content_type: str = JSON_TYPE
    headers: dict[str, str] = field(default_factory=dict)
    drip_seconds: float = 0.0
    cut: bool = False


def json_reply(status: int, value: Any, *, escape_slashes: bool = False) -> Reply:
    """JSON; PHP writes `/` as `\\/`."""
    body = orjson.dumps(value, default=_encoded, option=orjson.OPT_NON_STR_KEYS)
    return Reply(status, body.replace(b"/", b"\\/") if escape_slashes else body)


def _encoded(value: Any) -> Any:
    """Pages write themselves; sets and tables of the control paths become plain."""
    if isinstance(value, Page):
        return orjson.Fragment(value.encoded())
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return dataclasses.asdict(value)
    raise TypeError(f"{type(value).__name__} has no JSON form here")


def html_reply(status: int, title: str) -> Reply:
    """An HTML page as a web server in front of a portal sends it."""
    page = f"<html>\r\n<head><title>{title}</title></head>\r\n<body><center><h1>{title}</h1></center></body></html>"
    return Reply(status, page.encode(), HTML_TYPE)


async def read_body(receive: Receive) -> bytes:
    """Reads the whole body of a request."""
    parts = []
    while True:
        message = await receive()
        parts.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(parts)


async def send_reply(scope: Message, send: Send, reply: Reply) -> None:
    """Send a response as it wants to be sent."""
    headers = {"content-type": reply.content_type, "content-length": str(len(reply.body)), **reply.headers}
    encoded = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": reply.status, "headers": encoded})
    if reply.cut:
        await send(
            {"type": "http.response.body", "body": reply.body[: len(reply.body) // 2], "more_body": True}
        )
        await asyncio.sleep(0.02)
        cut_connection(scope)
    elif reply.drip_seconds:
        await _drip(send, reply)
    else:
        await send({"type": "http.response.body", "body": reply.body})


async def _drip(send: Send, reply: Reply) -> None:
    for place in range(len(reply.body)):
        await send({"type": "http.response.body", "body": reply.body[place : place + 1], "more_body": True})
        await asyncio.sleep(reply.drip_seconds)
    await send({"type": "http.response.body", "body": b""})


def cut_connection(scope: Message) -> None:
    """Drops the TCP connection at once, without an answer."""
    scope[TRANSPORT].abort()
