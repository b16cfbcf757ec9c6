"""Leads or deals as lines of a list, of ids that were found before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from psycopg.rows import class_row

from b24_pipeline.store.database import queries
from b24_pipeline.store.database.warehouse import Connection
from b24_pipeline.store.portals.portal import Portal

_sql = queries.load(__file__)


@dataclass(frozen=True, slots=True)
class EntityLine:
    """A lead or deal as a line of a list."""

    entity_id: int
    date_create: datetime | None
    title: str | None
    status_id: str | None
    stage_name: str | None
    stage_is_deleted: bool
    opportunity: Decimal | None
    currency_id: str | None
    owner_name: str | None
    source_name: str | None
    stage_entered_at: datetime | None
    is_qualified: bool


def entity_lines(
    connection: Connection, portal: Portal, entity_type: str, ids: Sequence[int]
) -> list[EntityLine]:
    """The leads or deals of these ids, in the order of the ids."""
    asked = {"portal": portal.name, "entity_type": entity_type, "ids": list(ids)}
    with connection.cursor(row_factory=class_row(EntityLine)) as cursor:
        return cursor.execute(_sql.lines.sql, asked).fetchall()
