"""Reading a mart costs what its rows cost, however many stages, ways and deals lie behind it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from psycopg import sql

from b24_pipeline.models import build, load_project
from b24_pipeline.store.database.warehouse import Warehouse
from tests.conftest import Server
from tests.support.installation import fetch
from tests.support.many_deals import EACH_SERVER, many_deals
from tests.support.plans import nodes, rows_visited

DEALS = 10_000
VISITS_A_ROW = 2  # a mart may read a table a second time


@pytest.fixture(params=EACH_SERVER)
def loaded(
    request: pytest.FixtureRequest, server: Server, oldest_server: Server | None
) -> Iterator[Warehouse]:
    """Deals that went many ways, as PostgreSQL knows them after its own analyze."""
    with many_deals(request.param, server, oldest_server, DEALS) as warehouse:
        build(warehouse.connect, load_project(), with_tests=False)
        with warehouse.autocommit() as connection:
            connection.execute("vacuum analyze")
        yield warehouse


def test_no_mart_reads_rows_again_for_each_way(loaded: Warehouse) -> None:
    """Each mart is read whole, and no step of its plan sees more rows than a few times those of all visits."""
    project = load_project()
    (visits,) = fetch(loaded, "select count(*) as visits from analytics.fct_stage_interval")
    assert visits["visits"] > 3 * DEALS
    heavy = {}
    with loaded.connect() as connection:
        for model in project.models.values():
            if not model.is_mart:
                continue
            text = sql.SQL("explain (analyze, timing off, format json) select * from {}")
            (plan,) = connection.execute(text.format(project.relation(model.name))).fetchone() or ([],)
            visited = rows_visited(plan[0]["Plan"])
            if visited > VISITS_A_ROW * visits["visits"]:
                heavy[model.name] = visited
    assert heavy == {}


def test_a_deal_is_found_by_its_whole_key(loaded: Warehouse) -> None:
    """One deal of a mart: PostgreSQL looks its row up by portal and number, not by the number in all of the index."""
    with loaded.connect() as connection:
        text = (
            "explain (format json) select * from analytics.fct_deal where portal = 'bench' and entity_id = 5"
        )
        (plan,) = connection.execute(text).fetchone() or ([],)
    (look_up,) = [node for node in nodes(plan[0]["Plan"]) if node.get("Relation Name") == "bitrix24_deals"]
    assert "user_account_id" in look_up["Index Cond"]
    assert "(id = 5)" in look_up["Index Cond"]
