"""Requests other than events have a bounded part of the service."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from b24_pipeline.web.assembly import assemble
from tests.support.servers.web_service import parts_of, served


def test_events_are_answered_while_other_requests_take_all_their_places(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Two places: the third request is told to come again, an event is answered, and a free place is given again."""
    monkeypatch.setattr("b24_pipeline.web.middleware.requests_at_once.MOST_AT_ONCE", 2)
    app = assemble(parts_of())
    working, done = threading.Semaphore(0), threading.Event()

    @app.get("/long")
    async def long() -> None:
        working.release()
        await asyncio.to_thread(done.wait, 20)

    with served(app) as address, httpx.Client(trust_env=False) as client, ThreadPoolExecutor(2) as others:
        under_way = [others.submit(httpx.get, f"{address}/long", timeout=30) for _ in range(2)]
        assert working.acquire(timeout=10)
        assert working.acquire(timeout=10)
        refused = client.get(f"{address}/docs")
        assert (refused.status_code, refused.json()["error"]) == (503, "busy")
        assert client.post(f"{address}/webhooks/bitrix24", content=b"no event").status_code == 400
        done.set()
        assert [one.result().status_code for one in under_way] == [200, 200]
        assert client.get(f"{address}/docs").status_code == 200
