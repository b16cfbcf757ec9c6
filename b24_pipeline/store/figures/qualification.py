"""How many leads and deals of a period fulfil conditions of qualification, stored ones or others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from psycopg.rows import class_row

from b24_pipeline.store.database import queries
from b24_pipeline.store.database.warehouse import Connection
from b24_pipeline.store.portals.portal import Portal
from b24_pipeline.store.qualification import evaluation
from b24_pipeline.store.qualification.conditions import Condition

_sql = queries.load(__file__)


@dataclass(frozen=True, slots=True)
class QualifiedCount:
    """Leads or deals of a period, and how many of them fulfil a condition."""

    entity_type: str
    entities: int
    qualified: int


def qualified_counts(
    connection: Connection, portal: Portal, first: date | None, last: date | None
) -> list[QualifiedCount]:
    """By the stored conditions: of leads and of deals created from `first` to `last`."""
    asked = {"account": portal.id, "zone": portal.time_zone, "first_day": first, "last_day": last}
    with connection.cursor(row_factory=class_row(QualifiedCount)) as cursor:
        return cursor.execute(_sql.counts.sql, asked).fetchall()


def tried_counts(
    connection: Connection,
    portal: Portal,
    conditions: Sequence[Condition],
    first: date | None,
    last: date | None,
) -> list[QualifiedCount]:
    """The same by other conditions. They are evaluated as if they were stored, and then everything is taken back.

    Raises ConditionRefused where one does not fit the portal's fields.
    """
    with connection.transaction(force_rollback=True):
        evaluation.try_conditions(connection, portal.id, conditions)
        return qualified_counts(connection, portal, first, last)
