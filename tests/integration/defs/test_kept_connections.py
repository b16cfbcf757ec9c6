"""A process keeps its connections to Dagster's storage: an event costs no login, and a lost connection no event."""

from collections.abc import Iterator
from typing import Any

import dagster as dg
import pytest
from dagster import DagsterInstance

from b24_pipeline.runtime import Runtime
from tests.integration.defs.assets.test_crm import instance_ref

EVENTS = 20


@pytest.fixture
def stored(installation: Runtime) -> Iterator[DagsterInstance]:
    """Dagster's storage in our database, with an event in it."""
    with DagsterInstance.from_ref(instance_ref(installation)) as instance:
        report(instance, 1)
        yield instance


def report(instance: DagsterInstance, events: int) -> None:
    for number in range(events):
        instance.report_runless_asset_event(dg.AssetMaterialization("table", metadata={"number": number}))


def value(installation: Runtime, statement: str) -> Any:
    with installation.warehouse.connect() as connection:
        (found,) = connection.execute(statement).fetchone() or (None,)
    return found


def sessions(installation: Runtime) -> int:
    """Sessions that were begun in this database so far; a session that is open tells of itself within a second."""
    value(installation, "select pg_sleep(1.2)")
    return int(
        value(installation, "select sessions from pg_stat_database where datname = current_database()")
    )


def test_events_begin_no_sessions(installation: Runtime, stored: DagsterInstance) -> None:
    """Twenty events are stored by the connections that the first one opened."""
    before = sessions(installation)
    report(stored, EVENTS)
    assert sessions(installation) - before < EVENTS


def test_a_connection_that_was_closed_costs_no_event(installation: Runtime, stored: DagsterInstance) -> None:
    """As after a restart of the server, or where it closes idle sessions."""
    ended = value(
        installation,
        "select count(pg_terminate_backend(pid)) from pg_stat_activity"
        " where datname = current_database() and state = 'idle' and application_name not like 'b24%'"
        " and pid <> pg_backend_pid()",
    )
    assert ended
    report(stored, EVENTS)
    records = stored.fetch_materializations(dg.AssetKey("table"), limit=100).records
    assert len(records) == EVENTS + 1
