"""One page, one transaction: lost, blocked and repeated ones."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest

from b24_pipeline.errors import DatabaseBusy, DatabaseTooOld, DatabaseUnavailable, SettingsError
from b24_pipeline.store.database import warehouse as warehouse_module
from b24_pipeline.store.database.locks import held
from b24_pipeline.store.database.warehouse import Warehouse
from tests.support.installation import account, fetch, raw


def titles(warehouse: Warehouse) -> list[str]:
    return [row["title"] for row in fetch(warehouse, "select title from bitrix24_leads order by id")]


def test_error_rolls_everything_back(warehouse: Warehouse) -> None:
    """Nothing of a page stays where its work ends in an error."""
    portal = account(warehouse)

    def work(connection: psycopg.Connection) -> None:
        connection.execute("insert into bitrix24_leads (user_account_id, id) values (%s, 1)", [portal])
        raise KeyError

    with pytest.raises(KeyError):
        warehouse.transact(work)
    assert titles(warehouse) == []


def test_terminated_backend_is_replaced_and_the_work_done_again(
    database_url: str, warehouse: Warehouse
) -> None:
    """The server ends our session in the middle: the transaction is repeated, and stored once."""
    portal = account(warehouse)
    tries = []

    def work(connection: psycopg.Connection) -> None:
        tries.append(1)
        insert = "insert into bitrix24_leads (user_account_id, id, title) values (%s, 1, 'once')"
        connection.execute(insert, [portal])
        if len(tries) == 1:
            with raw(database_url) as other:
                other.execute("select pg_terminate_backend(%s)", [connection.info.backend_pid])
        connection.execute("select 1")

    warehouse.transact(work)
    assert (len(tries), titles(warehouse)) == (2, ["once"])


def test_connection_that_died_while_idle_is_replaced(database_url: str, warehouse: Warehouse) -> None:
    """A pooled connection is tried before it is handed out."""
    with warehouse.connect() as connection:
        number = connection.info.backend_pid
    with raw(database_url) as other:
        other.execute("select pg_terminate_backend(%s)", [number])
    assert fetch(warehouse, "select 1 as one") == [{"one": 1}]


def test_deadlock_of_two_writers_is_repeated(warehouse: Warehouse) -> None:
    """The victim of a deadlock does its work again, and both are done."""
    portal = account(warehouse)
    rows = "insert into bitrix24_leads (user_account_id, id, title) values (%s, 1, ''), (%s, 2, '')"
    with warehouse.connect() as connection:
        connection.execute(rows, [portal, portal])
    both = threading.Barrier(2)
    tries: list[str] = []

    def write(name: str, ids: tuple[int, int]) -> None:
        def work(connection: psycopg.Connection) -> None:
            tries.append(name)
            update = "update bitrix24_leads set title = title || %s where id = %s"
            connection.execute("set local deadlock_timeout = '50ms'")
            connection.execute(update, [name, ids[0]])
            if len(tries) <= 2:
                both.wait(10)
            connection.execute(update, [name, ids[1]])

        warehouse.transact(work)

    writers = [threading.Thread(target=write, args=one) for one in (("a", (1, 2)), ("b", (2, 1)))]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(20)
    assert len(tries) == 3
    assert [sorted(title) for title in titles(warehouse)] == [["a", "b"], ["a", "b"]]


@contextmanager
def locked(url: str, table: str) -> Iterator[None]:
    """The table, locked by somebody else."""
    with psycopg.connect(url) as other:
        other.execute(f"lock table {table} in access exclusive mode")
        yield


def test_lock_of_somebody_else_is_waited_for_a_bounded_time(database_url: str) -> None:
    """A table that stays locked ends in an error that says so, soon. The URL may say how soon."""
    warehouse = Warehouse(f"{database_url}&options=-c%20lock_timeout%3D100ms")
    started = time.monotonic()
    with locked(database_url, "bitrix24_leads"), pytest.raises(DatabaseBusy, match="locked"):
        warehouse.transact(lambda connection: connection.execute("select count(*) from bitrix24_leads"))
    assert time.monotonic() - started < 15
    warehouse.close()


def test_sessions_have_their_limits(warehouse: Warehouse) -> None:
    """Waiting for locks and idling in a transaction are bounded on every connection."""
    shown = "select current_setting('lock_timeout') as a, current_setting('idle_in_transaction_session_timeout') as b"
    assert fetch(warehouse, shown) == [{"a": "30s", "b": "1min"}]
    assert fetch(warehouse, "select current_setting('timezone') as zone") == [{"zone": "UTC"}]


def test_autocommit_is_left_as_it_was_found(warehouse: Warehouse) -> None:
    """A connection that served alone statements serves transactions again."""
    with warehouse.autocommit() as connection:
        assert connection.autocommit
    with warehouse.connect() as connection:
        assert not connection.autocommit


def test_exhausted_pool_is_a_database_error(database_url: str) -> None:
    """More work than connections ends in an error of ours after a bounded wait."""
    warehouse = Warehouse(database_url, pool_size=1)
    warehouse.engine.pool._max_overflow = 0  # type: ignore[attr-defined]
    warehouse.engine.pool._timeout = 0.1  # type: ignore[attr-defined]
    with warehouse.connect(), pytest.raises(DatabaseUnavailable), warehouse.connect():
        pass
    warehouse.close()


def test_missing_server_is_told_without_the_password() -> None:
    """The host and what to do, never the password."""
    warehouse = Warehouse("postgresql://ann:sesame@127.0.0.1:1/b24")
    with pytest.raises(DatabaseUnavailable, match=r"127\.0\.0\.1:1/b24") as raised, warehouse.connect():
        pass
    assert "sesame" not in str(raised.value)
    short = Warehouse("postgresql://ann:p@127.0.0.1:1/b24")
    with pytest.raises(DatabaseUnavailable, match=r"port 1 failed.*accepting"), short.connect():
        pass


def test_server_that_is_too_old_is_refused(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its version and the one needed are told."""
    monkeypatch.setattr(warehouse_module, "OLDEST_SERVER", 99)
    warehouse = Warehouse(database_url)
    with pytest.raises(DatabaseTooOld, match="99 or newer"), warehouse.connect():
        pass
    warehouse.close()


@pytest.mark.parametrize("url", ["", "nonsense", "postgresql://host:port/db"])
def test_url_that_cannot_be_read_is_a_settings_error(url: str) -> None:
    """The message names the setting and the form."""
    with pytest.raises(SettingsError, match="DATABASE_URL"):
        Warehouse(url)


def test_lock_is_held_by_one_at_a_time(warehouse: Warehouse) -> None:
    """A second one is told no, and gets it when the first is done; other names are free."""
    with held(warehouse, "a", wait_seconds=0) as first:
        assert first
        with held(warehouse, "a", wait_seconds=0) as second, held(warehouse, "b", wait_seconds=0) as other:
            assert (second, other) == (False, True)
        with held(warehouse, "a", wait_seconds=1) as waited:
            assert not waited
    with held(warehouse, "a", wait_seconds=0) as again:
        assert again


def test_lock_dies_with_its_connection_without_spoiling_the_work(
    database_url: str, warehouse: Warehouse
) -> None:
    """A terminated session lets go; the work under the lock ends as it would have."""
    with held(warehouse, "a", wait_seconds=0), raw(database_url) as other:
        other.execute(
            "select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory' and pid <> pg_backend_pid()"
        )
        time.sleep(0.1)
    with held(warehouse, "a", wait_seconds=0) as again:
        assert again
