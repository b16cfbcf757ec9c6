"""PgBouncer between us and PostgreSQL: what it keeps of our sessions, and what is said where it keeps nothing."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from sqlalchemy.exc import DBAPIError

from b24_pipeline.errors import DatabaseUnavailable, PoolerInTheWay
from b24_pipeline.read.connection import reading
from b24_pipeline.store.database.connecting import pooler
from b24_pipeline.store.database.connecting.session import Between
from b24_pipeline.store.database.locks import claims, held
from b24_pipeline.store.database.warehouse import Warehouse
from tests.conftest import Server
from tests.support.servers.pgbouncer import pooled

OURS = "select current_setting('timezone'), current_setting('lock_timeout'), current_setting('jit')"
Open = Callable[[str], Warehouse]


@pytest.fixture
def opened() -> Iterator[Open]:
    """Warehouses that are closed at the end."""
    with ExitStack() as stack:

        def of(url: str) -> Warehouse:
            warehouse = Warehouse(url)
            stack.callback(warehouse.close)
            return warehouse

        yield of


def in_tokyo(url: str) -> str:
    """A database whose sessions have another time zone than ours unless they are told."""
    with psycopg.connect(url, autocommit=True) as connection:
        name = sql.Identifier(connection.info.dbname)
        connection.execute(sql.SQL("alter database {} set timezone to 'Asia/Tokyo'").format(name))
    return url


@pytest.mark.parametrize("forgets_options", [False, True])
@pytest.mark.parametrize("round_robin", [False, True])
def test_a_pooler_of_transactions_is_found_and_said(
    database_url: str, opened: Open, *, forgets_options: bool, round_robin: bool
) -> None:
    """Whichever server it gives next, with several at hand, and whether it refuses our settings or forgets them."""
    with pooled(database_url, "transaction", forgets_options=forgets_options, round_robin=round_robin) as url:
        with ExitStack() as stack:  # several servers, all of them free again
            for _ in range(4):
                stack.enter_context(psycopg.connect(url)).execute("select 1")
        warehouse = opened(url)
        with pytest.raises(
            PoolerInTheWay, match=r"127\.0\.0\.1:\d+/test_.* pool_mode = transaction.*pool_mode = session"
        ):
            warehouse.require_sessions()
        with pytest.raises(PoolerInTheWay), held(warehouse, "anything", wait_seconds=0):
            pass
        assert warehouse.sessions.between is Between.POOLER_OF_TRANSACTIONS


def test_statements_are_pooled_too(database_url: str, opened: Open) -> None:
    """No session is kept there either."""
    with (
        pooled(database_url, "statement") as url,
        pytest.raises(PoolerInTheWay),
    ):
        opened(url).require_sessions()


@pytest.mark.parametrize("forgets_options", [False, True])
def test_transactions_have_our_settings_and_leave_none_behind(
    database_url: str, opened: Open, *, forgets_options: bool
) -> None:
    """Each of them on whatever server; others who share the server find it as it was."""
    in_tokyo(database_url)
    with pooled(database_url, "transaction", size=2, forgets_options=forgets_options) as url:
        warehouse = opened(f"{url}?options=-c%20lock_timeout%3D7s")
        for _ in range(3):
            with warehouse.connect(looks=True) as one, warehouse.connect() as other:
                for connection in (one, other):
                    assert connection.execute(OURS).fetchone() == ("UTC", "7s", "off")
        with reading(url) as reader:
            assert tuple(reader.exec_driver_sql(OURS).one()) == ("UTC", "30s", "off")
            with pytest.raises(DBAPIError, match="read-only transaction"):
                reader.exec_driver_sql("create table written ()")
        with psycopg.connect(url) as stranger:
            assert stranger.execute(OURS).fetchone() == ("Asia/Tokyo", "0", "on")


def test_a_statement_may_be_repeated_on_any_server(database_url: str, opened: Open) -> None:
    """psycopg would prepare it on the one server and run it on the other."""
    with pooled(database_url, "transaction", size=2, round_robin=True) as url:
        warehouse = opened(url)
        for number in range(30):
            with warehouse.connect(looks=True) as one, warehouse.connect() as other:
                for connection in (one, other):
                    assert connection.execute("select %s::int", [number]).fetchone() == (number,)


@pytest.mark.parametrize("forgets_options", [False, True])
def test_a_pooler_of_sessions_is_as_good_as_none(
    database_url: str, opened: Open, *, forgets_options: bool
) -> None:
    """Sessions have our settings, locks are kept and given back."""
    in_tokyo(database_url)
    with pooled(database_url, "session", forgets_options=forgets_options) as url:
        warehouse, other = opened(url), opened(url)
        for each in (warehouse, other):
            each.require_sessions()
            with each.autocommit() as connection:
                assert connection.execute(OURS).fetchone() == ("UTC", "30s", "off")
        with claims(warehouse) as ours:
            assert ours.take("work")
            with held(other, "work", wait_seconds=0) as got:
                assert not got
        with held(other, "work", wait_seconds=0) as got:
            assert got
        assert warehouse.sessions.between is Between.POOLER_OF_SESSIONS


def test_a_pool_of_one_is_told_from_one_of_transactions(
    database_url: str, opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A second session would wait for ever."""
    monkeypatch.setattr(pooler, "PATIENCE_SECONDS", 0.5)
    with (
        pooled(database_url, "session", size=1) as url,
        pytest.raises(DatabaseUnavailable, match="raise its pool size"),
    ):
        opened(url).require_sessions()
    with pooled(database_url, "transaction", size=1) as url, pytest.raises(PoolerInTheWay):
        opened(url).require_sessions()


def test_nothing_is_asked_of_a_server_that_is_reached_directly(
    server: Server, database_url: str, opened: Open
) -> None:
    """The number of its process comes with the first `begin`, and later transactions are as ever."""
    warehouse = opened(f"{database_url}&options=-c%20log_statement%3Dall")
    with warehouse.connect(looks=True) as connection:
        number = connection.info.backend_pid
        connection.execute("select 1 as first")
    warehouse.require_sessions()
    with warehouse.connect() as connection:
        connection.execute("select 2 as second")
    said = re.findall(rf"\[{number}\] LOG:  (?:statement|execute [^:]*): (.*)", Path(server.log).read_text())
    own = [statement for statement in said if statement != ";"]  # the pool asks so whether a session lives
    assert own[-6:] == [
        "begin; select pg_backend_pid()", "select 1 as first", "COMMIT",
        "BEGIN", "select 2 as second", "COMMIT",
    ]  # fmt: skip
