"""The funnel of a pipeline for whom the filters leave, and the leads or deals behind each of its figures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal

from psycopg.rows import class_row
from psycopg.types.json import set_json_loads

from b24_pipeline.store.database import queries
from b24_pipeline.store.database.exact_json import exact_json
from b24_pipeline.store.database.warehouse import Connection
from b24_pipeline.store.figures.entity_lines import EntityLine, entity_lines
from b24_pipeline.store.figures.pipelines import CountedPipeline
from b24_pipeline.store.portals.portal import Portal

_sql = queries.load(__file__)

FunnelDefinition = Literal["standard", "implied", "strict"]


@dataclass(frozen=True, slots=True)
class FunnelFilters:
    """Whom a funnel is of; None leaves a filter out.

    Created from `first` to `last`, days of the portal, both included. `as_of`: the funnel as it stood at this moment.
    """

    first: date | None = None
    last: date | None = None
    source: str | None = None
    person: int | None = None
    campaign: str | None = None
    is_qualified: bool | None = None
    as_of: datetime | None = None

    @property
    def parameters(self) -> dict[str, object]:
        """The same as parameters of the statements."""
        return {
            "first_day": self.first,
            "last_day": self.last,
            "source_id": self.source,
            "assigned_by_id": self.person,
            "utm_campaign": self.campaign,
            "is_qualified": self.is_qualified,
            "ts": self.as_of,
        }


@dataclass(frozen=True, slots=True)
class StageFigures:
    """A stage and its figures. `reached` by the chosen definition, `median_seconds` of all that ever left the stage."""

    status_id: str
    status_name: str
    status_color: str | None
    semantics: str
    is_success_stage: bool
    is_fail_stage: bool
    is_deleted: bool
    in_stage: int
    amounts_by_currency: Mapping[str, Decimal]
    entered: int
    reached: int
    qualified: int
    conversion_from_start: float | None
    conversion_from_previous: float | None
    median_seconds: Decimal | None


@dataclass(frozen=True, slots=True)
class FilterChoice:
    """One of a list of sources, people or campaigns."""

    code: str
    name: str


@dataclass(frozen=True, slots=True)
class FunnelChoices:
    """What the filters can be set to."""

    sources: list[FilterChoice]
    people: list[FilterChoice]
    campaigns: list[FilterChoice]


def funnel(
    connection: Connection,
    portal: Portal,
    pipeline: CountedPipeline,
    filters: FunnelFilters,
    definition: FunnelDefinition,
) -> list[StageFigures]:
    """The stages of the pipeline in its order."""
    asked = _of(portal, pipeline) | filters.parameters | {"definition": definition}
    asked["is_whole"] = filters == FunnelFilters()
    with connection.cursor(row_factory=class_row(StageFigures)) as cursor:
        set_json_loads(exact_json, cursor)
        return cursor.execute(_sql.stages.sql, asked).fetchall()


def choices(connection: Connection, portal: Portal, pipeline: CountedPipeline) -> FunnelChoices:
    """The sources, people and campaigns to choose from."""

    def read(statement: Any) -> list[FilterChoice]:
        with connection.cursor(row_factory=class_row(FilterChoice)) as cursor:
            return cursor.execute(statement.sql, _of(portal, pipeline)).fetchall()

    return FunnelChoices(read(_sql.sources), read(_sql.people), read(_sql.campaigns))


def entities(
    connection: Connection,
    portal: Portal,
    pipeline: CountedPipeline,
    status_id: str,
    filters: FunnelFilters,
    *,
    all_who_were_there: bool,
    most: int,
    skipped: int,
) -> list[EntityLine]:
    """Those who stand in a stage, or all who have been there, the latest created first."""
    asked = (
        _of(portal, pipeline)
        | filters.parameters
        | {
            "account": portal.id,
            "zone": portal.time_zone,
            "status_id": status_id,
            "has_left": all_who_were_there,
            "most": most,
            "skipped": skipped,
        }
    )
    ids = [row[0] for row in connection.execute(_sql.entities.sql, asked)]
    return entity_lines(connection, portal, pipeline.entity_type, ids)


def _of(portal: Portal, pipeline: CountedPipeline) -> dict[str, object]:
    return {
        "portal": portal.name,
        "account": portal.id,
        "entity_type": pipeline.entity_type,
        "category_id": pipeline.category_id,
    }
