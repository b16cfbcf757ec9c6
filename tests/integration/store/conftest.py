"""Databases on the newest and on the oldest server."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from b24_pipeline.store.database.warehouse import Warehouse


@pytest.fixture(params=["server", "oldest_server"])
def each_warehouse(request: pytest.FixtureRequest) -> Iterator[Warehouse | None]:
    """A fresh database on each server; None where PostgreSQL 15 is not installed."""
    server = request.getfixturevalue(request.param)
    if server is None:
        yield None
        return
    url = server.fresh()
    opened = Warehouse(url)
    yield opened
    opened.close()
    server.drop(url)
