"""The figures of `/metrics` that alerts go by."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from b24_pipeline.store.access.keys import AccessKeys
from b24_pipeline.store.checks.health import health
from b24_pipeline.web.metrics.portal_gauges import PortalGauges
from b24_pipeline.web.metrics.totals import RememberedHealth
from tests.conftest import Server
from tests.support.installation import execute
from tests.support.servers.live_service import Live, live


@pytest.fixture
def running(database_url: str, tmp_path: Path) -> Iterator[Live]:
    with live(database_url, tmp_path) as everything:
        yield everything


def test_counters_are_there_from_the_start(running: Live) -> None:
    """A counter that appears with its first count has no increase then: the first refusal would be missed."""
    text = running.client.get("/metrics").text
    assert 'b24_events_total{answer="not_stored"} 0.0' in text
    assert 'b24_events_total{answer="landed"} 0.0' in text


def test_why_a_portal_is_not_read(running: Live) -> None:
    """Each cause by itself, since each wants something else; a person's own pause is none."""
    running.connect()
    for status, paused, figures in (
        ("connected", "null", (1, 0, 0)),
        ("reauthorization_required", "null", (0, 1, 0)),
        ("paused", "null", (0, 0, 1)),
        ("paused", "now()", (0, 0, 0)),
    ):
        execute(
            running.runtime.warehouse,
            f"update user_accounts set bitrix24_status = '{status}', bitrix24_paused_at = {paused}",
        )
        gauges = PortalGauges(RememberedHealth(lambda: running.runtime.warehouse.transact(health)))
        found = {metric.name: metric.samples[0].value for metric in gauges.collect() if metric.samples}
        names = ("connected", "reauthorization_required", "closed")
        assert tuple(found[f"b24_portal_{name}"] for name in names) == figures, status


def test_a_database_that_is_away_is_a_figure(running: Live, server: Server) -> None:
    """A key cannot be looked up then, and whoever watches must see why, instead of no figures at all."""
    key = AccessKeys(running.runtime.warehouse).add("prometheus", "viewer", [])
    headers = {"Authorization": f"Bearer {key}"}
    assert "b24_database_up 1.0" in running.client.get("/metrics", headers=headers).text
    with closed_to_all(server, running.runtime.warehouse.url.resolved["dbname"]):
        until = time.monotonic() + 60
        while "b24_database_up 0.0" not in (text := running.client.get("/metrics", headers=headers).text):
            assert time.monotonic() < until, text[:500]
            time.sleep(0.2)


@contextmanager
def closed_to_all(server: Server, database: str) -> Iterator[None]:
    """A database that lets nobody in."""
    name = sql.Identifier(database)
    with psycopg.connect(server.url, autocommit=True) as connection:
        connection.execute(sql.SQL("alter database {} allow_connections false").format(name))
        connection.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity where datname = %s", [database]
        )
        yield
        connection.execute(sql.SQL("alter database {} allow_connections true").format(name))
