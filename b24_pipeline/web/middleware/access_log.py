"""Logs and counts every request, and answers 500 to a request that no handler could answer.

The log has the path without its query, which may hold codes and states. All lines of a request carry its id.
"""

from __future__ import annotations

import time
from typing import Any

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from b24_pipeline.log import access_logger, lines_carry
from b24_pipeline.web.metrics.requests import Requests
from b24_pipeline.web.middleware.request_id import HEADER, id_of
from b24_pipeline.web.problems import INTERNAL

_log = access_logger(__name__)
# called thousands of times a minute, also by strangers: /metrics counts them, the log has only our own faults
QUIET = ("/webhooks/bitrix24", "/healthz", "/readyz", "/metrics")
LONGEST_PATH = 200


class Access:
    """Middleware that logs and counts requests; an error that nothing has handled becomes a plain 500."""

    def __init__(self, app: ASGIApp, *, requests: Requests) -> None:
        self._app = app
        self._requests = requests

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes the request on and notes how it was answered (ASGI)."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = id_of(scope)
        started, seen = time.perf_counter(), _SeenStatus(send, request.encode())
        with lines_carry(request=request):
            try:
                await self._app(scope, receive, seen)
            except Exception:
                _log.exception("failed", method=scope["method"], path=_path(scope))
                if seen.status is None:
                    await JSONResponse(INTERNAL.body, INTERNAL.status)(scope, receive, seen)
            finally:
                self._note(scope, seen.status or INTERNAL.status, time.perf_counter() - started)

    def _note(self, scope: Scope, status: int, seconds: float) -> None:
        self._requests.count(_route(scope), scope["method"], status, seconds)
        if status >= 500 or scope["path"] not in QUIET:
            fields = {"method": scope["method"], "path": _path(scope), "status": status}
            _log.info("request", **fields, ms=round(seconds * 1000, 1))


class _SeenStatus:
    """Passes messages on, gives the answer the request's id, and remembers its status."""

    def __init__(self, send: Send, request: bytes) -> None:
        self._send = send
        self._request = request
        self.status: int | None = None

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            message["headers"] = [*message.get("headers", ()), (HEADER, self._request)]
        await self._send(message)


def _path(scope: Scope) -> str:
    """The path as it came, still percent-encoded: no line break gets into the log."""
    raw: bytes = scope.get("raw_path") or scope["path"].encode()
    return raw.partition(b"?")[0][:LONGEST_PATH].decode("ascii", "backslashreplace")


def _route(scope: Scope) -> str:
    """The pattern of the route that answered, else `other`: strangers cannot add names."""
    route: Any = scope.get("route")
    return str(getattr(route, "path", "other"))
