"""Lets only pages of the UI itself ask Dagster for anything: every other page of the same browser is refused.

Dagster's UI has no login and takes commands by GET, by form and by WebSocket: any page that an operator has open
could launch runs or stop the code server. Programs that are no browser are not kept out; that is what a login before
the UI is for.
"""

from __future__ import annotations

from collections.abc import Collection
from http import HTTPStatus
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

READS = ("GET", "HEAD", "OPTIONS")
OURS = ("same-origin", "none")
"""What a browser says of a request of a page of ours, or of one that a person typed (`Sec-Fetch-Site`)."""

COMMANDS = "/graphql"


class SameOriginOnly:
    """Middleware: the host must be one of `hosts`, commands are JSON by POST, and come from a page of that host.

    No other page may show the UI inside itself, where clicks meant for that page would command it.

    A host is given as a browser sends it, with its port unless that is the usual one: `127.0.0.1:3000`.
    """

    def __init__(self, app: ASGIApp, *, hosts: Collection[str]) -> None:
        self._app = app
        self._hosts = {host.lower() for host in hosts}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes the request on, or refuses it with one line (ASGI)."""

        async def send_unframed(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)["X-Frame-Options"] = "SAMEORIGIN"
            await send(message)

        problem = self._problem(scope) if scope["type"] in ("http", "websocket") else None
        if problem is None:
            await self._app(scope, receive, send_unframed)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        else:
            status, text = problem
            await PlainTextResponse(f"{text}\n", status)(scope, receive, send)

    def _problem(self, scope: Scope) -> tuple[HTTPStatus, str] | None:
        headers = Headers(scope=scope)
        host = headers.get("host", "").lower()
        if host not in self._hosts:
            return HTTPStatus.MISDIRECTED_REQUEST, "this host is not served here; B24_UI_HOSTS names more"
        method = scope.get("method", "GET")
        is_command = scope["type"] == "websocket" or method not in READS
        if is_command and not self._is_ours(headers, host):
            return HTTPStatus.FORBIDDEN, "only pages of this UI may ask for that"
        if method in READS and scope["path"].rstrip("/") == COMMANDS and scope.get("query_string"):
            return HTTPStatus.METHOD_NOT_ALLOWED, "queries are JSON by POST"
        is_json = headers.get("content-type", "").partition(";")[0].strip().lower() == "application/json"
        if scope["type"] == "http" and method not in READS and not is_json:
            return HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "commands are JSON"
        return None

    @staticmethod
    def _is_ours(headers: Headers, host: str) -> bool:
        """Whether a page of this host asks, or no browser at all: browsers send an origin with every command."""
        origin = headers.get("origin")
        if origin is not None and urlsplit(origin).netloc.lower() != host:
            return False
        return headers.get("sec-fetch-site", "none") in OURS
