"""Of which moment the figures of a portal are."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from b24_pipeline.store.database import queries
from b24_pipeline.store.database.warehouse import Warehouse

_sql = queries.load(__file__)


def as_of(warehouse: Warehouse, account: UUID, counted: str) -> datetime | None:
    """Before this moment leads and deals are complete; None where they were never read to the end.

    `counted`: what the portal counts: lead, deal or both.
    """
    entities = ["lead", "deal"] if counted == "both" else [counted]
    with warehouse.connect() as connection:
        found: datetime | None = _sql.as_of(connection, account=account, entities=entities)
    return found
