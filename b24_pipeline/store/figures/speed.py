"""How long leads or deals stay in each stage, and which of them have waited too long."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Literal

from psycopg.rows import class_row

from b24_pipeline.store.database import queries
from b24_pipeline.store.database.statements import statement
from b24_pipeline.store.database.warehouse import Connection
from b24_pipeline.store.figures.pipelines import CountedPipeline
from b24_pipeline.store.portals.portal import Portal

_sql = queries.load(__file__)

Grouping = Literal["stage", "person", "month"]


@dataclass(frozen=True, slots=True)
class Stay:
    """Finished visits of a stage, of all or of a person or month (`group_code`, `group_name`).

    `median_seconds`: half of them were shorter; `slow_seconds`: nine tenths were.
    """

    group_code: str | None
    group_name: str | None
    status_id: str
    status_name: str
    status_sort: int | None
    status_color: str | None
    is_deleted: bool
    visits: int
    median_seconds: float
    slow_seconds: float


@dataclass(frozen=True, slots=True)
class Stuck:
    """An open lead or deal that has waited for more than twice the median of its stage; `of_all` there are."""

    entity_id: int
    of_all: int
    waited_seconds: Decimal
    median_seconds: Decimal
    title: str | None
    status_id: str | None
    stage_name: str | None
    stage_is_deleted: bool
    owner_name: str | None
    opportunity: Decimal | None
    currency_id: str | None


def stays(
    connection: Connection,
    portal: Portal,
    pipeline: CountedPipeline,
    by: Grouping,
    first: date | None,
    last: date | None,
) -> list[Stay]:
    """Of visits that ended from `first` to `last`, in the pipeline's order; months: the latest first."""
    asked = _of(portal, pipeline)
    if by == "stage" and first is None and last is None:
        return _read(connection, _sql.stays_of_all_time.sql, asked)
    connection.execute(statement("sort_in_memory"))
    return _read(connection, _sql.stays.sql, asked | _narrowed(portal, by, first, last))


def _narrowed(portal: Portal, by: Grouping, first: date | None, last: date | None) -> dict[str, object]:
    return {
        "by": by,
        "first_day": first,
        "last_day": last,
        "zone": portal.time_zone,
    }


def _read(connection: Connection, text: str, asked: Mapping[str, object]) -> list[Stay]:
    with connection.cursor(row_factory=class_row(Stay)) as cursor:
        return cursor.execute(text, asked).fetchall()


def stuck(
    connection: Connection, portal: Portal, pipeline: CountedPipeline, *, most: int, skipped: int
) -> list[Stuck]:
    """The longest wait first."""
    asked = _of(portal, pipeline) | {"portal": portal.name, "most": most, "skipped": skipped}
    with connection.cursor(row_factory=class_row(Stuck)) as cursor:
        return cursor.execute(_sql.stuck.sql, asked).fetchall()


def _of(portal: Portal, pipeline: CountedPipeline) -> dict[str, object]:
    return {
        "account": portal.id,
        "entity_type": pipeline.entity_type,
        "category_id": pipeline.category_id,
    }
