"""The sync log: one row a sync of one entity, begun before and finished after the work."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from b24_pipeline.store.database import queries
from b24_pipeline.store.database.warehouse import Connection, Warehouse

_sql = queries.load(__file__)


def begin(warehouse: Warehouse, account: UUID, entity: str, sync_type: str, run_id: str | None) -> int:
    """Notes that a sync is running; returns the row's id."""

    def note(connection: Connection) -> int:
        return int(_sql.begin(connection, account=account, entity=entity, sync_type=sync_type, run_id=run_id))

    return warehouse.transact(note)


def finish(warehouse: Warehouse, log_id: int, **figures: Any) -> None:
    """Notes how it ended: the figures of an Outcome, and the error if there was one."""
    warehouse.transact(lambda connection: _sql.finish(connection, id=log_id, **figures))


def note(
    connection: Connection, account: UUID, entity: str, sync_type: str, run_id: str | None, **figures: Any
) -> None:
    """Notes in the caller's transaction a sync that worked; `figures` as for `finish`, and its seconds."""
    _sql.note(connection, account=account, entity=entity, sync_type=sync_type, run_id=run_id, **figures)
