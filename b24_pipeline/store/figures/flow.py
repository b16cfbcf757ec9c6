"""What came and went by day, week or month, of `analytics.funnel_daily`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby
from typing import Literal

from psycopg.rows import class_row

from b24_pipeline.store.database import queries
from b24_pipeline.store.database.warehouse import Connection
from b24_pipeline.store.figures.pipelines import CountedPipeline
from b24_pipeline.store.portals.portal import Portal

_sql = queries.load(__file__)

FlowStep = Literal["day", "week", "month"]
MOST_DAYS, MOST_WEEKS_IN_DAYS = 120, 800


@dataclass(frozen=True, slots=True)
class StageFlow:
    """A stage in a period: how many stood there at its end, came in, and left for a stage that is won or lost.

    `created`: for how many of those who came in it is the first stage.
    """

    status_id: str
    status_name: str
    status_color: str | None
    period: date
    in_stage: int
    entered: int
    won: int
    lost: int
    created: int
    is_closed: bool
    is_deleted: bool


@dataclass(frozen=True, slots=True)
class Flow:
    """A day, or the week or month that begins on it. `open`: in stages neither won nor lost, at its end."""

    period: date
    stages: Sequence[StageFlow]

    @property
    def in_stage(self) -> dict[str, int]:
        """How many stood in each stage when it ended; in a stage that is not there nobody has been yet."""
        return {stage.status_id: stage.in_stage for stage in self.stages}

    @property
    def open(self) -> int:
        """How many were open when it ended."""
        return sum(stage.in_stage for stage in self.stages if not stage.is_closed)

    @property
    def created(self) -> int:
        """Leads or deals that are new."""
        return sum(stage.created for stage in self.stages)

    @property
    def entered(self) -> int:
        """Visits of open stages that began."""
        return sum(stage.entered for stage in self.stages if not stage.is_closed)

    @property
    def won(self) -> int:
        """Visits that ended with winning."""
        return sum(stage.won for stage in self.stages)

    @property
    def lost(self) -> int:
        """Visits that ended with losing."""
        return sum(stage.lost for stage in self.stages)


def step_for(first: date | None, last: date | None) -> FlowStep:
    """The step by which a period is best looked at."""
    days = (last - first).days if first and last else MOST_WEEKS_IN_DAYS + 1
    return "day" if days <= MOST_DAYS else "week" if days <= MOST_WEEKS_IN_DAYS else "month"


def flows(
    connection: Connection,
    portal: str,
    pipeline: CountedPipeline,
    step: FlowStep,
    first: date | None,
    last: date | None,
) -> list[Flow]:
    """The periods between the days, the earliest first; stages in the pipeline's order."""
    asked = {
        "portal": portal,
        "entity_type": pipeline.entity_type,
        "category_id": pipeline.category_id,
        "step": step,
        "first_day": first,
        "last_day": last,
    }
    with connection.cursor(row_factory=class_row(StageFlow)) as cursor:
        found = cursor.execute(_sql.flow.sql, asked).fetchall()
    return [Flow(period, list(stages)) for period, stages in groupby(found, lambda row: row.period)]


def last_move(connection: Connection, portal: Portal, pipeline: CountedPipeline) -> datetime | None:
    """When somebody last left a stage of the pipeline for another one; None where nobody ever has."""
    found: datetime | None = _sql.last_move(
        connection,
        account=portal.id,
        entity_type=pipeline.entity_type,
        category_id=pipeline.category_id,
    )
    return found
