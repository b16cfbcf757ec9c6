"""Connections to PostgreSQL, pooled by SQLAlchemy over psycopg 3."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Concatenate, ParamSpec, TypeAlias, TypeVar, cast

import psycopg
import sqlalchemy
import stamina
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from b24_pipeline.errors import DatabaseBusy, DatabaseTooOld, DatabaseUnavailable
from b24_pipeline.store.database.url import read_url, url_for_people

OLDEST_SERVER = 15
CONNECT_TIMEOUT_SECONDS = 10
LOCK_TIMEOUT_SECONDS = 30
IDLE_IN_TRANSACTION_SECONDS = 60  # a half-open connection frees what it holds

T = TypeVar("T")
P = ParamSpec("P")

Connection: TypeAlias = psycopg.Connection
Connect: TypeAlias = Callable[[], AbstractContextManager[psycopg.Connection]]
"""Opens a connection in a transaction: `Warehouse.connect`, or what does the same."""

StorageError: TypeAlias = psycopg.Error
"""What PostgreSQL answers where a statement fails; its message may quote a row."""

# what another transaction does to ours
_IN_THE_WAY = (
    psycopg.errors.SerializationFailure,
    psycopg.errors.DeadlockDetected,
    psycopg.errors.LockNotAvailable,
)
# what passes when the transaction is simply done again
_PASSING = (
    *_IN_THE_WAY,
    psycopg.errors.AdminShutdown,
    psycopg.errors.CrashShutdown,
    psycopg.errors.IdleInTransactionSessionTimeout,
)


class Warehouse:
    """The PostgreSQL database that holds the copy.

    Raises DatabaseUnavailable and DatabaseTooOld with the host and what to do,
    never with the password.
    """

    def __init__(self, url: str, *, pool_size: int = 12) -> None:
        self.url = read_url(url).set(drivername="postgresql+psycopg")
        self.engine = sqlalchemy.create_engine(
            self.url,
            pool_size=pool_size,
            max_overflow=20,  # portals that do not answer hold some each: see sync/parallel.py
            pool_pre_ping=True,
            connect_args={
                "connect_timeout": CONNECT_TIMEOUT_SECONDS,
                "application_name": "b24-pipeline",
                "options": _session_options(),
                "keepalives_idle": 30,
            },
        )
        self._checked = False

    @contextmanager
    def connect(self) -> Iterator[psycopg.Connection]:
        """A connection in a transaction: committed at the end, rolled back on any error."""
        with self._borrowed() as connection:
            try:
                yield connection
            except BaseException:
                _roll_back(connection)
                raise
            connection.commit()

    def transact(
        self, work: Callable[Concatenate[psycopg.Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Calls `work` with a connection and the arguments, in one transaction; returns what it returns.

        A transaction that is lost to a deadlock or a broken connection is done again, at most four times
        in all: `work` must be safe to repeat. Raises DatabaseBusy and DatabaseUnavailable.
        """
        try:
            for attempt in stamina.retry_context(on=_passes, attempts=4, timeout=60, wait_initial=0.1):
                with attempt, self.connect() as connection:
                    return work(connection, *args, **kwargs)
        except _IN_THE_WAY as error:
            raise DatabaseBusy(
                f"the database at {_place(self.url)} was locked or deadlocked by others each time: "
                f"{type(error).__name__}; run it again when they are done"
            ) from None
        except psycopg.OperationalError as error:
            raise _unavailable(self.url, error) from None
        raise AssertionError("stamina gives at least one attempt")

    @contextmanager
    def autocommit(self) -> Iterator[psycopg.Connection]:
        """A connection on which each statement is a transaction of its own."""
        with self._borrowed() as connection:
            connection.autocommit = True
            try:
                yield connection
            finally:
                _leave_autocommit(connection)

    @contextmanager
    def _borrowed(self) -> Iterator[psycopg.Connection]:
        try:
            fairy = self.engine.raw_connection()
        except DBAPIError as error:
            raise _unavailable(self.url, error.orig) from None
        except (psycopg.OperationalError, PoolTimeout) as error:
            raise _unavailable(self.url, error) from None
        try:
            connection = cast(psycopg.Connection, fairy.driver_connection)
            self._check_version(connection)
            yield connection
        finally:
            fairy.close()

    def _check_version(self, connection: psycopg.Connection) -> None:
        if self._checked:
            return
        major = connection.info.server_version // 10000
        if major < OLDEST_SERVER:
            raise DatabaseTooOld(
                f"the database at {_place(self.url)} is PostgreSQL {major}; "
                f"{OLDEST_SERVER} or newer is needed: upgrade it, or point DATABASE_URL elsewhere"
            )
        self._checked = True

    @property
    def place(self) -> str:
        """The database's URL for people and tools, its password hidden."""
        return url_for_people(self.url)

    def close(self) -> None:
        """Closes all idle connections."""
        self.engine.dispose()


def _passes(error: Exception) -> bool:
    lost = isinstance(error, psycopg.OperationalError) and error.sqlstate is None  # the connection itself
    return lost or isinstance(error, _PASSING)


def _session_options() -> str:
    settings = {
        "timezone": "UTC",
        "lock_timeout": f"{LOCK_TIMEOUT_SECONDS}s",
        "idle_in_transaction_session_timeout": f"{IDLE_IN_TRANSACTION_SECONDS}s",
        "jit": "off",  # its start-up costs more than our statements run
        "client_min_messages": "warning",
    }
    return " ".join(f"-c {name}={value}" for name, value in settings.items())


def _place(url: URL) -> str:
    host = url.host or url.query.get("host") or "the local socket"
    return f"{host}{f':{url.port}' if url.port else ''}/{url.database}"


def _unavailable(url: URL, error: BaseException | None) -> DatabaseUnavailable:
    said = " ".join(str(error).split()) if error else "no answer"
    password = url.password
    if password:
        said = said.replace(str(password), "***")
    return DatabaseUnavailable(
        f"the database at {_place(url)} cannot be used: {said[:300]}; "
        "is it running, and is DATABASE_URL right?"
    )


def _roll_back(connection: psycopg.Connection) -> None:
    if not connection.closed:
        connection.rollback()


def _leave_autocommit(connection: psycopg.Connection) -> None:
    if not connection.closed:
        connection.rollback()
        connection.autocommit = False
