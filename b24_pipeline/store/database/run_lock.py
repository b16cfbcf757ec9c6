"""Whether the process of a Dagster run lives: it holds a lock of the database, and loses it when it is killed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress

import psycopg

from b24_pipeline.store.database import queries
from b24_pipeline.store.database.locks import forget, held_on, is_held
from b24_pipeline.store.database.warehouse import Connection, Warehouse

_sql = queries.load(__file__)


@contextmanager
def alive(warehouse: Warehouse, run_id: str) -> Iterator[None]:
    """Holds the run's lock until the block ends. Raises DatabaseError."""
    with warehouse.session() as connection:
        _sql.stay(connection)
        with held_on(connection, _named(run_id)):
            yield
        with suppress(psycopg.Error):  # a session that broke
            forget(connection, _named(run_id))


def is_alive(connection: Connection, run_id: str) -> bool:
    """Whether the run's process holds its lock; the lock of one that was killed is forgotten."""
    if is_held(connection, _named(run_id)):
        return True
    forget(connection, _named(run_id))
    return False


def _named(run_id: str) -> str:
    return f"run {run_id}"
