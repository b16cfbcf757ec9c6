"""Which rows a load reads: all, those changed since a watermark, or those created in a range."""

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
    """A kind of load.

    `name` identifies it among the loads under way, `modified_since` and
    `created` (from, before) narrow it. `whole`: every row within is read, so
    that one which is missing was deleted. `leaves_gap`: what changed between
    the watermark and its beginning stays unread.
    """

    name: str
    sync_type: str
    modified_since: datetime | None = None
    created: CreatedRange = (None, None)
    whole: bool = False
    first_pages: int = 6
    leaves_gap: bool = False

    @property
    def moves_watermark(self) -> bool:
        """A backfill proves nothing about other dates, nor does a read that begins behind the watermark."""
        return self.sync_type in ("full", "incremental") and not self.leaves_gap

    def days_created(self, time_zone: str) -> tuple[date, date]:
        """The days of creation that it reads, in the portal's zone: the first, and the one after the last."""
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
    """What was modified at that moment or later; mostly little, so that one request is to bring it all."""
    return Scope("incremental", "incremental", modified_since=since, first_pages=49)


def changed_since(since: datetime, watermark: datetime | None) -> Scope:
    """What was modified since a moment that a person has named."""
    gap = watermark is None or since > watermark
    return replace(incremental(since), name=f"since {since.isoformat()}", leaves_gap=gap)


@dataclass(frozen=True, slots=True)
class Days:
    """Days in the portal's zone, both ends included. Raises WrongDates where they are the wrong way round."""

    first: date
    last: date = field()

    def __post_init__(self) -> None:
        if self.last < self.first:
            raise WrongDates(f"the range ends ({self.last}) before it begins ({self.first})")

    def scope(self, time_zone: str) -> Scope:
        """The load of everything that was created on these days."""
        zone = ZoneInfo(time_zone)
        start = datetime.combine(self.first, datetime.min.time(), zone)
        ends = self.last < date.max
        before = datetime.combine(self.last + timedelta(days=1), datetime.min.time(), zone) if ends else None
        return Scope(f"backfill {self.first}..{self.last}", "backfill", created=(start, before), whole=True)
