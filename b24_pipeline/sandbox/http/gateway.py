"""The ASGI application: `/rest/...` is the portal, `/oauth/...` lets apps in, `/sandbox/...` steers it."""

from __future__ import annotations

import asyncio
import re
import time
from typing import Any
from urllib.parse import unquote

from b24_pipeline.sandbox.caller import Caller
from b24_pipeline.sandbox.controls.faults import Fault, Faults
from b24_pipeline.sandbox.http.asgi import (
    Message,
    Receive,
    Reply,
    Send,
    cut_connection,
    html_reply,
    json_reply,
    read_body,
    send_reply,
)
from b24_pipeline.sandbox.http.authentication import Door, Entrance, door
from b24_pipeline.sandbox.http.authorization import Authorization
from b24_pipeline.sandbox.http.card_page import card_page
from b24_pipeline.sandbox.http.control import Control
from b24_pipeline.sandbox.http.placement_page import placement_page
from b24_pipeline.sandbox.journal import Journal, RequestRecord
from b24_pipeline.sandbox.portal import PortalState
from b24_pipeline.sandbox.rest.batch import Batch
from b24_pipeline.sandbox.rest.executor import Executor
from b24_pipeline.sandbox.rest.limiter import RequestBucket
from b24_pipeline.sandbox.rest.php import Params, parse_body, parse_query
from b24_pipeline.sandbox.rest.timing import time_block
from b24_pipeline.sandbox.rest_error import RestError

_VERSION_3 = re.compile(r"^/rest/api/")
_INSTEAD = frozenset({"html", "empty", "redirect"})


class Gateway:
    """Routes, counts, delays and answers requests."""

    def __init__(
        self,
        portal: PortalState,
        executor: Executor,
        bucket: RequestBucket,
        faults: Faults,
        journal: Journal,
        control: Control,
    ) -> None:
        self._portal = portal
        self._executor = executor
        self._bucket = bucket
        self._faults = faults
        self._journal = journal
        self._control = control
        self._authorization = Authorization(portal)
        self._entrance = Entrance(portal)
        self._slots = asyncio.Semaphore(portal.config.cost.workers)

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answers one HTTP request."""
        if scope["type"] != "http":
            return
        body = await read_body(receive)
        path = unquote(scope["path"])
        if path.startswith("/sandbox/"):
            await send_reply(scope, send, await self._control.answer(scope["method"], path, scope, body))
            return
        reply = (
            self._moved(scope, path)
            or placement_page(self._portal, path, scope)
            or card_page(self._portal, path)
        )
        if reply is None and path.startswith("/oauth/"):
            reply = await self._oauth(scope, path)
        elif reply is None:
            reply = await self._rest(scope, path, body)
        if reply is not None:
            await send_reply(scope, send, reply)

    async def _rest(self, scope: Message, path: str, body: bytes) -> Reply | None:
        """The portal's reply; None when the connection was cut instead."""
        if _VERSION_3.match(path):
            return self._refused("v3", RestError("ERROR_METHOD_NOT_FOUND", "Method not found!", 404))
        asked = door(path)
        if asked is None:
            return html_reply(404, "404 Not Found")
        fault = self._faults.for_request(asked.method)
        if fault is not None and fault.kind == "disconnect":
            self._cut(scope, asked.method)
            return None
        params = _params(scope, body)
        try:
            caller = self._admit(scope, asked, params)
            if fault is not None:
                _raise_injected(fault)
        except RestError as error:
            return self._refused(asked.method, error)
        return await self._answered(asked.method, params, caller, fault)

    def _admit(self, scope: Message, asked: Door, params: Params) -> Caller:
        source = (scope.get("client") or ("unknown", 0))[0]
        if not self._bucket.admit(source, self._portal.clock.now()):
            raise RestError("QUERY_LIMIT_EXCEEDED", "Too many requests", 503)
        return self._entrance.admit(asked, dict(scope["headers"]), params)

    def _moved(self, scope: Message, path: str) -> Reply | None:
        """The way to the portal's present address, if it was asked at a former one.

        docs/bitrix24-rest.md, section 2.5.

        The authorization server stays where the portal was at first: its token endpoint and
        its check of a token by GET are not the portal's.
        """
        addresses = self._portal.addresses
        if not addresses.moved:
            return None
        host = dict(scope["headers"]).get(b"host", b"").decode("latin-1")
        if not addresses.is_former(host) or (host == addresses.server and _is_servers(scope, path)):
            return None
        query = scope["query_string"].decode("latin-1")
        location = f"{addresses.url}{scope['path']}{'?' if query else ''}{query}"
        work = _Work(path.strip("/").rpartition("/")[2].lower(), {}, 0.0, 0, ())
        return self._note(work, self._portal.clock.now(), Reply(302, b"", headers={"location": location}))

    def _cut(self, scope: Message, method: str) -> None:
        self._note(_Work(method.lower(), {}, 0.0, 0, ()), self._portal.clock.now(), Reply(0, b""))
        cut_connection(scope)

    async def _oauth(self, scope: Message, path: str) -> Reply | None:
        """The reply of `/oauth/...`. Cut or delayed, the work is done all the same: only its answer suffers."""
        method = path.strip("/").replace("/", ".")
        fault, start = self._faults.for_request(method), self._portal.clock.now()
        try:
            if fault is not None:
                _raise_injected(fault)
        except RestError as error:
            return self._refused(method, error)
        if fault is not None and fault.kind in _INSTEAD:
            return self._note(_Work(method, {}, 0.0, 0, ()), start, _instead(fault))
        reply = self._authorization.answer(path, scope)
        if fault is not None and fault.kind == "disconnect":
            self._cut(scope, method)
            return None
        if fault is not None and fault.kind == "delay":
            await asyncio.sleep(fault.seconds)
        return self._note(_Work(method, {}, 0.0, 0, ()), start, _worn(reply, fault))

    def _refused(self, method: str, error: RestError) -> Reply:
        record = RequestRecord(self._portal.clock.now(), method.lower(), 0, 0, error.status, 0.0)
        self._journal.note(record, rejected=error.code == "QUERY_LIMIT_EXCEEDED")
        return json_reply(error.status, error.body(), escape_slashes=self._portal.config.escape_slashes)

    async def _answered(self, method: str, params: Params, caller: Caller, fault: Fault | None) -> Reply:
        if fault is not None and fault.kind in _INSTEAD:
            return self._note(
                _Work(method.lower(), {}, 0.0, 0, ()), self._portal.clock.now(), _instead(fault)
            )
        if fault is not None and fault.kind == "delay":
            await asyncio.sleep(fault.seconds)
        try:
            return _worn(await self._run(method, params, caller), fault)
        except RestError as error:
            return self._refused(method, error)

    async def _run(self, method: str, params: Params, caller: Caller) -> Reply:
        async with self._slots:
            start, began = self._portal.clock.now(), time.perf_counter()
            with self._portal.acting(caller):
                work = self._work(method, params)
            cost = self._portal.config.cost
            charged = 0.0 if cost.is_free else cost.request_seconds + work.seconds
            if charged > cost.request_limit_seconds:
                await asyncio.sleep(cost.request_limit_seconds)
                return self._note(work, start, html_reply(504, "504 Gateway Time-out"))
            await asyncio.sleep(max(0.0, charged - (time.perf_counter() - began)))
        return self._note(work, start, self._reply(work, start))

    def _work(self, method: str, params: Params) -> _Work:
        if method.lower() == "batch":
            batch = Batch(self._executor, params)
            result = batch.run()
            return _Work("batch", {"result": result}, batch.seconds, batch.rows, tuple(batch.methods))
        executed = self._executor.run(method, params)
        answer, body = executed.answer, {"result": executed.answer.result}
        body |= {} if answer.next is None else {"next": answer.next}
        body |= {} if answer.total is None else {"total": answer.total}
        return _Work(method.lower(), body, executed.seconds, answer.rows, (method.lower(),))

    def _reply(self, work: _Work, start: float) -> Reply:
        finish = self._portal.clock.now()
        usage = self._executor.operating.usage(work.method, finish)
        work.body["time"] = time_block(start, finish, work.seconds, usage)
        reply = json_reply(200, work.body, escape_slashes=self._portal.config.escape_slashes)
        reply.headers = {
            "x-bitrix-rest-application": "",
            "x-bitrix-rest-time": f"{finish - start:.10f}",
            "x-bitrix-rest-user-time": f"{work.seconds:.6f}",
            "x-bitrix-rest-system-time": "0.000000",
        }
        return reply

    def _note(self, work: _Work, start: float, reply: Reply) -> Reply:
        self._journal.note(
            RequestRecord(
                time=start,
                method=work.method,
                commands=len(work.methods),
                rows=work.rows,
                status=reply.status,
                operating_seconds=work.seconds,
                methods=work.methods,
            )
        )
        return reply


