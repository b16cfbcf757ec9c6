"""A small Bitrix24 for tests of the client: chained batches, the bucket, and faults on demand."""

from __future__ import annotations

import bisect
import json
import math
import random
import re
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl

import httpx

from b24_pipeline.bitrix.auth.credentials import WebhookCredential
from b24_pipeline.bitrix.budget.shared import Budget, memory_budget
from b24_pipeline.bitrix.client import BitrixClient
from b24_pipeline.bitrix.http.transport import Timeouts
from b24_pipeline.bitrix.retries import Waits

SECRET = "canarysecret123"
JSON = "application/json; charset=utf-8"


@dataclass
class Reply:
    """One answer as it goes over the wire."""

    status: int = 200
    body: Any = None
    kind: str = JSON
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def content(self) -> bytes:
        if isinstance(self.body, bytes):
            return self.body
        return b"" if self.body is None else json.dumps(self.body).encode()


def error(code: Any, status: int, description: str = "") -> Reply:
    return Reply(status, {"error": code, "error_description": description})


def php(entries: dict[str, Any]) -> Any:
    """A list where the keys are 0..n-1 in order, or there are none; else an object."""
    return list(entries.values()) if list(entries) == [str(i) for i in range(len(entries))] else entries


class ScriptedPortal:
    """Lists of ids by method; `script` holds replies that are given before anything else happens."""

    def __init__(self, ids: Mapping[str, list[int]] | list[int] | None = None, wrapper: str = "") -> None:
        given = ids if isinstance(ids, Mapping) else {"crm.deal.list": list(ids or [])}
        self.ids = {method: sorted(values) for method, values in given.items()}
        self.id_field, self.wrapper = ("id" if wrapper else "ID"), wrapper
        self.script: deque[Reply | Callable[[], Reply]] = deque()
        self.command_errors: dict[int, Any] = {}  # by the number of the command since the start
        self.log: list[tuple[str, dict[str, Any]]] = []
        self.commands = self.pages_with_rows = 0
        self.on_page: Callable[[ScriptedPortal], None] = lambda portal: None
        self.methods: dict[str, Callable[[dict[str, Any]], Any]] = {}
        self.bucket: tuple[float, float] | None = None  # leak a second, burst
        self.leaks_whole_seconds = False
        self.late = 0.0  # seconds at most, at random, until a request is counted
        self.level, self.leaked_at, self.refused, self.peak = 0.0, time.monotonic(), 0, 0.0
        self.latency = 0.0
        self.running = self.most_running = 0
        self._lock = threading.RLock()

    def answer(self, path: str, content: bytes) -> Reply:
        method, body = path.rstrip("/").rsplit("/", 1)[1], json.loads(content or b"{}")
        time.sleep(random.random() * self.late)
        with self._lock:
            self.log.append((method, body))
            if self.script:
                prepared = self.script.popleft()
                return prepared() if callable(prepared) else prepared
            if self._overflows():
                return error("QUERY_LIMIT_EXCEEDED", 503, "Too many requests")
            self.running += 1
            self.most_running = max(self.running, self.most_running)
        try:
            time.sleep(self.latency)
            with self._lock:
                return self._batch(body) if method == "batch" else self._single(method, body)
        finally:
            with self._lock:
                self.running -= 1

    def _overflows(self) -> bool:
        if self.bucket is None:
            return False
        leak, burst = self.bucket
        now = time.monotonic()
        if self.leaks_whole_seconds:
            now = math.floor(now)
        self.level, self.leaked_at = max(self.level - (now - self.leaked_at) * leak, 0.0), now
        if self.level + 1 > burst:
            self.refused += 1
            return True
        self.level += 1
        self.peak = max(self.peak, self.level)
        return False

    def _single(self, method: str, params: dict[str, Any]) -> Reply:
        result = self._run(method, params)
        if isinstance(result, Reply):
            return result
        return Reply(200, {"result": result, "time": _time()})

    def _batch(self, body: dict[str, Any]) -> Reply:
        results: dict[str, Any] = {}
        errors: dict[str, Any] = {}
        times: dict[str, Any] = {}
        for key, command in list(body["cmd"].items()):
            method, _, query = command.partition("?")
            outcome = self.command_errors.pop(self.commands, None)
            self.commands += 1
            if outcome is None:
                outcome = self._run(method, _nested(query, results))
            if isinstance(outcome, Reply):
                errors[key] = outcome.body
            elif outcome is not MISSING:
                results[key], times[key] = outcome, _time()
        maps = {"": results, "_error": errors, "_total": {}, "_next": {}, "_time": times}
        return Reply(200, {"result": {f"result{name}": php(m) for name, m in maps.items()}, "time": _time()})

    def _run(self, method: str, params: dict[str, Any]) -> Any:
        if method in self.methods:
            return self.methods[method](params)
        if method not in self.ids:
            return error("ERROR_METHOD_NOT_FOUND", 404, "Method not found!")
        rows = [{self.id_field: str(number)} for number in self._page(self.ids[method], params)]
        self.pages_with_rows += bool(rows)
        self.on_page(self)
        return {self.wrapper: rows} if self.wrapper else rows

    def _page(self, ids: list[int], params: dict[str, Any]) -> list[int]:
        wanted = params.get("filter", {})
        if f"@{self.id_field}" in wanted:
            asked = {_bound(value) for value in wanted[f"@{self.id_field}"].values()}
            return [number for number in ids if number in asked][:50]
        low = bisect.bisect_right(ids, _bound(wanted.get(f">{self.id_field}", 0)))
        upto = wanted.get(f"<={self.id_field}")
        high = len(ids) if upto is None else bisect.bisect_right(ids, _bound(upto))
        if params["order"][self.id_field] == "DESC":
            return ids[max(low, high - 50) : high][::-1]
        return ids[low : min(high, low + 50)]

    def transport(self) -> httpx.MockTransport:
        def handle(request: httpx.Request) -> httpx.Response:
            reply = self.answer(request.url.path, request.content)
            headers = {"Content-Type": reply.kind, **reply.headers}
            return httpx.Response(reply.status, headers=headers, content=reply.content)

        return httpx.MockTransport(handle)

    @contextmanager
    def serve(self) -> Iterator[str]:
        """Over a real socket; yields the webhook address."""
        portal = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = -1  # headers and body in one packet

            def do_POST(self) -> None:
                content = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                reply = portal.answer(self.path, content)
                self.send_response(reply.status)
                for name, value in {"Content-Type": reply.kind, **reply.headers}.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(reply.content)))
                self.end_headers()
                self.wfile.write(reply.content)

            def log_message(self, *_: Any) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/rest/1/{SECRET}/"
        finally:
            server.shutdown()
            server.server_close()


