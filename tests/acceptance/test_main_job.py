"""The main job: a whole portal goes in, and every figure that comes out is the portal's own."""

from __future__ import annotations

import json
import re
from functools import partial

import pytest

from b24_pipeline.sandbox import Limits, Sandbox, SandboxConfig
from tests.acceptance.conftest import B24, connect
from tests.conftest import Server
from tests.support.expected.funnel import assert_copy_is_true
from tests.support.expected.tables import rows

MOST_REQUESTS = 14
"""12 where each answer comes before the next batch leaves: on a busy machine a batch or two more are sent."""


def changes_logged(url: str) -> tuple[int, int]:
    """Rows changed of the four entities, and requests of everything, in their last syncs."""
    last = rows(
        url,
        "select distinct on (entity_type) * from bitrix24_sync_log order by entity_type, id desc",
    )
    entities = [row for row in last if row["entity_type"] in ("lead", "deal", "contact", "company")]
    return sum(row["rows_changed"] for row in entities), sum(row["requests"] for row in last)


@pytest.mark.parametrize(
    ("leads", "deals"),
    [(600, 600), pytest.param(30_000, 30_000, marks=pytest.mark.slow)],
)
def test_copy_equals_the_portal_and_follows_its_changes(
    b24: B24, database_url: str, leads: int, deals: int
) -> None:
    """A full sync copies every row, value, move and figure; an incremental one exactly what changed."""
    with Sandbox(SandboxConfig(leads=leads, deals=deals, limits=Limits.standard())) as sandbox:
        connect(b24, sandbox)
        full = b24("sync", "acme")
        assert full.returncode == 0, full.stderr
        assert_copy_is_true(database_url, sandbox, "acme")

        report = sandbox.change(leads // 2, seed=3)
        again = b24("sync", "acme")
        assert again.returncode == 0, again.stderr
        assert_copy_is_true(database_url, sandbox, "acme")
        changed, requests = changes_logged(database_url)
        assert changed == report.total
        assert requests <= MOST_REQUESTS
        assert sandbox.stats.rejected == 0


def test_funnel_is_shown_in_every_format(b24_here: B24, sandbox: Sandbox) -> None:
    """`b24 funnel` prints the same stages as a table, as CSV and as JSON."""
    connect(b24_here, sandbox)
    assert b24_here("sync", "acme").returncode == 0
    table = b24_here("funnel", "acme", "--pipeline", "0")
    lines = b24_here("funnel", "acme", "--pipeline", "0", "--format", "csv").stdout.splitlines()
    stages = json.loads(b24_here("funnel", "acme", "--pipeline", "0", "--format", "json").stdout)
    assert len(lines) == len(stages) + 1
    assert all(stage["status_name"] in table.stdout for stage in stages)
    assert "status_id" in lines[0]

    name = stages[0]["category_name"]
    assert table.stdout.startswith(f"{name} (pipeline 0, ")
    assert b24_here("funnel", "acme", "--pipeline", name.upper()).stdout == table.stdout
    unknown = b24_here("funnel", "acme", "--pipeline", "77")
    assert (unknown.returncode, unknown.stdout) == (2, "")
    assert f"acme: deals have no pipeline '77'; there are: 0 {name}, " in unknown.stderr


def test_sync_prints_a_line_an_entity(b24_here: B24, sandbox: Sandbox) -> None:
    """The table that a sync ends with has rows read, rows changed, requests and seconds."""
    connect(b24_here, sandbox)
    printed = b24_here("sync", "acme").stdout
    assert re.search(r"acme +deal +full +300 +300 +0 +\d+ +\d+\.\d", printed)


def test_copy_is_true_on_the_oldest_postgresql(b24_here: B24, oldest_server: Server | None) -> None:
    """PostgreSQL 15, where its binaries are found, gives the same tables and figures."""
    if oldest_server is None:
        return
    url = oldest_server.fresh()
    b24 = partial(b24_here, env={"DATABASE_URL": url})
    with Sandbox(SandboxConfig(leads=300, deals=300, history_survives_delete=True)) as sandbox:
        connect(b24, sandbox)
        assert b24("sync", "acme").returncode == 0
        sandbox.change(100, seed=5, kinds=("edit", "stage", "back", "pipeline", "add", "delete"))
        assert b24("sync", "acme", "--full").returncode == 0
        assert_copy_is_true(url, sandbox, "acme")
