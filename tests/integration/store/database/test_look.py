"""A warehouse for a command that looks once: one connection, without SQLAlchemy's pool."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from b24_pipeline.errors import DatabaseUnavailable, SettingsError
from b24_pipeline.store.database.warehouse import Warehouse


@pytest.fixture
def looking(database_url: str) -> Iterator[Warehouse]:
    """It is closed at the end."""
    warehouse = Warehouse(database_url, looks_once=True)
    yield warehouse
    warehouse.close()


def backend(connection: psycopg.Connection) -> int:
    return connection.info.backend_pid


def test_one_connection_serves_all_looks(looking: Warehouse) -> None:
    """It has the settings of every session of ours, and ends with the warehouse."""
    with looking.connect() as first:
        assert first.execute("show timezone").fetchone() == ("UTC",)
        assert first.execute("show application_name").fetchone() == ("b24-pipeline",)
        seen = backend(first)
    with looking.connect() as second:
        assert backend(second) == seen
    assert "engine" not in vars(looking)
    looking.close()
    assert second.closed


def test_what_fails_is_rolled_back(looking: Warehouse) -> None:
    """And the connection can be used again."""
    with pytest.raises(ZeroDivisionError), looking.connect() as connection:
        connection.execute("create table left_over ()")
        raise ZeroDivisionError
    with looking.connect() as connection:
        assert connection.execute("select to_regclass('left_over')").fetchone() == (None,)


def test_an_ended_session_is_not_used_again(looking: Warehouse, warehouse: Warehouse) -> None:
    """The next look opens another connection."""
    with pytest.raises(psycopg.OperationalError), looking.connect() as connection:
        with warehouse.connect() as other:
            other.execute("select pg_terminate_backend(%s)", [backend(connection)])
        connection.execute("select 1")
    with looking.connect() as connection:
        assert connection.execute("select 1").fetchone() == (1,)


def test_a_server_that_does_not_answer_is_named_without_the_password() -> None:
    """As it is named where there is a pool."""
    url = "postgresql://ann:secret@127.0.0.1:1/b24"
    said = []
    for looks_once in (True, False):
        with pytest.raises(DatabaseUnavailable, match=r"127\.0\.0\.1:1/b24 cannot be used") as refused:
            Warehouse(url, looks_once=looks_once).connect().__enter__()
        said.append(str(refused.value))
    assert said[0] == said[1]
    assert "secret" not in said[0]


def test_a_url_that_cannot_be_read_is_refused_at_once() -> None:
    """Before anything else is tried."""
    with pytest.raises(SettingsError, match="DATABASE_URL cannot be read"):
        Warehouse("postgresql://ann@db:port/b24", looks_once=True)
