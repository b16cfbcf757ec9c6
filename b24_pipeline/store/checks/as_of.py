"""Of which moment the figures of a portal are, and whether it is still looked at."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from psycopg.rows import class_row

from b24_pipeline.store.database import queries
from b24_pipeline.store.database.warehouse import Warehouse

_sql = queries.load(__file__)


@dataclass(frozen=True, slots=True)
class Freshness:
    """Before `complete_until` leads and deals are complete; None where they were never read to the end.

    `looked_seconds`: how long ago the portal was last asked for them, None where it never was. `was_unchanged`: it had
    nothing new then, and events have brought nothing since. `has_failed`: the last read of one of them did not work.
    """

    complete_until: datetime | None
    looked_seconds: float | None
    was_unchanged: bool
    has_failed: bool


def freshness(warehouse: Warehouse, account: UUID, counted: str) -> Freshness:
    """How the copy of a portal stands. `counted`: what the portal counts: lead, deal or both."""
    entities = ["lead", "deal"] if counted == "both" else [counted]
    with warehouse.connect() as connection, connection.cursor(row_factory=class_row(Freshness)) as cursor:
        found = cursor.execute(_sql.freshness.sql, {"account": account, "entities": entities}).fetchone()
    return found or Freshness(None, None, was_unchanged=False, has_failed=False)
