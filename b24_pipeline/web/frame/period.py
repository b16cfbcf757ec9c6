"""The days that a page is about: they stand in its address, so that a link shows a colleague the same."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from b24_pipeline.errors import WrongDates

DAYS_SHOWN = 90
PRESETS = (30, 90, 365)


@dataclass(frozen=True, slots=True)
class Period:
    """The days from `first` to `last`, both included; None: no bound. `today` is the portal's."""

    first: date | None
    last: date | None
    today: date

    @property
    def query(self) -> dict[str, str]:
        """What an address says of it."""
        return {
            "from": self.first.isoformat() if self.first else "",
            "to": self.last.isoformat() if self.last else "",
        }

    def cuts_off(self, first: date, step: str) -> date | None:
        """The last day shown of the day, week or month that begins at `first`, where the period ends within it.

        None where it is shown to its end, or to today.
        """
        if self.last is None or self.last >= self.today:
            return None
        following = (first.replace(day=1) + timedelta(days=32)).replace(day=1)
        end = {"day": first, "week": first + timedelta(days=6), "month": following - timedelta(days=1)}[step]
        return self.last if first <= self.last < end else None

    def of(self, days: int) -> dict[str, str]:
        """What an address says of the last so many days."""
        return {"from": (self.today - timedelta(days=days - 1)).isoformat(), "to": self.today.isoformat()}

    def month(self, back: int) -> dict[str, str]:
        """What an address says of the present month up to today (`back` 0), or of the whole one before it (1)."""
        first = self.today.replace(day=1)
        if not back:
            return {"from": first.isoformat(), "to": self.today.isoformat()}
        last = first - timedelta(days=1)
        return {"from": last.replace(day=1).isoformat(), "to": last.isoformat()}


def period_of(first: str | None, last: str | None, zone: str, newest: datetime | None = None) -> Period:
    """The period of an address, by default the last 90 days of the portal. Raises WrongDates.

    `newest`: when its newest lead or deal was created; all time is shown where that was earlier.
    """
    here = ZoneInfo(zone)
    today = datetime.now(here).date()
    if first is None and last is None:
        since = today - timedelta(days=DAYS_SHOWN - 1)
        is_quiet = newest is not None and newest.astimezone(here).date() < since
        return Period(None, None, today) if is_quiet else Period(since, today, today)
    found = Period(day_of(first), day_of(last), today)
    if found.first and found.last and found.first > found.last:
        raise WrongDates(
            f"the first day {found.first} is after the last day {found.last}; expected the earlier one first"
        ).of_case("days_turned")
    return found


def day_of(text: str | None) -> date | None:
    """A day as an address has it, None where it has none. Raises WrongDates."""
    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise WrongDates(f"{text!r} is no day; expected one as 2026-11-29").of_case(
            "no_day", given=text
        ) from None
