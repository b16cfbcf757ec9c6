"""How many own leads have reached the key stages of their direction, of `analytics.key_stage_stats`."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from psycopg.rows import class_row

from b24_pipeline.store.database import queries
from b24_pipeline.store.database.warehouse import Connection
from b24_pipeline.store.figures.pipelines import has_figures

_sql = queries.load(__file__)


@dataclass(frozen=True, slots=True)
class KeyStageReached:
    """A key stage by its place in the direction, from 1, and how many of the direction's own leads reached it."""

    direction_id: UUID
    key_stage_index: int
    total_leads: int
    reached: int


def key_stages_reached(connection: Connection, portal: str) -> dict[tuple[UUID, int], KeyStageReached]:
    """By direction and place; what was chosen since the figures were built is not in it."""
    if not has_figures(connection):
        return {}
    with connection.cursor(row_factory=class_row(KeyStageReached)) as cursor:
        found = cursor.execute(_sql.reached.sql, {"portal": portal}).fetchall()
    return {(row.direction_id, row.key_stage_index): row for row in found}
