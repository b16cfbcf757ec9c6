"""Moves of leads and deals: appended as the portal gives them, linked, and inferred where they lack.

Nothing is ever deleted here.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

import psycopg

from b24_pipeline.store.database import queries

_sql = queries.load(__file__)

TABLE = "bitrix24_status_history"

Move = tuple[int, int, int | None, int | None, str, str]
"""history_id, entity_id, type_id, category_id (None: not known), status_id, changed_at as ISO text."""


def append(connection: psycopg.Connection, account: UUID, entity: str, moves: Iterable[Move]) -> int:
    """Stores moves that are not known yet and returns how many."""
    _sql.make_staging(connection)
    with connection.cursor().copy(_sql.copy_moves.sql) as copy:
        for move in moves:
            copy.write_row(move)
    return int(_sql.append(connection, account=account, entity=entity))


def now(connection: psycopg.Connection) -> datetime:
    """The moment by the database's clock, which `loaded_at` is taken from too."""
    moment: datetime = _sql.now(connection)
    return moment


def infer(connection: psycopg.Connection, account: UUID, entity: str, since: datetime | None) -> int:
    """Adds a move for each entity that stands elsewhere than its last known move; returns how many.

    Only entities are looked at that have changed, or got moves, since then;
    without a moment all.
    """
    return int(
        _sql.infer(connection, account=account, entity=entity, since=since, ids=None, source="inferred")
    )


def infer_of(connection: psycopg.Connection, account: UUID, entity: str, ids: Sequence[int]) -> int:
    """Like `infer`, but only for the entities of these ids: a drain uses it. Returns how many moves were added."""
    return int(
        _sql.infer(connection, account=account, entity=entity, since=None, ids=list(ids), source="event")
    )


def link(connection: psycopg.Connection, account: UUID, entity: str) -> int:
    """Fills from_status_id and from_category_id of new moves and of those after them; returns how many."""
    return int(_sql.link(connection, account=account, entity=entity))


def highest_id(connection: psycopg.Connection, account: UUID, entity: str) -> int | None:
    """The highest id of a stored move that the portal has sent; None before the first."""
    found: int | None = _sql.highest_id(connection, account=account, entity=entity)
    return found
