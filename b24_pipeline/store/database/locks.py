"""Locks of PostgreSQL for work that one process may do at a time; a dead process loses its lock.

Whoever may connect to a database may take any advisory lock in it, also a role that reads only the marts. So the
keys are random and stand in a table of ours, and a key that a stranger holds is replaced.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from math import inf
from threading import Lock
from uuid import UUID

import psycopg

from b24_pipeline.store.database import queries
from b24_pipeline.store.database.warehouse import Connection, Warehouse, is_done_again

LOOK_SECONDS = 0.25

_sql = queries.load(__file__)


@contextmanager
def held(warehouse: Warehouse, name: str, *, wait_seconds: int) -> Iterator[bool]:
    """Holds the lock of this name for the block; yields False where another held it for `wait_seconds`."""
    with warehouse.session() as connection, held_on(connection, name, wait_seconds=wait_seconds) as got:
        yield got


@contextmanager
def held_on(connection: Connection, name: str, *, wait_seconds: float = inf) -> Iterator[bool]:
    """Holds the lock on this connection, which must be in autocommit; waits for ever by default."""
    key = _acquire(connection, name, wait_seconds)
    try:
        yield key is not None
    finally:
        if key is not None:
            with suppress(psycopg.OperationalError):  # a broken connection has let go by itself
                _sql.give_back(connection, key=key)


def is_held(connection: Connection, name: str) -> bool:
    """Whether a process of ours holds the lock of this name."""
    return bool(_sql.is_taken(connection, name=name))


def forget(connection: Connection, name: str) -> None:
    """Forgets a lock that nobody holds, and that nobody will take again."""
    _sql.forget(connection, name=name)


def try_for_transaction(connection: Connection, purpose: str, account: UUID) -> bool:
    """Takes a portal's lock until the transaction ends; False where another has it.

    `purpose` is one of those that `migrations/0028_locks.sql` makes for each account.
    """
    return bool(_sql.try_in_transaction(connection, name=f"{purpose} {account}"))


def wait_for_transaction(connection: Connection, purpose: str, account: UUID) -> None:
    """The same, and waits for the other, as long as the connection is patient."""
    _sql.wait_in_transaction(connection, name=f"{purpose} {account}")


class Claims:
    """Locks of many names on one connection, for threads of one process; all are let go with the connection.

    Where its session is ended another one takes them again, unless somebody was faster.
    """

    def __init__(self, warehouse: Warehouse, stack: ExitStack) -> None:
        self.is_over = False
        self._warehouse = warehouse
        self._stack = stack
        self._connection = self._connected()
        self._one_at_a_time = Lock()
        self._ours: dict[str, int] = {}

    def take(self, name: str) -> bool:
        """Takes the lock of this name; False where this or another process has it."""
        with self._one_at_a_time:
            # PostgreSQL would give the same session the same lock again
            if self.is_over or name in self._ours:
                return False
            try:
                key = _take(self._connection, name)
            except psycopg.OperationalError as error:
                if not is_done_again(error):
                    raise
                self._take_all_again()
                key = _take(self._connection, name)
            if key is not None:
                self._ours[name] = key
            return key is not None

    def give_back(self, name: str) -> None:
        """Lets the next one have it."""
        with self._one_at_a_time:
            key = self._ours.pop(name, None)
            if self.is_over:
                return
            with suppress(psycopg.OperationalError):  # a broken connection has let go by itself
                _sql.give_back(self._connection, key=key)

    def let_go(self) -> None:
        """Lets go of all, and takes no more: the connection goes to somebody else."""
        with self._one_at_a_time:
            self.is_over = True
            with suppress(psycopg.Error):
                _sql.give_all_back(self._connection)

    def _connected(self) -> Connection:
        connection = self._stack.enter_context(self._warehouse.session())
        _sql.stay(connection)
        return connection

    def _take_all_again(self) -> None:
        self._connection = self._connected()
        again = {name: _take(self._connection, name) for name in self._ours}
        self._ours = {name: key for name, key in again.items() if key is not None}


@contextmanager
def claims(warehouse: Warehouse) -> Iterator[Claims]:
    """Claims that are let go when the block ends, or the process is killed."""
    with ExitStack() as stack:
        held_by_us = Claims(warehouse, stack)
        try:
            yield held_by_us
        finally:
            held_by_us.let_go()


def _take(connection: Connection, name: str) -> int | None:
    take = _sql.take if _sql.has_keys(connection) else _sql.take_by_name
    key: int | None = take(connection, name=name)
    return key


def _acquire(connection: Connection, name: str, wait_seconds: float) -> int | None:
    until = time.monotonic() + wait_seconds
    while (key := _take(connection, name)) is None and time.monotonic() < until:
        time.sleep(LOOK_SECONDS)
    return key
