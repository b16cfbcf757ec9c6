"""Dates as exports and spreadsheets write them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from b24_pipeline.sync.own_leads.moments import DateOrder, has_time, moment_of, why_no_moment
from tests.unit.sync.own_leads.conftest import MOSCOW

HALF_PAST_NINE = datetime(2026, 11, 1, 9, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-11-01", datetime(2026, 10, 31, 21, tzinfo=UTC)),
        ("2026-11-01 12:30", HALF_PAST_NINE),
        ("2026-11-01T12:30:15", datetime(2026, 11, 1, 9, 30, 15, tzinfo=UTC)),
        ("2026-11-01T12:30:15Z", datetime(2026, 11, 1, 12, 30, 15, tzinfo=UTC)),
        ("2026-11-01T12:30:15+05:00", datetime(2026, 11, 1, 7, 30, 15, tzinfo=UTC)),
        ("2026-11-01T12:30:00+0300", HALF_PAST_NINE),
        ("2026-11-01 09:30:00 UTC", HALF_PAST_NINE),
        ("2026-11-01 12:30:00 UTC+3", HALF_PAST_NINE),
        ("2026-11-01 12:30 (UTC+03:00)", HALF_PAST_NINE),
        ("2026-11-01 12:30:00 +0300", HALF_PAST_NINE),
        ("2026/11/01 12:30", HALF_PAST_NINE),
        ("2026-11-01 12:30 PM", HALF_PAST_NINE),
        ("01.11.2026 12:30", HALF_PAST_NINE),
        ("1.11.2026", datetime(2026, 10, 31, 21, tzinfo=UTC)),
        ("01.11.2026, 12:30:15", datetime(2026, 11, 1, 9, 30, 15, tzinfo=UTC)),
        ("1793525400", HALF_PAST_NINE),
        ("31.02.2026 12:00", None),
        ("01.11.2026 25:00", None),
        ("01.11.2026 13:00 PM", None),
        ("01.11.2026 12:00 Uhr", None),
        ("11/01/2026", None),
        ("01-11-2026", None),
        ("0001-01-01", None),
        ("45597", None),
        ("45291.5", None),
        ("2026", None),
        ("01.11.26", None),
    ],
)
def test_dates(text: str, expected: datetime | None) -> None:
    """Dates are ISO or Russian, and in the portal's zone if they name none."""
    assert moment_of(text, MOSCOW) == expected


@pytest.mark.parametrize(
    ("text", "order", "expected"),
    [
        ("11/01/2026 12:30", DateOrder.MDY, HALF_PAST_NINE),
        ("11/01/2026 12:30:00 pm", DateOrder.MDY, HALF_PAST_NINE),
        ("01/11/2026 12:30", DateOrder.DMY, HALF_PAST_NINE),
        ("01-11-2026 12:30", DateOrder.DMY, HALF_PAST_NINE),
        ("25/11/2026", DateOrder.MDY, None),
        ("01.11.2026 12:30", DateOrder.MDY, HALF_PAST_NINE),
    ],
)
def test_the_user_says_what_a_date_does_not(text: str, order: DateOrder, expected: datetime | None) -> None:
    """Day and month of a date with slashes are in the order that the user names, and never guessed."""
    assert moment_of(text, MOSCOW, order) == expected


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("45291.5", "a number that a spreadsheet has made of a date; format the column as date or text"),
        ("45291,5", "a number that a spreadsheet has made of a date"),
        ("03/04/2026", "say it by --date-order dmy or mdy"),
        ("03-04-2026 12:00", "say it by --date-order dmy or mdy"),
        ("tomorrow", "created_at is no date; expected YYYY-MM-DD HH:MM or DD.MM.YYYY HH:MM"),
    ],
)
def test_a_date_that_cannot_be_read_is_explained(text: str, told: str) -> None:
    """The reason says what to do about it."""
    assert told in why_no_moment(text)


def test_midnight_is_no_time() -> None:
    """Programs write midnight where they know the day alone."""
    days = ("2026-11-01", "01.11.2026 0:00", "2026-11-01 00:00:00", "2026-11-01T00:00:00.000")
    assert not any(map(has_time, days))
    assert all(
        map(has_time, ("2026-11-01 10:00", "01.11.2026 20:00:00", "2026-11-01 00:00:05", "1793525400"))
    )
