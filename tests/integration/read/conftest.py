"""Marts built on invented data."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from b24_pipeline.models import build, load_project
from b24_pipeline.store.database.warehouse import Warehouse
from tests.conftest import Server
from tests.support.data import model_data


@pytest.fixture(scope="module")
def built(server: Server) -> Iterator[Warehouse]:
    """Random histories of two portals with built models and custom fields, which the tests only read."""
    url = server.prepared("figures to read", _fill)
    warehouse = Warehouse(url)
    yield warehouse
    warehouse.close()
    server.drop(url)


def _fill(url: str) -> None:
    warehouse = Warehouse(url)
    with warehouse.connect() as connection:
        model_data.populate(connection, 3)
        connection.execute("update bitrix24_deals set opportunity = 100.10, currency_id = 'RUB' where id = 1")
        connection.execute("update bitrix24_deals set closedate = '3024-05-06' where id = 2")
    build(warehouse.connect, load_project())
    warehouse.close()


@pytest.fixture
def url(built: Warehouse) -> str:
    return built.url.for_people(hide_password=False)
