"""How far each entity has been read, and loads under way that a kill does not lose."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import psycopg
from psycopg.types.multirange import Int8Multirange
from psycopg.types.range import Int8Range

from b24_pipeline.bitrix.lists.ranges import IdRange
from b24_pipeline.store.database import queries

_sql = queries.load(__file__)


@dataclass(frozen=True, slots=True)
class Cursor:
    """How far one entity of one portal has been read.

    `watermark`: everything modified before this moment of the portal's clock is stored. `last_id`: the
    highest id of a list that only grows.
    """

    watermark: datetime | None = None
    last_id: int = 0


@dataclass(frozen=True, slots=True)
class Load:
    """A load under way: the ids still to be read, and the watermark that its end will set."""

    scope: str
    open_ranges: tuple[IdRange, ...]
    watermark: datetime


def cursor_of(connection: psycopg.Connection, account: UUID, entity: str) -> Cursor:
    """Reads the cursor of an entity; before the first sync it is empty."""
    found = _sql.cursor(connection, account=account, entity=entity)
    return Cursor(found[0], found[1] or 0) if found else Cursor()


def advance(
    connection: psycopg.Connection,
    account: UUID,
    entity: str,
    *,
    watermark: datetime | None = None,
    last_id: int | None = None,
) -> None:
    """Moves the cursor of an entity on; it never moves back."""
    _sql.advance(connection, account=account, entity=entity, watermark=watermark, last_id=last_id)


def note_done(connection: psycopg.Connection, account: UUID, name: str, moment: datetime) -> None:
    """Notes up to which moment of our own clock something was done; it moves back only with the clock."""
    _sql.note_done(connection, account=account, entity=name, moment=moment)


def load_under_way(connection: psycopg.Connection, account: UUID, entity: str, scope: str) -> Load | None:
    """The load of this scope that was begun and not finished; None where there is none."""
    found = _sql.load(connection, account=account, entity=entity, scope=scope)
    return Load(scope, _from_multirange(found[0]), found[1]) if found else None


def begin(
    connection: psycopg.Connection,
    account: UUID,
    entity: str,
    load: Load,
) -> None:
    """Notes that a load has begun, with all the ids that it has to read."""
    _sql.begin(
        connection,
        account=account,
        entity=entity,
        scope=load.scope,
        open_ranges=_to_multirange(load.open_ranges),
        watermark=load.watermark,
    )


def note_left(
    connection: psycopg.Connection, account: UUID, entity: str, scope: str, left: Sequence[IdRange]
) -> None:
    """Notes the ids that are left to read after the page of this transaction."""
    _sql.note_left(connection, account=account, entity=entity, scope=scope, open_ranges=_to_multirange(left))


def end(connection: psycopg.Connection, account: UUID, entity: str, scope: str) -> None:
    """Notes that a load has read everything."""
    _sql.end_load(connection, account=account, entity=entity, scope=scope)


def _to_multirange(ranges: Iterable[IdRange]) -> Int8Multirange:
    return Int8Multirange(
        [Int8Range(ids.after, ids.upto, "(]" if ids.upto is not None else "()") for ids in ranges]
    )


def _from_multirange(found: Int8Multirange) -> tuple[IdRange, ...]:
    # PostgreSQL gives whole-number ranges as [first, past the last)
    return tuple(
        IdRange(int(part.lower or 0) - 1, None if part.upper is None else int(part.upper) - 1)
        for part in found
    )
