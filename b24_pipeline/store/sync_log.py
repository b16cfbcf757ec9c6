"""The sync log: one row a sync of one entity, begun before and finished after the work."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg
from psycopg.rows import dict_row

from b24_pipeline.store import queries
from b24_pipeline.store.pool import Warehouse

_sql = queries.load("sync_log")


def begin(warehouse: Warehouse, account: UUID, entity: str, sync_type: str, run_id: str | None) -> int:
    """Notes that a sync is running; returns the row's id."""
    with warehouse.connect() as connection:
        return int(_sql.begin(connection, account=account, entity=entity, sync_type=sync_type, run_id=run_id))


def finish(warehouse: Warehouse, log_id: int, **figures: Any) -> None:
    """Notes how it ended: the figures of an Outcome, and the error if there was one."""
    with warehouse.connect() as connection:
        _sql.finish(connection, id=log_id, **figures)


def latest(connection: psycopg.Connection) -> list[dict[str, Any]]:
    """The last sync of each entity of each portal."""
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(_sql.latest.sql).fetchall()


def last_success(connection: psycopg.Connection, account: UUID) -> datetime | None:
    """When a sync of this portal last ended well."""
    found: datetime | None = _sql.last_success(connection, account=account)
    return found
