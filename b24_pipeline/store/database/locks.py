"""Locks of PostgreSQL for work that one process may do at a time; a dead process loses its lock."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress

import psycopg

from b24_pipeline.store.database import queries
from b24_pipeline.store.database.warehouse import Warehouse

_sql = queries.load(__file__)


@contextmanager
def held(warehouse: Warehouse, name: str, *, wait_seconds: int) -> Iterator[bool]:
    """Holds the lock of this name for the block; yields False where another held it for `wait_seconds`."""
    with warehouse.autocommit() as connection:
        got = _acquire(connection, name, wait_seconds)
        try:
            yield got
        finally:
            if got:
                with suppress(psycopg.OperationalError):  # a broken connection has let go by itself
                    _sql.unlock(connection, name=name)


def _acquire(connection: psycopg.Connection, name: str, wait_seconds: int) -> bool:
    if _sql.try_lock(connection, name=name):
        return True
    if wait_seconds <= 0:
        return False
    _sql.set_patience(connection, patience=f"{wait_seconds}s")
    try:
        _sql.lock(connection, name=name)
    except psycopg.errors.LockNotAvailable:
        return False
    finally:
        _sql.reset_patience(connection)
    return True
