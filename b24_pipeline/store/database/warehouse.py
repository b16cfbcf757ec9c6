"""Connections to PostgreSQL, pooled by SQLAlchemy over psycopg 3.

SQLAlchemy is imported when a pool is needed: a command that looks once at the database does without.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from functools import cached_property
from typing import TYPE_CHECKING, Concatenate, ParamSpec, TypeAlias, TypeVar, cast

import psycopg
import stamina

from b24_pipeline.errors import (
    DatabaseBusy,
    DatabaseReadOnly,
    DatabaseTooOld,
    DatabaseUnavailable,
    PoolerInTheWay,
)
from b24_pipeline.log import logger
from b24_pipeline.store.database.acting import actor_of_request
from b24_pipeline.store.database.connecting.pooler import refuses_transactions
from b24_pipeline.store.database.connecting.session import DatabaseSessions
from b24_pipeline.store.database.connecting.url import DatabaseUrl, read_url
from b24_pipeline.store.database.faults import IN_THE_WAY, described, hide_rows, is_passing

if TYPE_CHECKING:
    from sqlalchemy.engine import Engine

OLDEST_SERVER = 15

T = TypeVar("T")
P = ParamSpec("P")

Connection: TypeAlias = psycopg.Connection
Connect: TypeAlias = Callable[[], AbstractContextManager[psycopg.Connection]]
"""Opens a connection in a transaction: `Warehouse.connect`, or what does the same."""

StorageError: TypeAlias = psycopg.Error
"""What PostgreSQL answers where a statement fails. Outside of `Warehouse.connect` its text is ours: see `faults.py`."""

log = logger("database")
# psycopg logs errors that it meets while it tidies up, with PostgreSQL's message, which may quote a row
logging.getLogger("psycopg").setLevel(logging.CRITICAL)


class Warehouse:
    """The PostgreSQL database that holds the copy.

    Raises DatabaseUnavailable and DatabaseTooOld with the host and what to do,
    never with the password. `looks_once`: connections are few and short-lived, so that
    there is no pool.
    """

    def __init__(self, url: str, *, pool_size: int = 12, looks_once: bool = False) -> None:
        self.url = read_url(url)
        self.sessions = DatabaseSessions(self.url)
        self._pool_size = pool_size
        self._looks_once = looks_once
        self._kept: list[psycopg.Connection] = []  # open and idle, where there is no pool
        self._checked = False

    @cached_property
    def engine(self) -> Engine:
        """SQLAlchemy's engine, which is our pool."""
        import sqlalchemy
        from sqlalchemy import event

        engine = sqlalchemy.create_engine(
            "postgresql+psycopg://",
            pool_size=self._pool_size,
            max_overflow=20,  # portals that do not answer hold some each: see sync/parallel.py
            pool_pre_ping=True,
            pool_reset_on_return=None,  # we roll back ourselves: SQLAlchemy would print a traceback where that fails
        )
        event.listen(
            engine, "do_connect", lambda _dialect, _record, _args, more: self.sessions.opened(**more)
        )
        event.listen(
            engine, "begin", lambda begun: self.sessions.begin(begun.connection.driver_connection, looks=True)
        )
        return engine

    @contextmanager
    def connect(self, *, looks: bool = False) -> Iterator[psycopg.Connection]:
        """A connection in a transaction: committed at the end, rolled back on any error.

        `looks`: finds out on the way whether a pooler stands between us and PostgreSQL.
        """
        with self._borrowed() as connection:
            self.sessions.begin(connection, looks=looks)
            actor = actor_of_request()
            if actor is not None:  # until the end of the transaction
                connection.execute("select set_config('b24.changed_by', %s, true)", (actor,))
            yield connection
            connection.commit()

    def transact(
        self, work: Callable[Concatenate[psycopg.Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Calls `work` with a connection and the arguments, in one transaction; returns what it returns.

        A transaction that is lost to a deadlock or a broken connection is done again, at most four times
        in all: `work` must be safe to repeat. Raises DatabaseBusy and DatabaseUnavailable.
        """
        try:
            for attempt in stamina.retry_context(on=is_done_again, attempts=4, timeout=60, wait_initial=0.1):
                with attempt, self.connect() as connection:
                    return work(connection, *args, **kwargs)
        except IN_THE_WAY as error:
            raise DatabaseBusy(
                f"the database at {self.url.place} was locked or deadlocked by others each time: "
                f"{type(error).__name__}; run it again when they are done"
            ) from None
        except psycopg.OperationalError as error:
            raise _given_up(self.url, error) from None
        raise AssertionError("stamina gives at least one attempt")

    @contextmanager
    def autocommit(self) -> Iterator[psycopg.Connection]:
        """A connection on which each statement is a transaction of its own."""
        with self._borrowed() as connection:
            connection.autocommit = True
            yield connection

    @contextmanager
    def session(self) -> Iterator[psycopg.Connection]:
        """The same for what belongs to a session, such as a lock. Raises PoolerInTheWay where no session is kept."""
        with self._borrowed() as connection:
            self.sessions.require_kept(connection)
            connection.autocommit = True
            yield connection

    def require_sessions(self) -> None:
        """Raises PoolerInTheWay where no session is kept, and DatabaseReadOnly for a standby."""
        with self._borrowed() as connection:
            if _is_standby(connection):
                raise _read_only(self.url, connection)
            self.sessions.require_kept(connection)

    @contextmanager
    def _borrowed(self) -> Iterator[psycopg.Connection]:
        connection, give_back = self._lent()
        try:
            self._check_version(connection)
            yield connection
        except psycopg.errors.ReadOnlySqlTransaction:
            raise _read_only(self.url, connection) from None
        except BaseException as error:
            hide_rows(error)
            raise
        finally:
            with suppress(psycopg.Error):
                connection.rollback()
                connection.autocommit = False
            give_back()

    def _lent(self) -> tuple[psycopg.Connection, Callable[[], None]]:
        """A connection, and what gives it back once it is tidied up."""
        return self._opened() if self._looks_once else self._of_pool()

    def _of_pool(self) -> tuple[psycopg.Connection, Callable[[], None]]:
        from sqlalchemy.exc import DBAPIError
        from sqlalchemy.exc import TimeoutError as PoolTimeout

        try:
            fairy = self.engine.raw_connection()
        except DBAPIError as error:  # SQLAlchemy's own first questions
            if refuses_transactions(error.orig):
                raise PoolerInTheWay(self.url.place) from None
            raise _unavailable(self.url, error.orig) from None
        except (psycopg.OperationalError, PoolTimeout) as error:
            raise _unavailable(self.url, error) from None
        connection = cast(psycopg.Connection, fairy.driver_connection)
        # thrown away where its session has ended
        return connection, lambda: fairy.invalidate() if connection.closed else fairy.close()

    def _opened(self) -> tuple[psycopg.Connection, Callable[[], None]]:
        try:
            connection = self._kept.pop() if self._kept else self.sessions.opened()
        except psycopg.OperationalError as error:
            raise _unavailable(self.url, error) from None
        return connection, lambda: None if connection.closed else self._kept.append(connection)

    def _check_version(self, connection: psycopg.Connection) -> None:
        if self._checked:
            return
        major = connection.info.server_version // 10000
        if major < OLDEST_SERVER:
            raise DatabaseTooOld(
                f"the database at {self.url.place} is PostgreSQL {major}; "
                f"{OLDEST_SERVER} or newer is needed: upgrade it, or point DATABASE_URL elsewhere"
            )
        self._checked = True

    @property
    def place(self) -> str:
        """The database's URL for people and tools, its password hidden."""
        return self.url.for_people()

    def close(self) -> None:
        """Closes all idle connections."""
        while self._kept:
            self._kept.pop().close()
        if "engine" in vars(self):  # only a pool that was made
            self.engine.dispose()


def is_done_again(error: Exception) -> bool:
    """Whether work that failed so is done again; says it in the log where a session has ended."""
    if not is_passing(error):
        return False
    if not isinstance(error, IN_THE_WAY):
        log.warning("a session of the database ended; its work is done again", error=str(error))
    return True


def _unavailable(url: DatabaseUrl, error: BaseException | None) -> DatabaseUnavailable:
    said = " ".join(str(error).split()) if error else "no answer"
    for secret in url.secrets:
        said = re.sub(rf"(?<!\w){re.escape(secret)}(?!\w)", "***", said)  # not inside of other words
    return DatabaseUnavailable(
        f"the database at {url.place} cannot be used: {said[:300]}; is it running, and is DATABASE_URL right?"
    )


def _is_standby(connection: psycopg.Connection) -> bool:
    """PostgreSQL says it with the login."""
    return connection.info.parameter_status("in_hot_standby") == "on"


def _read_only(url: DatabaseUrl, connection: psycopg.Connection) -> DatabaseReadOnly:
    standby, role = "is a standby that follows another server", "is open to this role for reading alone"
    reason = standby if _is_standby(connection) else f"{role} (default_transaction_read_only)"
    return DatabaseReadOnly(url.place, reason)


def _given_up(url: DatabaseUrl, error: psycopg.Error) -> DatabaseUnavailable:
    return DatabaseUnavailable(
        f"the database at {url.place} cannot be used: {described(error)}; "
        "what was not committed was not stored: mend that, then run it again"
    )
