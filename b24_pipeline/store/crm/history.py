"""Moves of leads and deals: appended as the portal gives them, linked, and inferred where they lack.

Nothing is ever deleted here.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import psycopg
from psycopg import sql

from b24_pipeline.entities.moves import MoveDecoder
from b24_pipeline.store.database import queries
from b24_pipeline.store.database.copying import Lines, copy_in

_sql = queries.load(__file__)

TABLE = "bitrix24_status_history"

_STAGING = sql.Identifier("pg_temp", "staging_moves")


def append(connection: psycopg.Connection, account: UUID, entity: str, moves: Lines) -> int:
    """Stores moves, texts in the order of `MoveDecoder.names`, that are not known yet; returns how many."""
    if not moves:
        return 0
    _sql.make_staging(connection)
    copy_in(connection, _STAGING, MoveDecoder.names, moves)
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


def link(connection: psycopg.Connection, account: UUID, entity: str, since: datetime | None = None) -> int:
    """Fills from_status_id and from_category_id where they are missing or have become wrong; returns how many.

    Looks at entities with moves that wait for it, and at those with moves stored since then or in this transaction:
    another process may have stored moves of the same entity meanwhile.
    """
    return int(_sql.link(connection, account=account, entity=entity, since=since))


def highest_id(connection: psycopg.Connection, account: UUID, entity: str) -> int | None:
    """The highest id of a stored move that the portal has sent; None before the first."""
    found: int | None = _sql.highest_id(connection, account=account, entity=entity)
    return found
