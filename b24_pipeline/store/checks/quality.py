"""Whether the copy can be trusted: counts of settled rows, unknown stages, and age."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import psycopg
from psycopg.rows import class_row

from b24_pipeline.store.database import queries

_sql = queries.load(__file__)


@dataclass(frozen=True, slots=True)
class Settled:
    """How many rows alive were created before the watermark."""

    entity_type: str
    watermark: datetime
    alive: int


@dataclass(frozen=True, slots=True)
class Orphans:
    """How many entities of a portal stand in a stage that the portal does not have."""

    portal: str
    category_id: int
    status_id: str | None
    entities: int


def settled(connection: psycopg.Connection, account: UUID) -> list[Settled]:
    """Counts the settled rows of each entity of the portal that has been read through at least once."""
    with connection.cursor(row_factory=class_row(Settled)) as cursor:
        return cursor.execute(_sql.settled.sql, {"account": account}).fetchall()


def orphans(connection: psycopg.Connection, entity: str) -> list[Orphans]:
    """Counts the leads or deals whose stage is unknown, by portal."""
    with connection.cursor(row_factory=class_row(Orphans)) as cursor:
        return cursor.execute(_sql.orphans.sql, {"entity": entity}).fetchall()


def freshness(connection: psycopg.Connection) -> dict[str, float | None]:
    """Seconds since every entity of a connected portal was last read; None where one never was."""
    return dict(_sql.freshness(connection))
