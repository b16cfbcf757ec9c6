"""Bookmarks: how far each reader of the copy has come, so that it reads only what was stored since.

A reader is something that follows the copy row by row, such as matching or
qualification. All functions work in the caller's transaction.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from b24_pipeline.store.database import queries
from b24_pipeline.store.database.warehouse import Connection

_sql = queries.load(__file__)

NEVER = datetime(1970, 1, 1, tzinfo=UTC)
"""Before any row was stored."""


@dataclass(frozen=True, slots=True)
class Bookmark:
    """How far one reader has come in one portal.

    `loaded_upto`: rows with an earlier `loaded_at` have been seen; None where it has not begun.
    `conditions`: what the reader worked by then. `started_at`: when the caller's transaction began.
    """

    loaded_upto: datetime | None
    conditions: list[dict[str, Any]]
    started_at: datetime


def complete_upto(connection: Connection) -> datetime:
    """The moment before which no new row can appear any more.

    A transaction that is still open stamps its rows later than it began.
    """
    upto: datetime | None = _sql.complete_upto(connection)
    return upto or datetime.now(UTC)


def hold(connection: Connection, account: UUID, reader: str) -> Bookmark:
    """Reads a bookmark and locks it until the transaction ends; makes it where there is none."""
    _sql.add(connection, account=account, reader=reader)
    loaded_upto, conditions, started_at = _sql.hold(connection, account=account, reader=reader)
    return Bookmark(loaded_upto, conditions or [], started_at)


def move(
    connection: Connection,
    account: UUID,
    readers: Sequence[str],
    loaded_upto: datetime,
    conditions: Sequence[dict[str, Any]] | None = None,
) -> None:
    """Notes that these readers have seen every row with an earlier `loaded_at`. They must have been held."""
    _sql.move(
        connection,
        account=account,
        readers=list(readers),
        loaded_upto=loaded_upto,
        conditions=None if conditions is None else Jsonb(list(conditions)),
    )


def forget(connection: Connection, account: UUID, prefix: str, *, kept: Sequence[str]) -> int:
    """Deletes the bookmarks whose reader begins with `prefix`, but for those `kept`: they would begin anew.

    Returns how many there were.
    """
    return int(_sql.forget(connection, account=account, prefix=prefix, kept=list(kept)))
