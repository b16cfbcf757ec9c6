"""Whether a pooler keeps a session with its server, or gives each transaction whichever is free.

In PgBouncer's words: `pool_mode = session`, or `transaction` and `statement`.
"""

from __future__ import annotations

from select import select

import psycopg

from b24_pipeline.errors import DatabaseUnavailable

PATIENCE_SECONDS = 15
_ROUNDS = 5
"""Pools give the server that was used last, or each in its turn; a busy one gives any, so one look may not tell."""


def keeps_sessions(connection: psycopg.Connection, other: psycopg.Connection) -> bool:
    """Looks which servers two sessions get by turns; neither may be in a transaction.

    Where sessions are kept, no server is seen in both, and each session sees one alone. Raises DatabaseUnavailable
    where there is no server for a second session.
    """
    own = _server(connection)
    for _ in range(_ROUNDS):
        theirs = _server(other, b"begin; select pg_backend_pid()")
        if theirs in (own, b"") or _server(connection) != own:
            return False
        _server(other, b"rollback; select pg_backend_pid()")
    return True


def refuses_transactions(error: BaseException | None) -> bool:
    """Whether a pooler has answered that it takes statements alone; it has no code for it."""
    return "statement pooling mode" in str(error)


def _server(connection: psycopg.Connection, statement: bytes = b"select pg_backend_pid()") -> bytes:
    """The number of the server's process that answers; nothing where the pooler takes no transactions.

    Where none is free a pooler keeps us waiting.
    """
    server = connection.pgconn
    server.send_query(statement)
    server.flush()
    if not select([server.socket], [], [], PATIENCE_SECONDS)[0]:
        raise DatabaseUnavailable(
            f"the pooler before the database had no second connection to PostgreSQL for {PATIENCE_SECONDS} s; "
            "raise its pool size (PgBouncer: default_pool_size), or give DATABASE_URL the server's own address"
        )
    value = b""
    while (answer := server.get_result()) is not None:
        value = (answer.get_value(0, 0) if answer.ntuples else None) or value
    return value
