"""A sync of a portal where nothing has changed reads hardly a row of our copy, however large that is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pytest

from b24_pipeline.sandbox import Sandbox, SandboxConfig
from b24_pipeline.store.database.warehouse import Warehouse
from tests.conftest import Server
from tests.support import plans
from tests.support.installation import Installation
from tests.support.many_deals import EACH_SERVER

DEALS, LEADS = 3_000, 1_000
FEW = 600  # rows of a table, in all statements together
LARGE = ("bitrix24_deals", "bitrix24_leads", "bitrix24_status_history", "bitrix24_deal_contacts")
COUNTED = {"bitrix24_deals_standing", "bitrix24_leads_standing"}  # their entries are counted, no row is read


@pytest.fixture(params=EACH_SERVER)
def explaining(
    request: pytest.FixtureRequest, server: Server, oldest_server: Server | None
) -> Iterator[tuple[Server, Warehouse]]:
    """A database that explains every statement, and its server."""
    used = server if request.param == "embedded" else oldest_server
    assert used
    with plans.explained(used) as opened:
        yield opened


def test_an_idle_sync_reads_few_rows_of_our_copy(explaining: tuple[Server, Warehouse]) -> None:
    """The check beside it too: stages are counted by an index, and rows that are compared are looked up."""
    server, warehouse = explaining
    installation = Installation(warehouse)
    with Sandbox(SandboxConfig(leads=LEADS, deals=DEALS)) as sandbox:
        portal = installation.add(sandbox)
        installation.sync(portal)
        with warehouse.autocommit() as connection:
            connection.execute("vacuum analyze")
        installation.sync(portal)
        start = server.log.stat().st_size
        installation.sync(portal)
    read = Counter[str]()
    for plan in plans.executed(server.log, start):
        for node in plans.nodes(plan["Plan"]):
            table = node.get("Relation Name", "")
            if table in LARGE and node.get("Index Name") not in COUNTED:
                read[table] += plans.rows_visited(node)
    assert {table: rows for table, rows in read.items() if rows > FEW} == {}
