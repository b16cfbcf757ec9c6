"""No statement of a sync reads a table once for each row of another, whatever PostgreSQL's memory and statistics."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from b24_pipeline.models import build, load_project
from b24_pipeline.sandbox import Sandbox, SandboxConfig
from b24_pipeline.store.database.warehouse import Warehouse
from b24_pipeline.sync.options import Options
from b24_pipeline.sync.run import reconcile_portals
from tests.conftest import Server
from tests.integration.models.test_by_change import is_by_change
from tests.support import plans
from tests.support.installation import Installation, fetch
from tests.support.many_deals import EACH_SERVER

ENTITIES = 1500
VISITS_A_ROW = 40  # a statement may read a table several times, but not once a row

OWN_LEADS = """
    insert into leads (user_account_id, name, phone, created_at)
    select user_account_id, 'somebody', phones -> 0 ->> 'VALUE', date_create from bitrix24_contacts
"""


@pytest.fixture(params=EACH_SERVER)
def small_memory(
    request: pytest.FixtureRequest, server: Server, oldest_server: Server | None
) -> Iterator[tuple[Server, Warehouse]]:
    """A database that gives a sort or hash no memory to speak of, and explains every statement."""
    used = server if request.param == "embedded" else oldest_server
    assert used
    with plans.explained(used, work_mem="64kB", hash_mem_multiplier="1") as opened:
        yield opened


@pytest.mark.parametrize(
    "statistics", ["fresh", *(pytest.param(kind, marks=pytest.mark.slow) for kind in ("stale", "absent"))]
)
def test_every_statement_stays_linear(small_memory: tuple[Server, Warehouse], statistics: str) -> None:
    """Syncs, own leads, models and a comparison: each plan visits few rows for each row that is stored.

    The rows are older than their moves, and the moves all new: a condition that is true for whatever was just
    loaded must not turn into one scan a row. Statistics are taken after each load, or while all tables are empty, or
    never but by ourselves.
    """
    server, warehouse = small_memory
    if statistics == "stale":
        with warehouse.connect() as connection:
            connection.execute("analyze")
    installation = Installation(warehouse)
    with Sandbox(SandboxConfig(leads=ENTITIES, deals=ENTITIES)) as sandbox:
        portal = installation.add(sandbox)
        start = server.log.stat().st_size
        installation.sync(portal)
        with warehouse.connect() as connection:
            connection.execute(OWN_LEADS)
        build(warehouse.connect, load_project())
        for _ in range(2):
            with warehouse.connect() as connection:
                for table in ("bitrix24_leads", "bitrix24_deals"):
                    connection.execute(f"update {table} set loaded_at = loaded_at - interval '1 hour'")
                if statistics == "fresh":
                    connection.execute("analyze")
            sandbox.change(50)
            installation.sync(portal)
            assert is_by_change(build(warehouse.connect, load_project(), only_changed=True))
        reconcile_portals(installation.connections, [portal], Options(), whole=True)
    rows = fetch(warehouse, "select sum(n_live_tup) as rows from pg_stat_user_tables")[0]["rows"]
    assert rows > ENTITIES
    explained = list(plans.executed(server.log, start))
    assert len(explained) > 500
    heavy = {
        plan["Query Text"]: visited
        for plan in explained
        if (visited := plans.rows_visited(plan["Plan"])) > VISITS_A_ROW * 8 * ENTITIES
    }
    assert heavy == {}
