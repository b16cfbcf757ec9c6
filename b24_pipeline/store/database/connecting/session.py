"""How a session of ours begins, also where a pooler stands between us and PostgreSQL.

PostgreSQL takes our settings with the login. A pooler such as PgBouncer refuses or forgets them, and may give each
transaction another server. It is found without a question of its own: the number of the server's process rides on a
first `begin`, and a pooler does not know it. Settings are then made with each `begin`, or once a session where
`require_kept` has found that sessions are kept.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import closing
from enum import Enum, auto
from typing import Any, cast

import psycopg
from psycopg import sql
from psycopg.pq import ExecStatus

from b24_pipeline.errors import PoolerInTheWay
from b24_pipeline.store.database.acting import actor_of_process
from b24_pipeline.store.database.connecting.pooler import keeps_sessions
from b24_pipeline.store.database.connecting.url import DatabaseUrl

LOCK_TIMEOUT_SECONDS = 30
IDLE_IN_TRANSACTION_SECONDS = 60  # a half-open connection frees what it holds
_UNLESS_GIVEN = {"connect_timeout": "10", "application_name": "b24-pipeline", "keepalives_idle": "30"}
_OPTIONS_REFUSED = re.compile(r"unsupported startup parameter|command-line options")
_SWITCH = re.compile(r"(?:^|\s)(?:-c\s*|--)([\w.-]+)=((?:\\.|[^\s\\])*)")


class Between(Enum):
    """What stands between us and PostgreSQL. `POOLER`: what kind of one was not asked yet."""

    UNKNOWN = auto()
    NOTHING = auto()
    POOLER = auto()
    POOLER_OF_SESSIONS = auto()
    POOLER_OF_TRANSACTIONS = auto()


class DatabaseSessions:
    """Opens the sessions of one database, and knows what stands between."""

    def __init__(self, url: DatabaseUrl) -> None:
        self.between = Between.UNKNOWN
        self._url = url
        self._takes_options = True

    @property
    def is_pooled(self) -> bool:
        """Whether a pooler was found."""
        return self.between not in (Between.UNKNOWN, Between.NOTHING)

    def opened(self, **more: Any) -> psycopg.Connection:
        """A new session. Raises psycopg.OperationalError."""
        try:
            connection = self._connected(more)
        except psycopg.OperationalError as error:
            if not self._takes_options or not _OPTIONS_REFUSED.search(str(error)):
                raise
            self._takes_options = False
            self.between = Between.POOLER
            connection = self._connected(more)
        if self.is_pooled:
            self._adapt(connection)
        return connection

    def begin(self, connection: psycopg.Connection, *, looks: bool = False) -> None:
        """Begins a transaction where psycopg's own `begin` would not do. `looks`: finds out what stands between."""
        if looks and self.between is Between.UNKNOWN:
            self._look(connection, self._begin(connection, b"select pg_backend_pid()"))
        if self.between in (Between.POOLER, Between.POOLER_OF_TRANSACTIONS):
            self._begin(connection, self._settings(is_local=True))

    def require_kept(self, connection: psycopg.Connection) -> None:
        """Makes sure that this session, which is in no transaction, stays with its server. Raises PoolerInTheWay."""
        if self.between is Between.UNKNOWN:
            self._look(connection, connection.pgconn.exec_(b"select pg_backend_pid()").get_value(0, 0))
        if self.between is Between.POOLER:
            with closing(self._connected({})) as other:
                kept = keeps_sessions(connection, other)
            self.between = Between.POOLER_OF_SESSIONS if kept else Between.POOLER_OF_TRANSACTIONS
            self._adapt(connection)
        if self.between is Between.POOLER_OF_TRANSACTIONS:
            raise PoolerInTheWay(self._url.place)

    def _connected(self, more: Mapping[str, Any]) -> psycopg.Connection:
        url = self._url
        ours = {name: value for name, value in _UNLESS_GIVEN.items() if not url.resolved.get(name)}
        options = _options(url.resolved.get("options", "")) if self._takes_options else ""
        return psycopg.connect(**cast(Any, {**url.given, **ours, "options": options, **more}))

    def _look(self, connection: psycopg.Connection, server: bytes | None) -> None:
        if server is None:  # whatever is wrong, the next statement will say it
            return
        is_direct = int(server) == connection.info.backend_pid
        self.between = Between.NOTHING if is_direct else Between.POOLER
        if not is_direct:
            connection.rollback()
            self._adapt(connection)

    def _adapt(self, connection: psycopg.Connection) -> None:
        if self.between is Between.POOLER_OF_SESSIONS:
            connection.pgconn.exec_(self._settings(is_local=False))
        else:
            connection.prepare_threshold = None  # the next transaction's server does not know the statement

    def _begin(self, connection: psycopg.Connection, statement: bytes) -> bytes | None:
        """Sends both at once, as psycopg would send the first; returns the first value of the answer."""
        begin = b"begin read only; " if connection.read_only else b"begin; "
        answer = connection.pgconn.exec_(begin + statement)
        return answer.get_value(0, 0) if answer.status == ExecStatus.TUPLES_OK else None

    def _settings(self, *, is_local: bool) -> bytes:
        calls = (
            sql.SQL("set_config({}, {}, {})").format(name, value, is_local)
            for name, value in self._wanted().items()
        )
        return sql.SQL("select {}").format(sql.SQL(", ").join(calls)).as_bytes(None)

    def _wanted(self) -> dict[str, str]:
        return _preferred() | _read_switches(self._url.resolved.get("options", "")) | _needed()


def _options(given: str) -> str:
    """The later of two wins: what the URL sets comes after what we prefer, and before what we rely on."""
    return " ".join(filter(None, (_as_switches(_preferred()), given, _as_switches(_needed()))))


def _preferred() -> dict[str, str]:
    return {
        "lock_timeout": f"{LOCK_TIMEOUT_SECONDS}s",
        "idle_in_transaction_session_timeout": f"{IDLE_IN_TRANSACTION_SECONDS}s",
        "jit": "off",  # its start-up costs more than our statements run
        "client_min_messages": "warning",
    }


def _needed() -> dict[str, str]:
    actor = actor_of_process()
    return {"timezone": "UTC"} | ({} if actor is None else {"b24.changed_by": actor})


def _as_switches(settings: Mapping[str, str]) -> str:
    escaped = {name: re.sub(r"([\\\s])", r"\\\1", value) for name, value in settings.items()}
    return " ".join(f"-c {name}={value}" for name, value in escaped.items())


def _read_switches(options: str) -> dict[str, str]:
    return {
        name.replace("-", "_"): re.sub(r"\\(.)", r"\1", value, flags=re.DOTALL)
        for name, value in _SWITCH.findall(options)
    }
