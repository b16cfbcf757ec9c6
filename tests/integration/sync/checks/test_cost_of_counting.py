"""How many stand in each stage is asked of the database with each sync, also where nothing has changed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from b24_pipeline.store.checks import stages
from b24_pipeline.store.database import queries
from b24_pipeline.store.database.warehouse import Warehouse
from tests.conftest import Server
from tests.support.installation import fetch
from tests.support.many_deals import EACH_SERVER, many_deals
from tests.support.plans import nodes

DEALS = 10_000


@pytest.fixture(params=EACH_SERVER)
def filled(
    request: pytest.FixtureRequest, server: Server, oldest_server: Server | None
) -> Iterator[Warehouse]:
    """Leads and deals of a portal, as PostgreSQL knows them after its own vacuum."""
    with many_deals(request.param, server, oldest_server, DEALS) as warehouse:
        with warehouse.autocommit() as connection:
            connection.execute(
                "update bitrix24_deals set title = repeat('x', 1000)"
            )  # as wide as real ones are
            connection.execute("vacuum full analyze bitrix24_deals")
            connection.execute("vacuum analyze")
        yield warehouse


def test_stages_are_counted_by_their_index_alone(filled: Warehouse) -> None:
    """No row of a deal is read for it: of a large portal these are gigabytes, every few minutes."""
    (portal,) = fetch(filled, "select id from user_accounts")
    with filled.connect() as connection:
        text = f"explain (analyze, timing off, format json) {queries.load(stages.__file__).stages.sql}"
        (plan,) = connection.execute(text.encode(), {"account": portal["id"]}).fetchone() or ([],)
    (counted,) = [node for node in nodes(plan[0]["Plan"]) if node.get("Relation Name") == "bitrix24_deals"]
    assert (counted["Node Type"], counted["Heap Fetches"]) == ("Index Only Scan", 0)
    assert counted["Actual Rows"] * counted["Actual Loops"] > DEALS * 0.9
