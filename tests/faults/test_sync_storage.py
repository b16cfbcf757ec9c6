"""The database fails in the middle of a sync: a page is stored with its cursor or not at all."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from b24_pipeline.errors import DatabaseBusy
from b24_pipeline.sandbox import Sandbox, SandboxConfig
from b24_pipeline.store.crm import cursors
from b24_pipeline.store.database import warehouse as warehouse_module
from b24_pipeline.store.database.warehouse import Warehouse
from tests.support.expected.tables import assert_entities_equal
from tests.support.installation import Installation, raw, worked


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(SandboxConfig(leads=5, deals=400)) as portal:
        yield portal


def before_each_cursor(monkeypatch: pytest.MonkeyPatch, act: Any) -> None:
    """Calls `act(number, connection)` between the rows of a page and its cursor."""
    note_left, numbers = cursors.note_left, iter(range(10_000))

    def keeps_open(connection: psycopg.Connection, *arguments: Any) -> None:
        act(next(numbers), connection)
        note_left(connection, *arguments)

    monkeypatch.setattr(cursors, "note_left", keeps_open)


def test_backend_terminated_between_rows_and_cursor(
    database_url: str, warehouse: Warehouse, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The page rolls back, is stored again, and nothing is doubled or lost."""
    installation = Installation(warehouse)
    seen: list[int] = []

    def terminate(number: int, connection: psycopg.Connection) -> None:
        if number in (0, 2):
            with raw(database_url) as other:
                other.execute("select pg_terminate_backend(%s)", [connection.info.backend_pid])
                counted = other.execute("select count(*) from bitrix24_deals").fetchone()
                assert counted
                seen.append(counted[0])

    before_each_cursor(monkeypatch, terminate)
    portal = installation.add(sandbox)
    outcome = worked(installation.sync(portal, entities=("deal",)))["deal"]
    assert seen[0] == 0
    assert (outcome.rows_read, outcome.rows_changed) == (400, 400)
    assert_entities_equal(database_url, sandbox, "deal")


def test_every_session_terminated_at_once(
    database_url: str, warehouse: Warehouse, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Idle, locking and working sessions all die, as in a failover: the sync ends right."""
    installation = Installation(warehouse)

    def terminate_all(number: int, _: psycopg.Connection) -> None:
        if number == 1:
            with raw(database_url) as other:
                other.execute(
                    "select pg_terminate_backend(pid) from pg_stat_activity "
                    "where datname = current_database() and pid <> pg_backend_pid()"
                )

    before_each_cursor(monkeypatch, terminate_all)
    portal = installation.add(sandbox)
    first = installation.sync(portal, entities=("deal",))["deal"]
    assert first.worked or type(first.error).__name__ in ("DatabaseError", "DatabaseUnavailable")
    worked(installation.sync(portal, entities=("deal",)))
    assert_entities_equal(database_url, sandbox, "deal")
    counted = installation.rows("select count(*) as n, count(distinct id) as ids from bitrix24_deals")
    assert counted == [{"n": 400, "ids": 400}]


def test_locked_table_ends_in_an_error_and_the_next_sync_goes_on(database_url: str, sandbox: Sandbox) -> None:
    """A lock that nobody gives up is waited for a bounded time; other entities are read all the same."""
    warehouse = Warehouse(f"{database_url}&options=-c%20lock_timeout%3D100ms")
    installation = Installation(warehouse)
    portal = installation.add(sandbox)
    with psycopg.connect(database_url) as other:
        other.execute("lock table bitrix24_deals in access exclusive mode")
        outcomes = installation.sync(portal, entities=("lead", "deal", "company"))
    assert isinstance(outcomes["deal"].error, DatabaseBusy)
    assert outcomes["company"].worked
    failed = "select entity_type, error_code from bitrix24_sync_log where sync_status = 'failed' order by id"
    assert installation.rows(failed) == [
        {"entity_type": name, "error_code": "DatabaseBusy"} for name in ("deal", "contact_link")
    ]
    worked(installation.sync(portal, entities=("deal",)))
    assert_entities_equal(database_url, sandbox, "deal")
    warehouse.close()


def test_deadlock_with_another_writer_is_survived(
    database_url: str, warehouse: Warehouse, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody updates the same rows the other way round: whoever loses does its page again."""
    installation = Installation(warehouse)
    portal = installation.add(sandbox)
    worked(installation.sync(portal, entities=("deal",)))
    sandbox.change(50, kinds=("edit",))
    with warehouse.connect() as connection:
        connection.execute("update bitrix24_deals set title = title || '!'")
    other = psycopg.connect(database_url)
    other.execute("set deadlock_timeout = '10s'")
    other.execute("select 1 from bitrix24_cursors for update")
    waiting: list[threading.Thread] = []

    def cross(number: int, connection: psycopg.Connection) -> None:
        if number == 0:
            connection.execute("set local deadlock_timeout = '100ms'")
            update = "update bitrix24_deals set title = title || '?' where user_account_id = %s"
            waiting.append(threading.Thread(target=other.execute, args=(update, [portal.id])))
            waiting[0].start()
            connection.execute("select 1 from bitrix24_cursors for update")

    before_each_cursor(monkeypatch, cross)
    told: list[Exception] = []
    monkeypatch.setattr(warehouse_module, "is_done_again", _rolling_back(other, waiting, told))
    worked(installation.sync(portal, entities=("deal",), full=True))
    other.close()
    assert [type(error) for error in told] == [psycopg.errors.DeadlockDetected]
    assert_entities_equal(database_url, sandbox, "deal")


def _rolling_back(other: psycopg.Connection, waiting: list[threading.Thread], told: list[Exception]) -> Any:
    """The other writer gives up as soon as we were told of the deadlock."""
    passes = warehouse_module.is_done_again

    def noted(error: Exception) -> bool:
        told.append(error)
        if isinstance(error, psycopg.errors.DeadlockDetected):
            waiting[0].join(20)
            other.rollback()
        return passes(error)

    return noted
