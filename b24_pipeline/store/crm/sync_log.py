"""The sync log: one row a sync of one entity, begun before the work and finished after it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from psycopg.rows import class_row

from b24_pipeline.store.database import queries
from b24_pipeline.store.database.warehouse import Connection

_sql = queries.load(__file__)


@dataclass(frozen=True, slots=True)
class WholeReads:
    """What some whole reads of a portal's lists have cost: requests, run time in the portal, and time."""

    requests: int
    operating_seconds: float
    seconds: float


def whole_reads(connection: Connection, account: UUID) -> WholeReads:
    """The cost of the latest whole reads of this portal; all 0 where it has none."""
    with connection.cursor(row_factory=class_row(WholeReads)) as cursor:
        found = cursor.execute(_sql.whole_reads.sql, {"account": account}).fetchone()
    return found or WholeReads(0, 0.0, 0.0)


def begin(connection: Connection, account: UUID, entity: str, sync_type: str, run_id: str | None) -> int:
    """Notes that a sync is running; returns the id of its row."""
    return int(_sql.begin(connection, account=account, entity=entity, sync_type=sync_type, run_id=run_id))


def finish(connection: Connection, /, log_id: int, **figures: Any) -> None:
    """Notes how a sync ended: the figures of its outcome, and the error if there was one."""
    _sql.finish(connection, id=log_id, **figures)


def close_killed(connection: Connection, account: UUID, entity: str, *, seconds: float) -> None:
    """Notes that syncs of this entity which began more than so many seconds ago, and did not end, were killed.

    For the holder of the entity's lock; `seconds`: longer than anybody waits for it.
    """
    _sql.close_killed(connection, account=account, entity=entity, seconds=seconds)


def note(
    connection: Connection, account: UUID, entity: str, sync_type: str, run_id: str | None, **figures: Any
) -> None:
    """Notes a sync that worked in one go; `figures` as for `finish`, and its seconds."""
    _sql.note(connection, account=account, entity=entity, sync_type=sync_type, run_id=run_id, **figures)


def prune(connection: Connection, *, days: int, kept_days: int, most: int) -> int:
    """Deletes at most so many old rows, and returns how many.

    After `days` rows of syncs that found nothing go, after `kept_days` all but the last of each entity and kind.
    """
    return int(_sql.prune(connection, days=days, kept_days=kept_days, most=most))
