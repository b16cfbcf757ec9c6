"""The days of a page, from its address or by themselves."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from b24_pipeline.errors import WrongDates
from b24_pipeline.web.frame.period import Period, period_of

NOW = datetime.now(UTC)
ZONE = "UTC"


def test_by_itself_a_page_is_about_the_last_90_days() -> None:
    """Today and the 89 days before, where something was created in them or nothing is known."""
    for newest in (None, NOW, NOW - timedelta(days=80)):
        period = period_of(None, None, ZONE, newest)
        assert period.first and period.last
        assert (period.last - period.first).days == 89


def test_a_quiet_portal_shows_all_time() -> None:
    """Nothing was created for so long that the last days would be empty."""
    period = period_of(None, None, ZONE, NOW - timedelta(days=200))
    assert (period.first, period.last) == (None, None)
    assert period.query == {"from": "", "to": ""}, "links say so, and the next page shows the same"


def test_an_address_says_its_days() -> None:
    """One bound or both; empty ones are none."""
    assert period_of("2026-01-05", "", ZONE).query == {"from": "2026-01-05", "to": ""}
    assert period_of("", "", ZONE, NOW).query == {"from": "", "to": ""}


@pytest.mark.parametrize(("first", "last"), [("2026-02-30", ""), ("", "soon"), ("2026-02-02", "2026-02-01")])
def test_days_that_are_none_are_refused(first: str, last: str) -> None:
    """Neither guessed nor turned round."""
    with pytest.raises(WrongDates):
        period_of(first, last, ZONE)


def test_this_month_and_the_last_one_are_offered() -> None:
    """The present one up to today, the last one whole, over the end of a year too."""
    period = Period(None, None, date(2027, 1, 20))
    assert period.month(0) == {"from": "2027-01-01", "to": "2027-01-20"}
    assert period.month(1) == {"from": "2026-12-01", "to": "2026-12-31"}


@pytest.mark.parametrize(
    ("last", "step", "first", "end"),
    [
        (date(2026, 11, 20), "month", date(2026, 11, 1), date(2026, 11, 20)),
        (date(2026, 11, 30), "month", date(2026, 11, 1), None),
        (date(2026, 11, 20), "month", date(2026, 10, 1), None),
        (date(2026, 11, 20), "week", date(2026, 11, 16), date(2026, 11, 20)),
        (date(2026, 11, 22), "week", date(2026, 11, 16), None),
        (date(2026, 11, 20), "day", date(2026, 11, 20), None),
        (date(2026, 12, 10), "month", date(2026, 12, 1), None),
        (None, "month", date(2026, 12, 1), None),
    ],
)
def test_a_step_that_the_period_cuts_off_is_told(
    last: date | None, step: str, first: date, end: date | None
) -> None:
    """Else a part of a month reads as the whole one; today ends the present month by itself."""
    assert Period(None, last, date(2026, 12, 10)).cuts_off(first, step) == end
