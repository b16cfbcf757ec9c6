"""A database with many deals that went many ways, for tests of what reading them costs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from b24_pipeline.store.database.warehouse import Warehouse
from benchmarks import models
from tests.conftest import OLDEST_BINARIES, Server

OLDEST = [pytest.param("oldest", marks=pytest.mark.slow)] if OLDEST_BINARIES.exists() else []
EACH_SERVER = ["embedded", *OLDEST]
"""The embedded PostgreSQL, and the oldest one that is supported, where it is installed."""


@contextmanager
def many_deals(which: str, server: Server, oldest: Server | None, deals: int) -> Iterator[Warehouse]:
    """So many deals of one portal with their moves, on the server of EACH_SERVER that is named; dropped at the end."""
    used = server if which == "embedded" else oldest
    assert used
    url = used.fresh()
    warehouse = Warehouse(url)
    with pytest.MonkeyPatch.context() as patch, warehouse.connect() as connection:
        patch.setattr(models, "DEALS", deals)
        models.fill(connection)
    yield warehouse
    warehouse.close()
    used.drop(url)
