"""The service with scripted portals behind it, on a real socket."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from fastapi import APIRouter, Request

from b24_pipeline.log import set_up_logs
from b24_pipeline.web.assembly import Parts, assemble
from b24_pipeline.web.events.receiver import Receiver
from tests.support.servers.web_service import KEY, ScriptedPortals, portal, served


@dataclass
class Service:
    """The address, a client that keeps cookies, and what plays the portals."""

    address: str
    client: httpx.Client
    portals: ScriptedPortals


@pytest.fixture(autouse=True)
def logs() -> None:
    """As the command sets them up."""
    set_up_logs()


@pytest.fixture
def portals() -> ScriptedPortals:
    """One connected portal."""
    return ScriptedPortals([portal()])


@pytest.fixture
def service(portals: ScriptedPortals) -> Iterator[Service]:
    """The service with an application and a key, reached by http."""
    parts = Parts(
        public_url="http://127.0.0.1:8024",
        managing=portals,
        connecting=portals,
        receiver=nobody(),
        look=lambda: None,
        admin_key=KEY,
    )
    app = assemble(parts)
    app.include_router(echo())
    with served(app) as address, httpx.Client(base_url=address, trust_env=False) as client:
        yield Service(address, client, portals)


def nobody() -> Receiver:
    """A receiver of events for where none come: there is nothing behind it."""
    nothing: Any = None
    return Receiver(nothing, nothing)


def echo() -> APIRouter:
    """Routes that answer how many bytes came, or break."""
    routes = APIRouter()

    @routes.post("/echo", include_in_schema=False)
    async def echoed(request: Request) -> dict[str, int]:
        return {"bytes": len(await request.body())}

    @routes.get("/broken", include_in_schema=False)
    def broken(secret: str = "") -> None:
        raise RuntimeError(f"client_secret={secret}")

    return routes
