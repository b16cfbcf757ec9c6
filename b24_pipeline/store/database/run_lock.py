"""Whether the process of a Dagster run lives: it holds a lock of the database, and loses it when it is killed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress

import psycopg

from b24_pipeline.store.database import queries
from b24_pipeline.store.database.warehouse import Connection, Warehouse

_sql = queries.load(__file__)


@contextmanager
def alive(warehouse: Warehouse, run_id: str) -> Iterator[None]:
    """Holds the run's lock until the block ends. Raises DatabaseError."""
    with warehouse.autocommit() as connection:
        _sql.stay(connection)
        _sql.hold(connection, run_id=run_id)
        try:
            yield
        finally:
            with suppress(psycopg.Error):  # a session that broke has let go already
                _sql.let_go(connection, run_id=run_id)


def is_alive(connection: Connection, run_id: str) -> bool:
    """Whether the run's process holds its lock."""
    return not _sql.is_free(connection, run_id=run_id)
