"""Which requests Dagster's UI lets through: those of its own pages, and of programs on purpose."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocket, WebSocketDisconnect

from b24_pipeline.defs.ui.__main__ import hosts_of
from b24_pipeline.defs.ui.same_origin import SameOriginOnly

HOST = "127.0.0.1:3000"
JSON = {"content-type": "application/json"}


async def _answer(_request: Request) -> Response:
    return PlainTextResponse("done")


async def _talk(socket: WebSocket) -> None:
    await socket.accept()
    await socket.send_text("done")
    await socket.close()


APP = SameOriginOnly(
    Starlette(
        routes=[
            Route("/{path:path}", _answer, methods=["GET", "POST", "DELETE"]),
            WebSocketRoute("/graphql", _talk),
        ]
    ),
    hosts=hosts_of("127.0.0.1", 3000, ("dagster.example.com",)),
)


def asked(method: str, path: str, headers: Mapping[str, str], host: str = HOST) -> int:
    async def ask() -> httpx.Response:
        transport: Any = httpx.ASGITransport(APP)
        async with httpx.AsyncClient(transport=transport, base_url=f"http://{host}") as client:
            return await client.request(method, path, headers=dict(headers))

    return asyncio.run(ask()).status_code


@pytest.mark.parametrize(
    ("method", "path", "headers", "status"),
    [
        ("GET", "/runs", {}, 200),
        ("GET", "/graphql", {"accept": "text/html"}, 200),
        ("POST", "/graphql", JSON | {"origin": f"http://{HOST}", "sec-fetch-site": "same-origin"}, 200),
        ("POST", "/graphql", JSON, 200),  # a program, not a browser
        ("GET", "/graphql?query=mutation{shutdownRepositoryLocation}", {}, 405),
        ("GET", "/graphql/?query={version}", {"origin": f"http://{HOST}"}, 405),
        ("POST", "/graphql?query=mutation{x}", {"content-type": "text/plain"}, 415),
        ("POST", "/graphql", {"content-type": "application/x-www-form-urlencoded"}, 415),
        ("POST", "/graphql", JSON | {"origin": "https://evil.example.com"}, 403),
        ("POST", "/graphql", JSON | {"origin": "null"}, 403),
        ("POST", "/graphql", JSON | {"origin": "http://127.0.0.1:8024"}, 403),
        ("POST", "/graphql", JSON | {"sec-fetch-site": "same-site"}, 403),
        ("DELETE", "/anything", JSON | {"sec-fetch-site": "cross-site"}, 403),
    ],
)
def test_only_pages_of_the_ui_command_it(
    method: str, path: str, headers: Mapping[str, str], status: int
) -> None:
    """Commands are JSON by POST, without another page's origin; what reads is free."""
    assert asked(method, path, headers) == status


@pytest.mark.parametrize(
    ("host", "status"),
    [
        (HOST, 200),
        ("LOCALHOST:3000", 200),
        ("[::1]:3000", 200),
        ("dagster.example.com", 200),
        ("evil.example.com", 421),
        ("evil.example.com:3000", 421),
        ("127.0.0.1:8024", 421),
    ],
)
def test_a_name_that_was_pointed_here_is_refused(host: str, status: int) -> None:
    """A page that points its own name at this machine would be of the same origin."""
    assert asked("GET", "/runs", {}, host) == status


def test_browsers_leave_the_usual_port_out() -> None:
    """At port 80 the host that a browser names has no port."""
    assert "127.0.0.1" in hosts_of("127.0.0.1", 80, ())
    assert "127.0.0.1" not in hosts_of("127.0.0.1", 3000, ())


@pytest.mark.parametrize(
    ("origin", "is_ours"), [(f"http://{HOST}", True), ("http://evil.example.com", False)]
)
def test_a_websocket_of_another_page_is_closed(origin: str, is_ours: bool) -> None:
    """Browsers let every page open a WebSocket to every host; its origin says whose it is."""
    client = TestClient(APP, base_url=f"http://{HOST}")
    try:
        with client.websocket_connect("/graphql", headers={"host": HOST, "origin": origin}) as socket:
            assert (socket.receive_text(), is_ours) == ("done", True)
    except WebSocketDisconnect:
        assert not is_ours