class _Work:
    """What a request led to, before it is written."""

    def __init__(
        self, method: str, body: dict[str, Any], seconds: float, rows: int, methods: tuple[str, ...]
    ) -> None:
        self.method, self.body, self.seconds = method, body, seconds
        self.rows, self.methods = rows, methods


def _params(scope: Message, body: bytes) -> Params:
    headers = dict(scope["headers"])
    content_type = headers.get(b"content-type", b"").decode("latin-1")
    query = parse_query(scope["query_string"].decode("latin-1"))
    return query | parse_body(content_type, body)


def _is_servers(scope: Message, path: str) -> bool:
    """Whether a request is for the authorization server, whose host the portal's may be."""
    place = path.strip("/")
    return place == "oauth/token" or (place == "rest/app.info" and scope["method"] == "GET")


def _worn(reply: Reply, fault: Fault | None) -> Reply:
    """The reply with what a fault does to its sending."""
    if fault is not None:
        reply.cut = fault.kind == "truncate"
        reply.drip_seconds = fault.seconds if fault.kind == "drip" else 0.0
    return reply


def _raise_injected(fault: Fault) -> None:
    if fault.kind == "error":
        raise RestError(fault.error, fault.description, fault.status)
    if fault.kind == "revoke":
        raise RestError("INVALID_CREDENTIALS", "Invalid request credentials", 401)
    if fault.kind == "portal_deleted":
        raise RestError("PORTAL_DELETED", "Portal was deleted", 403 if fault.status == 500 else fault.status)


def _instead(fault: Fault) -> Reply:
    """What comes where a portal's answer should be; the method does not run."""
    if fault.kind == "redirect":
        return Reply(302, b"", headers={"location": fault.location})
    return (
        html_reply(fault.status, f"{fault.status} Bad Gateway")
        if fault.kind == "html"
        else Reply(fault.status, b"")
    )
