"""Whether the figures can be trusted: our counts beside the portal's, what was read when, and the events."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg.rows import class_row

from b24_pipeline.store.database import queries
from b24_pipeline.store.database.warehouse import Connection
from b24_pipeline.store.figures.pipelines import has_figures

_sql = queries.load(__file__)

MOST = 50


@dataclass(frozen=True, slots=True)
class Comparison:
    """A stage: how many the portal has in it, how many we have, which ids differ, and what was done."""

    entity_type: str
    category_name: str
    status_id: str
    status_name: str
    checked_at: datetime
    portal_count: int
    our_count: int
    portal_amounts: Mapping[str, str] | None
    our_amounts: Mapping[str, str] | None
    rows_compared: int
    is_equal: bool
    is_explained: bool
    is_repaired: bool
    missing_ids: Sequence[int]
    surplus_ids: Sequence[int]
    differing_ids: Sequence[int]
    explanation: str | None
    is_deleted: bool


@dataclass(frozen=True, slots=True)
class SyncRun:
    """A sync of one entity. `finished_at` None: it is running, or was killed."""

    entity_type: str
    sync_type: str
    sync_status: str
    rows_read: int
    rows_changed: int
    rows_deleted: int
    requests: int
    started_at: datetime
    finished_at: datetime | None
    error_message: str | None


@dataclass(frozen=True, slots=True)
class EventCount:
    """Events of one state: pending, done, failed or ignored."""

    status: str
    events: int
    latest_at: datetime


@dataclass(frozen=True, slots=True)
class FailedEvent:
    """An event that was given up, and why."""

    event: str
    entity_id: int | None
    received_at: datetime
    attempts: int
    error: str | None


def comparisons(connection: Connection, portal: str) -> list[Comparison]:
    """The last one of each stage, those that differ first."""
    if not has_figures(connection):
        return []
    return _read(connection, Comparison, _sql.comparisons, portal=portal)


def syncs(connection: Connection, account: UUID) -> list[SyncRun]:
    """The last one of each kind and entity, the latest first."""
    return _read(connection, SyncRun, _sql.syncs, account=account)


def event_counts(connection: Connection, account: UUID) -> list[EventCount]:
    """The events of the portal by their state."""
    return _read(connection, EventCount, _sql.events, account=account)


def failed_events(connection: Connection, account: UUID) -> list[FailedEvent]:
    """The last that were given up."""
    return _read(connection, FailedEvent, _sql.failed_events, account=account, most=MOST)


def recurring_templates(connection: Connection, account: UUID) -> int:
    """How many deals of the table are templates of recurring deals, which no figure counts."""
    return int(_sql.recurring_templates(connection, account=account))


def _read(connection: Connection, row: type[Any], statement: Any, **parameters: object) -> list[Any]:
    with connection.cursor(row_factory=class_row(row)) as cursor:
        return cursor.execute(statement.sql, parameters).fetchall()
