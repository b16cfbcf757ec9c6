"""Whether a portal's events arrive: compares the changes that polling found with the events that landed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import psycopg

from b24_pipeline.store.database import queries

_sql = queries.load(__file__)

LOOKBACK = timedelta(hours=24)
"""Changes found longer ago are not counted."""

GRACE = timedelta(minutes=2)
"""So late an event may still come: Bitrix24 sends them from a queue of its own."""

POLLED = timedelta(hours=1)
"""A row that was modified longer before it was found was not found by polling: a full load brought it."""

SETTLES = timedelta(minutes=10)
"""What changed sooner after the events were bound may have been raised before, or by a clock that goes wrong."""

FEW = 3
"""Unannounced changes that make a silence. One or two are single events lost, which polling mends."""


@dataclass(frozen=True, slots=True)
class Arrivals:
    """What is known of a portal's events.

    `unannounced`: changes since the last event that no event named. `silent_since`: when there were too many
    of them; None while events arrive.
    """

    unannounced: int
    silent_since: datetime | None
    handler_url: str | None
    bound_events: tuple[str, ...]


def look(connection: psycopg.Connection, account: UUID) -> Arrivals:
    """Counts the changes that no event announced, stores the result, and returns it."""
    unannounced, last_event_at = _sql.look(
        connection,
        account=account,
        lookback_seconds=LOOKBACK.total_seconds(),
        grace_seconds=GRACE.total_seconds(),
        polled_seconds=POLLED.total_seconds(),
        settle_seconds=SETTLES.total_seconds(),
    )
    noted = _sql.note(
        connection, account=account, unannounced=unannounced, last_event_at=last_event_at, most=FEW
    )
    return Arrivals(noted[0], noted[1], noted[2], tuple(noted[3]))
