"""`POST /webhooks/bitrix24`, answered before FastAPI is asked.

Most requests are events, thousands a second where a portal is edited in bulk.
Routing an event through FastAPI costs more than parsing it, so FastAPI has
only the description of this call.
"""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import Any, NamedTuple

from starlette.types import ASGIApp, Receive, Scope, Send

from b24_pipeline.bitrix.events.inbound import MOST_BYTES
from b24_pipeline.web.body_limit import announced
from b24_pipeline.web.client_address import ClientAddresses
from b24_pipeline.web.events.receiver import Receipt, Receiver

PATH = "/webhooks/bitrix24"
SECONDS_TO_ARRIVE = 10.0

METHOD_NOT_ALLOWED = Receipt(HTTPStatus.METHOD_NOT_ALLOWED, "method_not_allowed", "events are posted")
TOO_LARGE = Receipt(
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too_large", f"an event has at most {MOST_BYTES} bytes"
)
TOO_SLOW = Receipt(HTTPStatus.REQUEST_TIMEOUT, "too_slow", "the body did not arrive in time")


class Webhook:
    """Middleware that answers the webhook's path, with or without a slash at its end, and passes on all else."""

    def __init__(self, app: ASGIApp, *, receiver: Receiver, addresses: ClientAddresses | None = None) -> None:
        self._app = app
        self._receiver = receiver
        self._addresses = addresses or ClientAddresses()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Lands an event and answers it, or passes the request on (ASGI)."""
        if scope["type"] != "http" or scope["path"] not in _PATHS:
            await self._app(scope, receive, send)
            return
        scope["route"] = _ROUTE
        if scope["method"] != "POST":
            await _answer(send, METHOD_NOT_ALLOWED, _ALLOWED)
            return
        try:
            body = await _body(scope, receive)
        except _TooLarge:
            await self._unread(send, TOO_LARGE)
        except (TimeoutError, _Gone):
            await self._unread(send, TOO_SLOW)
        else:
            await _answer(send, await self._receiver.receive(body, self._addresses.of(scope)))

    async def _unread(self, send: Send, receipt: Receipt) -> None:
        """Answers a request whose body was not read to its end, and closes the connection."""
        self._receiver.count(receipt)
        await _answer(send, receipt, _CLOSED)


def described(schema: dict[str, Any]) -> dict[str, Any]:
    """The OpenAPI schema with the webhook as its first path; a schema that has it already stays as it is."""
    schema["paths"] = {PATH: {"post": _OPERATION}} | schema["paths"]
    return schema


class _Route(NamedTuple):
    """The name under which requests are counted."""

    path: str


_ROUTE = _Route(PATH)
_PATHS = (PATH, f"{PATH}/")
_ALLOWED = (b"allow", b"POST")
_CLOSED = (b"connection", b"close")


class _TooLarge(Exception):
    """The body has more bytes than any event has."""


class _Gone(Exception):
    """The sender has hung up."""


async def _body(scope: Scope, receive: Receive) -> bytes:
    """The body, read until it has more bytes than any event. Raises _TooLarge, _Gone, TimeoutError."""
    if announced(scope) > MOST_BYTES:
        raise _TooLarge
    body = bytearray()
    async with asyncio.timeout(SECONDS_TO_ARRIVE):
        while True:
            message = await receive()
            if message["type"] != "http.request":
                raise _Gone
            body += message.get("body", b"")
            if len(body) > MOST_BYTES:
                raise _TooLarge
            if not message.get("more_body", False):
                return bytes(body)


async def _answer(send: Send, receipt: Receipt, *headers: tuple[bytes, bytes]) -> None:
    content = receipt.content
    length = (b"content-length", str(len(content)).encode())
    head = [(b"content-type", b"application/json"), length, *headers]
    await send({"type": "http.response.start", "status": receipt.status.value, "headers": head})
    await send({"type": "http.response.body", "body": content})


_ANSWERS = {
    200: "The event is committed.",
    400: "The body is not an event of Bitrix24.",
    403: "The portal is not connected, or the application_token is wrong.",
    408: "The body did not arrive in time.",
    413: "The body is longer than any event.",
    503: "The event could not be stored.",
}
_OPERATION = {
    "tags": ["events"],
    "summary": "Inbound events of Bitrix24",
    "description": "Called by Bitrix24; 200 once the event is committed to the landing table.",
    "operationId": "inbound_event",
    "requestBody": {
        "required": True,
        "content": {"application/x-www-form-urlencoded": {"schema": {"type": "object"}}},
    },
    "responses": {
        str(status): {"description": text, "content": {"application/json": {"schema": {"type": "object"}}}}
        for status, text in _ANSWERS.items()
    },
}
