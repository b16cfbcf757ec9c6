"""Whether a portal's events arrive: compares the changes that polling found with the events that landed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import psycopg

from b24_pipeline.store.database import queries

_sql = queries.load(__file__)

LOOKBACK = timedelta(hours=24)
"""Only changes that were found within this time are counted."""

GRACE = timedelta(minutes=2)
"""How long to wait for the event of a change: Bitrix24 sends events from a queue."""

POLLED = timedelta(hours=1)
"""Rows that were modified longer before they were found do not count: a full load brought them, not polling."""

SETTLES = timedelta(minutes=10)
"""Changes within so long after the binding do not count: they may have been made before it, and clocks differ."""

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


def count_unannounced(connection: psycopg.Connection, account: UUID) -> Arrivals:
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
