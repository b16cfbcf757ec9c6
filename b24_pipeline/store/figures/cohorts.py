"""Conversion by month of creation and age, of `analytics.funnel_cohort`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import groupby
from typing import Literal

from psycopg.rows import class_row

from b24_pipeline.store.database import queries
from b24_pipeline.store.database.warehouse import Connection
from b24_pipeline.store.figures.pipelines import CountedPipeline

_sql = queries.load(__file__)

Definition = Literal["actual", "implied", "strict"]


@dataclass(frozen=True, slots=True)
class CohortStage:
    """A stage that cohorts have figures of."""

    status_id: str
    status_name: str
    status_sort: int | None
    is_success_stage: bool
    is_deleted: bool


@dataclass(frozen=True, slots=True)
class CohortAge:
    """How many of a month's leads or deals had reached the stage at an age; None: until now.

    `is_mature`: whether the figure does not grow any more.
    """

    cohort_month: date
    age_days: int | None
    entities: int
    reached: int
    conversion: Decimal | None
    is_mature: bool


@dataclass(frozen=True, slots=True)
class Cohort:
    """The leads or deals that were created in a month, with their ages in order."""

    month: date
    entities: int
    ages: Sequence[CohortAge]


def cohort_stages(connection: Connection, portal: str, pipeline: CountedPipeline) -> list[CohortStage]:
    """The stages to choose from, in the pipeline's order."""
    with connection.cursor(row_factory=class_row(CohortStage)) as cursor:
        return cursor.execute(_sql.stages.sql, _of(portal, pipeline)).fetchall()


def cohorts(
    connection: Connection,
    portal: str,
    pipeline: CountedPipeline,
    status_id: str,
    definition: Definition,
    first: date | None,
    last: date | None,
) -> list[Cohort]:
    """The months from `first` to `last`, the latest first."""
    asked = _of(portal, pipeline) | {
        "status_id": status_id,
        "definition": definition,
        "first_day": first,
        "last_day": last,
    }
    with connection.cursor(row_factory=class_row(CohortAge)) as cursor:
        found = cursor.execute(_sql.cohorts.sql, asked).fetchall()
    months = [(month, list(ages)) for month, ages in groupby(found, lambda row: row.cohort_month)]
    return [Cohort(month, ages[0].entities, ages) for month, ages in months]


def _of(portal: str, pipeline: CountedPipeline) -> dict[str, object]:
    return {
        "portal": portal,
        "entity_type": pipeline.entity_type,
        "category_id": pipeline.category_id,
    }
