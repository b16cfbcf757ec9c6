"""The partitions of assets: portals, and cohorts (month of creation and portal).

A row never changes its cohort, so cohorts can be compared with the portal one by one.
They are months and not days: 15 years of 20 portals make 3,600 partitions.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, timedelta

import dagster as dg

from b24_pipeline.sync.crm.scope import Days

FIRST_MONTH = date(2012, 1, 1)  # Bitrix24 opened in April 2012
MONTHS_A_RUN = 60
"""At most, of a backfill. A run takes 10 seconds to start; one that fails marks none of its months as done."""

PORTALS = dg.DynamicPartitionsDefinition(name="portals")
EARLIEST_ZONE = "Pacific/Kiritimati"
"""A portal's month begins by its own clock: the clock that is ahead of all has each month by then."""

MONTHS = dg.MonthlyPartitionsDefinition(
    start_date=FIRST_MONTH.isoformat(), end_offset=1, timezone=EARLIEST_ZONE
)
COHORTS = dg.MultiPartitionsDefinition({"month": MONTHS, "portal": PORTALS})


def cohort_key(month: date, portal: str) -> dg.MultiPartitionKey:
    """The partition key of a portal's cohort of the month in which this day is."""
    return dg.MultiPartitionKey({"month": month.replace(day=1).isoformat(), "portal": portal})


def ranges_by_portal(keys: Iterable[str]) -> Mapping[str, list[Days]]:
    """The cohort keys of each portal as ranges of days, as few as possible."""
    return {portal: ranges_of_months(months) for portal, months in months_by_portal(keys).items()}


def ranges_of_months(months: Iterable[date]) -> list[Days]:
    """The days of these months as ranges, as few as possible."""
    return list(_ranges(sorted(set(months))))


def days_of_months(months: Iterable[date]) -> list[tuple[date, date]]:
    """The first day and the day after the last of these months, as few ranges as possible."""
    chosen = sorted(set(months))
    return [(days.first, _next_month(days.last)) for days in _ranges(chosen)] if chosen else []


def months_within(days: tuple[date, date]) -> tuple[date, date]:
    """The complete months within days: the first day of the first, and of the one after the last.

    `days` are the first day and the one after the last.
    """
    first, before = days
    begins = first if first.day == 1 else _next_month(first)
    return begins, before if before == date.max else before.replace(day=1)


def months_between(first: date, last: date) -> list[date]:
    """The first day of each month from that of the first day to that of the last."""
    months = []
    month = first.replace(day=1)
    while month <= last:
        months.append(month)
        month = _next_month(month)
    return months


def months_by_portal(keys: Iterable[str]) -> Mapping[str, list[date]]:
    """The months of the cohort keys of each portal."""
    months: defaultdict[str, set[date]] = defaultdict(set)
    for key in keys:
        portal, month = _parts(key)
        months[portal].add(date.fromisoformat(month))
    return {portal: sorted(chosen) for portal, chosen in months.items()}


def _parts(key: str) -> tuple[str, str]:
    found = COHORTS.get_partition_key_from_str(str(key)).keys_by_dimension
    return found["portal"], found["month"]


def _ranges(months: list[date]) -> Iterator[Days]:
    first = last = months[0]
    for month in months[1:]:
        if month != _next_month(last):
            yield Days(first, _last_day(last))
            first = month
        last = month
    yield Days(first, _last_day(last))


def _next_month(month: date) -> date:
    return (month.replace(day=1) + timedelta(days=32)).replace(day=1)


def _last_day(month: date) -> date:
    return _next_month(month) - timedelta(days=1)


def last_months(today: date, number: int) -> list[date]:
    """The first days of the last months up to that of this day, oldest first; `number` is how many."""
    months = [today.replace(day=1)]
    while len(months) < number:
        months.insert(0, (months[0] - timedelta(days=1)).replace(day=1))
    return months
