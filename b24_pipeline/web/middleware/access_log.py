"""A line and a count for every request, and the last resort for those that fail.

The line has the path without its query: codes and states travel there.
"""

from __future__ import annotations

import time
from typing import Any

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from b24_pipeline.log import access_logger
from b24_pipeline.web.metrics.requests import Requests
from b24_pipeline.web.problems import INTERNAL

_log = access_logger(__name__)
# asked thousands of times a minute, and by strangers: their figures are in /metrics, a line is for our own faults
QUIET = ("/webhooks/bitrix24", "/healthz", "/readyz", "/metrics")
LONGEST_PATH = 200


class Access:
    """Logs and counts requests; an error that nothing has handled becomes a plain 500."""

    def __init__(self, app: ASGIApp, *, requests: Requests) -> None:
        self._app = app
        self._requests = requests

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started, seen = time.perf_counter(), _Seen(send)
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


class _Seen:
    """Passes messages on and remembers the status."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.status: int | None = None

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
        await self._send(message)


def _path(scope: Scope) -> str:
    """As it came, still percent-encoded: no line break gets into the log."""
    raw: bytes = scope.get("raw_path") or scope["path"].encode()
    return raw.partition(b"?")[0][:LONGEST_PATH].decode("ascii", "backslashreplace")


def _route(scope: Scope) -> str:
    """The route's pattern: a bounded set, whatever is asked."""
    route: Any = scope.get("route")
    return str(getattr(route, "path", "other"))
