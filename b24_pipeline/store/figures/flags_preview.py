"""What other flags of a stage would change in the figures."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from psycopg.rows import class_row

from b24_pipeline.store.database import queries
from b24_pipeline.store.database.warehouse import Connection
from b24_pipeline.store.figures.pipelines import has_figures

_sql = queries.load(__file__)


@dataclass(frozen=True, slots=True)
class FlagsPreview:
    """Leads or deals of all pipelines, as they are counted now and would be."""

    qualified_before: int
    qualified_after: int
    won_before: int
    won_after: int
    lost_before: int
    lost_after: int


def preview_flags(
    connection: Connection,
    account: UUID,
    entity_type: str,
    stage: UUID,
    *,
    is_qualified: bool,
    is_success: bool,
    is_fail: bool,
) -> FlagsPreview | None:
    """The figures with these flags of the stage; None where no figures were built yet."""
    if not has_figures(connection):
        return None
    asked = {
        "account": account,
        "entity_type": entity_type,
        "stage": stage,
        "is_qualified": is_qualified,
        "is_success": is_success,
        "is_fail": is_fail,
    }
    with connection.cursor(row_factory=class_row(FlagsPreview)) as cursor:
        return cursor.execute(_sql.preview.sql, asked).fetchone()
