"""How far a portal is that was just connected: what was read of it, and what was set."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from psycopg.rows import class_row

from b24_pipeline.store.database import queries
from b24_pipeline.store.database.warehouse import Connection

_sql = queries.load(__file__)


@dataclass(frozen=True, slots=True)
class EntityProgress:
    """The latest sync of one entity: running, success or failed, with the rows read so far."""

    entity_type: str
    sync_status: str
    rows_read: int
    error_message: str | None


@dataclass(frozen=True, slots=True)
class SettingsMade:
    """How many stages count as qualified, won and lost, and how many conditions of qualification there are."""

    qualified: int
    won: int
    lost: int
    conditions: int


def latest_syncs(connection: Connection, account: UUID) -> list[EntityProgress]:
    """The latest sync of each entity of a portal, in the order in which they began."""
    with connection.cursor(row_factory=class_row(EntityProgress)) as cursor:
        return cursor.execute(_sql.latest_syncs.sql, {"account": account}).fetchall()


def settings_made(connection: Connection, account: UUID) -> SettingsMade:
    """What was set for a portal so far."""
    with connection.cursor(row_factory=class_row(SettingsMade)) as cursor:
        found = cursor.execute(_sql.settings_made.sql, {"account": account}).fetchone()
    return found or SettingsMade(0, 0, 0, 0)
