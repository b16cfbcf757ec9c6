"""What each responsible person has open, and has won and lost in a period, of `analytics.people_of`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from psycopg.rows import class_row
from psycopg.types.json import set_json_loads

from b24_pipeline.store.database import queries
from b24_pipeline.store.database.exact_json import exact_json
from b24_pipeline.store.database.warehouse import Connection
from b24_pipeline.store.figures.pipelines import CountedPipeline

_sql = queries.load(__file__)


@dataclass(frozen=True, slots=True)
class Person:
    """A responsible person. `assigned_by_id` None: nobody is responsible; amounts by currency."""

    assigned_by_id: int | None
    owner_name: str | None
    department_name: str | None
    open: int
    open_by_currency: Mapping[str, Decimal]
    won: int
    lost: int
    win_rate: Decimal | None
    won_by_currency: Mapping[str, Decimal]
    median_days_to_win: Decimal | None


def people(
    connection: Connection, portal: str, pipeline: CountedPipeline, first: date | None, last: date | None
) -> list[Person]:
    """The persons of a pipeline: open now, won and lost from `first` to `last`."""
    asked = {
        "portal": portal,
        "entity_type": pipeline.entity_type,
        "category_id": pipeline.category_id,
        "first_day": first,
        "last_day": last,
    }
    with connection.cursor(row_factory=class_row(Person)) as cursor:
        set_json_loads(exact_json, cursor)
        return cursor.execute(_sql.people.sql, asked).fetchall()
