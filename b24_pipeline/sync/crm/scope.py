"""Scopes: which rows a load reads (all, those changed since a watermark, or those created on some days)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from b24_pipeline.errors import WrongDates

CreatedRange = tuple[datetime | None, datetime | None]


@dataclass(frozen=True, slots=True)
class Scope:
    """Which rows a load reads.

    `name` identifies the scope among the loads under way, `sync_type` is the sync log's. `modified_since` and
    `created` (from, before) narrow it. `whole`: every row of the scope is read, so a row that does not come was
    deleted. `leaves_gap`: rows changed between the watermark and `modified_since` stay unread.
    """

    name: str
    sync_type: str
    modified_since: datetime | None = None
    created: CreatedRange = (None, None)
    whole: bool = False
    leaves_gap: bool = False

    @property
    def moves_watermark(self) -> bool:
        """Whether the load may move the watermark: a backfill reads only some days, and a gap was not read."""
        return self.sync_type in ("full", "incremental") and not self.leaves_gap

    def days_created(self, time_zone: str) -> tuple[date, date]:
        """The days of creation that the scope reads, in the portal's zone: the first, and the day after the last."""
        zone = ZoneInfo(time_zone)
        start, before = self.created
        return (
            start.astimezone(zone).date() if start else date.min,
            before.astimezone(zone).date() if before else date.max,
        )

    def filter(self, modified_field: str | None, created_field: str | None) -> Mapping[str, Any]:
        """The REST filter of this scope."""
        conditions: dict[str, Any] = {}
        if self.modified_since and modified_field:
            conditions[f">={modified_field}"] = self.modified_since.isoformat()
        start, before = self.created
        if start and created_field:
            conditions[f">={created_field}"] = start.isoformat()
        if before and created_field:
            conditions[f"<{created_field}"] = before.isoformat()
        return conditions


FULL = Scope("full", "full", whole=True)


def incremental(since: datetime) -> Scope:
    """The scope of rows modified at that time or later."""
    return Scope("incremental", "incremental", modified_since=since)


def changed_since(since: datetime, watermark: datetime | None) -> Scope:
    """The scope of rows modified since a time that a person named; it may leave a gap after the watermark."""
    gap = watermark is None or since > watermark
    return replace(incremental(since), name=f"since {since.isoformat()}", leaves_gap=gap)


@dataclass(frozen=True, slots=True)
class Days:
    """A range of days in the portal's zone, both ends included. Raises WrongDates if `last` is before `first`."""

    first: date
    last: date = field()

    def __post_init__(self) -> None:
        if self.last < self.first:
            raise WrongDates(f"the range ends ({self.last}) before it begins ({self.first})")

    def scope(self, time_zone: str) -> Scope:
        """The scope of all rows that were created on these days."""
        zone = ZoneInfo(time_zone)
        start = datetime.combine(self.first, datetime.min.time(), zone)
        ends = self.last < date.max
        before = datetime.combine(self.last + timedelta(days=1), datetime.min.time(), zone) if ends else None
        return Scope(f"backfill {self.first}..{self.last}", "backfill", created=(start, before), whole=True)
