"""What each responsible person has open, won and lost, of `analytics.people_of`, and which leads or deals these are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Literal

from psycopg.rows import class_row
from psycopg.types.json import set_json_loads

from b24_pipeline.store.database import queries
from b24_pipeline.store.database.exact_json import exact_json
from b24_pipeline.store.database.warehouse import Connection
from b24_pipeline.store.figures.entity_lines import EntityLine, entity_lines
from b24_pipeline.store.figures.pipelines import CountedPipeline
from b24_pipeline.store.portals.portal import Portal

_sql = queries.load(__file__)

PersonCount = Literal["open", "won", "lost"]
"""The figures of a person that count leads or deals."""
NOBODY = 0
"""Stands for the person where nobody is responsible."""


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


def behind(
    connection: Connection,
    portal: Portal,
    pipeline: CountedPipeline,
    person: int,
    which: PersonCount,
    first: date | None,
    last: date | None,
    *,
    most: int,
    skipped: int,
) -> tuple[list[EntityLine], int]:
    """The leads or deals behind a figure of a person (or NOBODY), the latest created first, and how many there are."""
    asked = {
        "account": portal.id,
        "entity_type": pipeline.entity_type,
        "category_id": pipeline.category_id,
        "person": person,
        "most": most,
        "skipped": skipped,
    }
    if which == "open":
        found = connection.execute(_sql.open_ids.sql, asked).fetchall()
    else:
        days = {"outcome": which, "first_day": first, "last_day": last}
        found = connection.execute(_sql.closed_ids.sql, asked | days).fetchall()
    ids = [row[0] for row in found]
    return entity_lines(connection, portal, pipeline.entity_type, ids), found[0][1] if found else 0


def owner_name(connection: Connection, portal: Portal, person: int) -> str | None:
    """The name of a responsible person; None where nobody is known by this number."""
    found: str | None = _sql.owner_name(connection, account=portal.id, person=person)
    return found
