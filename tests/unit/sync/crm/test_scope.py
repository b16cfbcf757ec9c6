"""Which rows a load asks for."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from b24_pipeline.errors import WrongDates
from b24_pipeline.sync.crm.scope import FULL, Days, changed_since, incremental

NOON = datetime(2026, 9, 21, 12, tzinfo=UTC)


def created(days: Days, time_zone: str) -> tuple[str, ...]:
    return tuple(days.scope(time_zone).filter("DATE_MODIFY", "DATE_CREATE").values())


def test_full_load_asks_for_everything() -> None:
    """A full load has no condition, and a row that does not come was deleted."""
    assert (FULL.filter("DATE_MODIFY", "DATE_CREATE"), FULL.whole, FULL.moves_watermark) == ({}, True, True)


def test_incremental_load_asks_from_the_watermark_on() -> None:
    """The watermark's own second is read again; users have no such field."""
    scope = incremental(NOON)
    assert scope.filter("DATE_MODIFY", "DATE_CREATE") == {">=DATE_MODIFY": "2026-09-21T12:00:00+00:00"}
    assert scope.filter(None, None) == {}
    assert (scope.whole, scope.moves_watermark) == (False, True)


@pytest.mark.parametrize(
    ("watermark", "moves"),
    [(NOON + timedelta(1), True), (NOON, True), (NOON - timedelta(1), False), (None, False)],
)
def test_read_from_a_named_moment_moves_the_watermark_only_without_a_gap(
    watermark: datetime | None, moves: bool
) -> None:
    """Changes between the watermark and a later `since` were not read, so the watermark stays."""
    scope = changed_since(NOON, watermark)
    assert scope.moves_watermark is moves
    assert scope.name != incremental(NOON).name


def test_days_are_days_of_the_portal() -> None:
    """Both ends are included, midnight is that of the portal's zone."""
    days = Days(date(2026, 9, 1), date(2026, 9, 30))
    assert created(days, "Europe/Moscow") == ("2026-09-01T00:00:00+03:00", "2026-10-01T00:00:00+03:00")
    assert created(days, "America/New_York") == ("2026-09-01T00:00:00-04:00", "2026-10-01T00:00:00-04:00")
    assert created(days, "Etc/GMT-5") == ("2026-09-01T00:00:00+05:00", "2026-10-01T00:00:00+05:00")


@pytest.mark.parametrize(
    ("day", "hours"), [(date(2026, 3, 29), 23), (date(2026, 10, 25), 25), (date(2026, 6, 1), 24)]
)
def test_day_of_a_clock_change_has_its_own_length(day: date, hours: int) -> None:
    """Where the clock changes, a day has 23 or 25 hours."""
    start, before = Days(day, day).scope("Europe/Berlin").created
    assert start
    assert before
    assert before.astimezone(UTC) - start.astimezone(UTC) == timedelta(hours=hours)


def test_backfill_is_named_by_its_days_and_proves_nothing_else() -> None:
    """A killed backfill is found again by its name, and it does not move the watermark."""
    scope = Days(date(2026, 9, 1), date(2026, 9, 30)).scope("UTC")
    assert (scope.name, scope.sync_type) == ("backfill 2026-09-01..2026-09-30", "backfill")
    assert (scope.whole, scope.moves_watermark) == (True, False)


def test_range_that_ends_before_it_begins_is_refused() -> None:
    """A range of days that ends before it begins is a mistake of the user."""
    with pytest.raises(WrongDates, match="before it begins"):
        Days(date(2026, 9, 2), date(2026, 9, 1))


def test_last_day_of_all_has_no_end() -> None:
    """9999-12-31 has no next day: the range is open."""
    start, before = Days(date(2026, 9, 1), date.max).scope("UTC").created
    assert start
    assert before is None
