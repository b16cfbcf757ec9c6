"""A small authorization server and its portal for tests, on one port: codes, single-use refresh tokens, events."""

from __future__ import annotations

import json
import secrets
import threading
import time
from collections import Counter, deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from b24_pipeline.bitrix.auth.oauth import OAuthApp
from tests.support.servers.scripted_portal import JSON, Reply, error

CLIENT_ID = "local.0a1b2c3d"
CANARY = "canaryclientsecret"
MEMBER = "0a1b2c3d4e5f60718293a4b5c6d7e8f9"
ALLOWED = ("127.0.0.1", "127.0.0.2")


@dataclass
class Grant:
    """One chain of tokens: what a user allowed the application in a portal."""

    member_id: str
    user_id: int = 1
    client_id: str = CLIENT_ID
    endpoint: str = ""


@dataclass(frozen=True)
class Sent:
    """What an event brings along."""

    member_id: str
    application_token: str
    access_token: str | None = None
    refresh_token: str | None = None


@dataclass
class AuthorizationServer:
    """`token_seconds`: how long an access token lives. `script`: replies of the token endpoint that come first."""

    token_seconds: float = 3600.0
    code_seconds: float = 30.0
    pause_after_rotating: float = 0.0
    family: str = "ent"
    user: str = "17"
    is_admin: bool = True
    scopes: list[str] = field(default_factory=lambda: ["crm", "user"])
    script: deque[Reply] = field(default_factory=deque)
    portal_script: deque[Reply] = field(default_factory=deque)
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    called: list[tuple[str, str]] = field(default_factory=list)  # method, access token
    bindings: list[dict[str, Any]] = field(default_factory=list)
    unacceptable: set[str] = field(default_factory=set)
    refreshes: Counter[str] = field(default_factory=Counter)
    moved_to: str = ""
    origin: str = ""
    _codes: dict[str, tuple[Grant, float]] = field(default_factory=dict)
    _access: dict[str, tuple[Grant, float]] = field(default_factory=dict)
    _refresh: dict[str, Grant] = field(default_factory=dict)
    _lock: threading.RLock = field(default_factory=threading.RLock)

    @property
    def app(self) -> OAuthApp:
        """Our application at this server."""
        return OAuthApp.of(CLIENT_ID, CANARY, self.origin, ALLOWED)

    @property
    def domain(self) -> str:
        """Of the portal."""
        return self.origin.partition("://")[2]

    @property
    def refused(self) -> int:
        """How often a refresh token was used again, or was unknown."""
        return self.refreshes["refused"]

    def code(self, **grant: Any) -> str:
        """A code, as if a user had just allowed the application."""
        made = "code" + secrets.token_hex(8)
        self._codes[made] = (self._grant(**grant), time.monotonic() + self.code_seconds)
        return made

    def tokens(self, **grant: Any) -> dict[str, Any]:
        """A pair, as an installation brings it."""
        return self._pair(self._grant(**grant))

    def expire(self) -> None:
        """Every access token is over."""
        with self._lock:
            self._access = {token: (grant, 0.0) for token, (grant, _) in self._access.items()}

    def revoke(self) -> None:
        """No refresh token is worth anything any more."""
        with self._lock:
            self._refresh.clear()

    def _grant(self, member_id: str = MEMBER, **grant: Any) -> Grant:
        return Grant(**{"member_id": member_id, "endpoint": f"{self.origin}/rest/", **grant})

    def _pair(self, grant: Grant) -> dict[str, Any]:
        access, refresh = "access" + secrets.token_hex(12), "refresh" + secrets.token_hex(12)
        with self._lock:
            self._access[access] = (grant, time.monotonic() + self.token_seconds)
            self._refresh[refresh] = grant
        return {
            "access_token": access,
            "refresh_token": refresh,
            "expires": int(time.time() + self.token_seconds),
            "expires_in": int(self.token_seconds),
            "client_endpoint": grant.endpoint,
            "server_endpoint": f"{self.origin}/rest/",
            "domain": "oauth.bitrix.info",
            "member_id": grant.member_id,
            "user_id": grant.user_id,
            "scope": ",".join(self.scopes),
            "status": "L",
        }

    def get(self, path: str, query: dict[str, str]) -> Reply:
        """The authorization server."""
        with self._lock:
            self.asked.append((path, query))
            if self.script:
                return self.script.popleft()
        if path == "/oauth/token/":
            return self._token(query)
        if path == "/rest/app.info/":
            return self._info(query.get("auth", ""))
        return Reply(404, b"<html>", "text/html")

    def _token(self, query: dict[str, str]) -> Reply:
        if (query.get("client_id"), query.get("client_secret")) != (CLIENT_ID, CANARY):
            return error("invalid_client", 400)
        with self._lock:
            grant = self._redeemed(query)
            self.refreshes["refused" if grant is None else "granted"] += 1
            pair = None if grant is None else self._pair(grant)
        time.sleep(self.pause_after_rotating)
        return error("invalid_grant", 400, "Invalid grant") if pair is None else Reply(200, pair)

    def _redeemed(self, query: dict[str, str]) -> Grant | None:
        if query.get("grant_type") == "refresh_token":
            return self._refresh.pop(query.get("refresh_token", ""), None)
        grant, until = self._codes.pop(query.get("code", ""), (None, 0.0))
        return grant if time.monotonic() < until else None

    def _info(self, token: str) -> Reply:
        grant, until = self._access.get(token, (None, 0.0))
        if grant is None:
            return error("invalid_token", 401)
        if time.monotonic() > until:
            return error("expired_token", 401)
        install = {"installed": True, "member_id": grant.member_id, "client_endpoint": grant.endpoint}
        info = {"client_id": grant.client_id, "user_id": grant.user_id, "scope": "crm", "install": install}
        return Reply(200, {"result": info})

    def post(self, path: str, body: Mapping[str, Any]) -> Reply:
        """The portal."""
        method, token = path.removeprefix("/rest/"), str(body.get("auth", ""))
        self.called.append((method, token))
        if self.moved_to:
            return Reply(302, b"<html>", "text/html", {"Location": f"{self.moved_to}{path}"})
        if self.portal_script:
            return self.portal_script.popleft()
        grant, until = self._access.get(token, (None, 0.0))
        if grant is None:
            return error("invalid_token", 401, "Unable to get application by token")
        if time.monotonic() > until:
            return error("expired_token", 401, "The access token provided has expired.")
        if method == "batch":
            return self._batch(body["cmd"])
        result = self._run(method, dict(body))
        return result if isinstance(result, Reply) else Reply(200, {"result": result})

    def _batch(self, commands: Mapping[str, str]) -> Reply:
        results, errors = {}, {}
        for key, command in commands.items():
            method, _, query = command.partition("?")
            result = self._run(method, dict(parse_qsl(query)))
            if isinstance(result, Reply):
                errors[key] = result.body
            else:
                results[key] = result
        maps: dict[str, Any] = {"result": results or [], "result_error": errors or []}
        return Reply(200, {"result": maps})

    def _run(self, method: str, params: dict[str, Any]) -> Any:
        answers: dict[str, Any] = {
            "profile": {"ID": self.user, "ADMIN": self.is_admin, "TIME_ZONE": "Europe/Moscow"},
            "scope": self.scopes,
            "server.time": "2026-07-01T12:00:00+03:00",
            "app.info": {"ID": "1", "LICENSE_FAMILY": self.family, "INSTALLED": True},
            "event.get": list(self.bindings),
        }
        if method in answers:
            return answers[method]
        if method == "event.bind":
            return self._bind(params)
        if method == "event.unbind":
            kept = [
                one
                for one in self.bindings
                if (one["event"], one["handler"]) != (params["event"], params["handler"])
            ]
            count = len(self.bindings) - len(kept)
            self.bindings = kept
            return {"count": count}
        return error("ERROR_METHOD_NOT_FOUND", 404, "Method not found!")

    def _bind(self, params: dict[str, Any]) -> Any:
        row = {"event": params["event"], "handler": params["handler"], "auth_type": "0", "offline": 0}
        if params["event"] in self.unacceptable:
            return error("ERROR_EVENT_NOT_FOUND", 400, "Event not found")
        if row in self.bindings:
            return error("ERROR_CORE", 400, "Unable to set event handler: Handler already binded")
        self.bindings.append(row)
        return True

    @contextmanager
    def serve(self, host: str = "127.0.0.1") -> Iterator[AuthorizationServer]:
        """Over a real socket."""
        server = ThreadingHTTPServer((host, 0), _handler_of(self))
        server.daemon_threads = True
        self.origin = f"http://{host}:{server.server_port}"
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        try:
            yield self
        finally:
            server.shutdown()
            server.server_close()


def _handler_of(played: AuthorizationServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            self._send(played.get(parts.path, dict(parse_qsl(parts.query))))

        def do_POST(self) -> None:
            content = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self._send(played.post(self.path, json.loads(content)))

        def _send(self, reply: Reply) -> None:
            self.send_response(reply.status)
            for name, value in {"Content-Type": reply.kind or JSON, **reply.headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(reply.content)))
            self.end_headers()
            self.wfile.write(reply.content)

        def log_message(self, *_: Any) -> None:
            pass

    return Handler