MISSING = object()


def _bound(value: Any) -> int:
    """PHP's cast to int: an array is 1, and text that is no number 0."""
    if isinstance(value, (list, dict)):
        return 1 if value else 0
    match = re.match(r"-?\d+", str(value))
    return int(match[0]) if match else 0


def _nested(query: str, results: dict[str, Any]) -> dict[str, Any]:
    """PHP's reading of `filter[%3EID]=1`, references replaced by the deepest value that resolves."""
    params: dict[str, Any] = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        first, *inner = re.findall(r"[^\[\]]+", name)
        place = params
        for part, following in zip([first, *inner], inner, strict=False):
            place = place.setdefault(part, {})
            del following
        place[[first, *inner][-1]] = _resolved(value, results)
    return params


def _resolved(value: str, results: dict[str, Any]) -> Any:
    if not value.startswith("$result["):
        return value
    found: Any = results
    for part in re.findall(r"\[([^\]]+)\]", value):
        try:
            found = found[int(part)] if isinstance(found, list) else found[part]
        except (KeyError, IndexError, TypeError, ValueError):
            break
    return found


def _time() -> dict[str, Any]:
    now = time.time()
    stamp = "2026-09-21T13:33:20+03:00"
    return {
        **{"start": now, "finish": now, "duration": 0.01, "processing": 0.01, "operating": 0},
        **{"date_start": stamp, "date_finish": stamp},
    }


CLOUD_WEBHOOK = f"https://acme.bitrix24.com/rest/1/{SECRET}/"
AT_ONCE = Waits(first=0.001, longest=0.002, jitter=0.0)
QUICK = Timeouts(connect=1.0, read=0.4, write=1.0, pool=5.0, total=0.8)


def client_of(portal: ScriptedPortal, budget: Budget | None = None) -> BitrixClient:
    """A client whose requests reach the scripted portal without a socket."""
    return BitrixClient(
        portal="acme",
        credential=WebhookCredential.parse(CLOUD_WEBHOOK),
        budget=budget or memory_budget("acme", "1000/second burst 10000"),
        http=httpx.Client(transport=portal.transport()),
        waits=AT_ONCE,
    )


def client_to(webhook: str, timeouts: Timeouts = QUICK) -> BitrixClient:
    """A client over a real socket, as the package opens it itself."""
    return BitrixClient(
        portal="acme",
        credential=WebhookCredential.parse(webhook, allowed=["127.0.0.1", "localhost", "*.invalid"]),
        budget=memory_budget("acme", "1000/second burst 10000"),
        timeouts=timeouts,
        waits=AT_ONCE,
    )
