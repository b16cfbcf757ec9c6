"""Locks of PostgreSQL for work that one process may do at a time; a dead process loses its lock."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from threading import Lock

import psycopg

from b24_pipeline.store.database import queries
from b24_pipeline.store.database.warehouse import Connection, Warehouse

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


class Claims:
    """Locks of many names on one connection, for threads of one process; all are let go with the connection."""

    def __init__(self, warehouse: Warehouse, stack: ExitStack) -> None:
        self.is_over = False
        self._warehouse = warehouse
        self._stack = stack
        self._one_at_a_time = Lock()
        self._ours: set[str] = set()
        self._connect()

    def take(self, name: str) -> bool:
        """Takes the lock of this name; False where this or another process has it."""
        with self._one_at_a_time:
            # PostgreSQL would give the same session the same lock again
            if self.is_over or name in self._ours or not self._try_lock(name):
                return False
            self._ours.add(name)
            return True

    def give_back(self, name: str) -> None:
        """Lets the next one have it."""
        with self._one_at_a_time:
            self._ours.discard(name)
            if self.is_over:
                return
            with suppress(psycopg.OperationalError):  # a broken connection has let go by itself
                _sql.unlock(self._connection, name=name)

    def let_go(self) -> None:
        """Lets go of all, and takes no more: the connection goes to somebody else."""
        with self._one_at_a_time:
            self.is_over = True
            with suppress(psycopg.Error):
                _sql.unlock_all(self._connection)

    def _connect(self) -> None:
        self._connection: Connection = self._stack.enter_context(self._warehouse.autocommit())
        _sql.stay(self._connection)

    def _try_lock(self, name: str) -> bool:
        try:
            return bool(_sql.try_lock(self._connection, name=name))
        except psycopg.OperationalError:
            # the server was started anew: our claims are gone, and taken again unless somebody was faster
            self._connect()
            for own in self._ours:
                _sql.try_lock(self._connection, name=own)
            return bool(_sql.try_lock(self._connection, name=name))


@contextmanager
def claims(warehouse: Warehouse) -> Iterator[Claims]:
    """Claims that are let go when the block ends, or the process is killed."""
    with ExitStack() as stack:
        held_by_us = Claims(warehouse, stack)
        try:
            yield held_by_us
        finally:
            held_by_us.let_go()


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
