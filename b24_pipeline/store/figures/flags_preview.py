"""What other flags of stages would change in the figures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from psycopg.rows import class_row

from b24_pipeline.store.crm.stage_flags import Flags
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
    wanted: Mapping[UUID, Flags],
) -> FlagsPreview | None:
    """The figures with these flags of stages, by their ids; None where no figures were built yet."""
    if not has_figures(connection):
        return None
    asked = {
        "account": account,
        "entity_type": entity_type,
        "stages": list(wanted),
        "are_qualified": [flags.is_qualified for flags in wanted.values()],
        "are_success": [flags.is_success for flags in wanted.values()],
        "are_fail": [flags.is_fail for flags in wanted.values()],
    }
    with connection.cursor(row_factory=class_row(FlagsPreview)) as cursor:
        return cursor.execute(_sql.preview.sql, asked).fetchone()
