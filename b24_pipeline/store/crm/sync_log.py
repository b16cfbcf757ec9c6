"""The sync log: one row a sync of one entity, begun before the work and finished after it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from b24_pipeline.store.database import queries
from b24_pipeline.store.database.warehouse import Connection

_sql = queries.load(__file__)


def begin(connection: Connection, account: UUID, entity: str, sync_type: str, run_id: str | None) -> int:
    """Notes that a sync is running; returns the id of its row."""
    return int(_sql.begin(connection, account=account, entity=entity, sync_type=sync_type, run_id=run_id))


def finish(connection: Connection, /, log_id: int, **figures: Any) -> None:
    """Notes how a sync ended: the figures of its outcome, and the error if there was one."""
    _sql.finish(connection, id=log_id, **figures)


def note(
    connection: Connection, account: UUID, entity: str, sync_type: str, run_id: str | None, **figures: Any
) -> None:
    """Notes a sync that worked in one go; `figures` as for `finish`, and its seconds."""
    _sql.note(connection, account=account, entity=entity, sync_type=sync_type, run_id=run_id, **figures)
