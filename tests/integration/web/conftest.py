"""The service on a real socket, where no test needs a database: only connecting is scripted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import httpx
import pytest
from fastapi import APIRouter, Request

from b24_pipeline.log import set_up_logs
from b24_pipeline.web.assembly import assemble
from b24_pipeline.web.client_address import ClientAddresses
from tests.support.servers.web_service import KEY, ScriptedConnecting, another_sender, parts_of, served


@dataclass
class Service:
    """The address, a client that keeps cookies, and what plays the connecting of portals."""

    address: str
    client: httpx.Client
    connecting: ScriptedConnecting


@pytest.fixture(autouse=True)
def logs() -> None:
    """As the command sets them up."""
    set_up_logs()


@pytest.fixture(scope="module")
def serving() -> Iterator[tuple[str, ScriptedConnecting]]:
    """The service with an application and a key, for all tests of a module."""
    connecting = ScriptedConnecting()
    parts = parts_of(
        public_url="http://127.0.0.1:8024",
        connecting=connecting,
        admin_key=KEY,
        addresses=ClientAddresses(["127.0.0.1"]),
    )
    app = assemble(parts)
    app.include_router(echo())
    with served(app) as address:
        yield address, connecting


@pytest.fixture
def service(serving: tuple[str, ScriptedConnecting]) -> Iterator[Service]:
    """The same, reached by http from an address of its own."""
    address, connecting = serving
    connecting.forget()
    with httpx.Client(base_url=address, headers=another_sender(), trust_env=False, timeout=30) as client:
        yield Service(address, client, connecting)


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
