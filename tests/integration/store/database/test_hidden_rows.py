"""No text of a row comes out of an error, whatever stops the statement that stores it."""

from __future__ import annotations

import threading
import time
import traceback
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest

from b24_pipeline.errors import B24Error
from b24_pipeline.store.database.warehouse import Warehouse
from b24_pipeline.sync.failures import explained
from tests.support.installation import raw

CANARY = "Ivan Canary +79211234567"
TABLE = """
    create table people (
        id int primary key, name text, short varchar(40) check (short <> 'refused'), age int
    );
    insert into people values (1, 'first', 'x', 1)
"""


@pytest.fixture
def people(warehouse: Warehouse) -> Iterator[Warehouse]:
    """A database with a table of people."""
    with warehouse.connect() as connection:
        connection.execute(TABLE)
    yield warehouse


def copied(
    connection: psycopg.Connection, *rows: tuple[Any, ...], meanwhile: Callable[[], None] = lambda: None
) -> None:
    """Copies rows, and lets something happen before the last is sent."""
    with connection.cursor().copy("copy people from stdin") as copy:
        for row in rows:
            copy.write_row(row)
        if meanwhile is not None:
            meanwhile()
        time.sleep(0.2)
        copy.write_row((99, CANARY, "y", 1))


def signalled(warehouse: Warehouse, connection: psycopg.Connection, function: str) -> Callable[[], None]:
    def signal() -> None:
        pid = connection.info.backend_pid
        with raw(warehouse.url.for_people(hide_password=False)) as other:
            other.execute(f"select {function}(%s)".encode(), [pid])

    return signal


def unique(warehouse: Warehouse, connection: psycopg.Connection) -> None:
    connection.execute("create unique index on people (name)")
    copied(connection, (2, CANARY, "y", 1))


def check(_: Warehouse, connection: psycopg.Connection) -> None:
    copied(connection, (2, CANARY, "refused", 1))


def too_long(_: Warehouse, connection: psycopg.Connection) -> None:
    copied(connection, (2, CANARY, CANARY * 9, 1))


def no_number(_: Warehouse, connection: psycopg.Connection) -> None:
    connection.execute("insert into people (id, age) select 2, %s::text::int", [CANARY])


def cancelled(warehouse: Warehouse, connection: psycopg.Connection) -> None:
    copied(connection, (2, CANARY, "y", 1), meanwhile=signalled(warehouse, connection, "pg_cancel_backend"))


def terminated(warehouse: Warehouse, connection: psycopg.Connection) -> None:
    copied(
        connection, (2, CANARY, "y", 1), meanwhile=signalled(warehouse, connection, "pg_terminate_backend")
    )


def raised(_: Warehouse, connection: psycopg.Connection, code: str = "P0001") -> None:
    """A trigger of somebody else tells whom it does not want, under a code of its choice."""
    connection.execute(
        "create function refuse() returns trigger language plpgsql as $$ begin"
        f" raise exception 'not %', new using errcode = '{code}'; end $$;"
        " create trigger refuse before insert on people for each row execute function refuse()".encode()
    )
    copied(connection, (2, CANARY, "y", 1))


def raised_as_a_mistake(warehouse: Warehouse, connection: psycopg.Connection) -> None:
    raised(warehouse, connection, "42501")


def disk_full(_: Warehouse, connection: psycopg.Connection) -> None:
    connection.execute("set temp_file_limit = 64; set work_mem = '64kB'")
    connection.execute("select %s || n from generate_series(1, 100000) as n order by 1", [CANARY]).fetchall()


WAYS = (unique, check, too_long, no_number, cancelled, terminated, raised, raised_as_a_mistake, disk_full)
ways = pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)


def whole(error: BaseException) -> str:
    """All that a log prints of an error: its traceback with everything that led to it."""
    return "".join(traceback.format_exception(error))


@ways
def test_no_error_of_a_connection_quotes_a_row(people: Warehouse, way: Any) -> None:
    """The error keeps its class and code; every printed form of it has our words."""
    with pytest.raises(psycopg.Error) as told, people.connect() as connection:
        way(people, connection)
    assert CANARY not in whole(told.value)
    assert "CONTEXT" not in whole(told.value)
    assert "DETAIL" not in whole(told.value)
    assert "Canary" not in str(told.value)
    assert ("PostgreSQL error" in str(told.value)) or "broke" in str(told.value)


@ways
def test_no_error_of_a_transaction_quotes_a_row(
    people: Warehouse, way: Any, capfd: pytest.CaptureFixture[str]
) -> None:
    """Neither what ends the transaction nor what is written while it is done again."""
    with pytest.raises((psycopg.Error, B24Error)) as told, explained("acme", "syncing people"):
        people.transact(lambda connection: way(people, connection))
    assert isinstance(told.value, B24Error)
    assert "Canary" not in str(told.value)
    assert CANARY not in whole(told.value)
    written = capfd.readouterr()
    assert "Canary" not in written.out + written.err
    assert "Traceback" not in written.err


def test_what_led_to_an_error_is_hidden_too(people: Warehouse) -> None:
    """An error raised from PostgreSQL's is printed with it."""
    with pytest.raises(ValueError, match="ours") as told, people.connect() as connection:
        try:
            connection.execute("select %s::text::int", [CANARY])
        except psycopg.Error as error:
            raise ValueError("ours") from error
    assert "Canary" not in whole(told.value)


def test_a_mistake_in_a_statement_is_told_by_its_names(people: Warehouse) -> None:
    """A column that is not there is named: such a message quotes no row."""
    with (
        pytest.raises(psycopg.Error, match='column "nothing" does not exist'),
        people.connect() as connection,
    ):
        connection.execute("select nothing from people")


def test_a_dead_session_is_thrown_away(people: Warehouse, capfd: pytest.CaptureFixture[str]) -> None:
    """The next one that asks gets a living one, and nothing is printed."""
    with people.connect() as connection:
        first = connection.info.backend_pid
    dying = threading.Event()
    with pytest.raises(psycopg.OperationalError), people.autocommit() as connection:
        signalled(people, connection, "pg_terminate_backend")()
        dying.wait(0.2)
        connection.execute("select 1")
    with people.connect() as connection:
        assert connection.info.backend_pid != first
    assert capfd.readouterr().err == ""
