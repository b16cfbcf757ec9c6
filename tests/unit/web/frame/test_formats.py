"""Values as readers of a language write them."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from b24_pipeline.web.frame.formats import Formats

ENGLISH, RUSSIAN = Formats("en", "Europe/Moscow"), Formats("ru", "Europe/Moscow")
MOMENT = datetime(2026, 11, 29, 21, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("english", "russian"),
    [
        (ENGLISH.number(1234567), RUSSIAN.number(1234567)),
        (ENGLISH.percent(Decimal("0.1234")), RUSSIAN.percent(0.1234)),
        (ENGLISH.money(Decimal("1234.5"), "USD"), RUSSIAN.money(Decimal("1234.5"), "RUB")),
        (ENGLISH.money(10, "BONUS"), RUSSIAN.money(10, None)),
        (ENGLISH.moment(MOMENT), RUSSIAN.moment(MOMENT)),
        (ENGLISH.month(date(2026, 11, 1)), RUSSIAN.month(date(2026, 11, 1))),
        (ENGLISH.duration(90), RUSSIAN.duration(5.5 * 86400)),
        (ENGLISH.ago(180), RUSSIAN.ago(180)),
    ],
)
def test_values_are_written_as_readers_write_them(english: str, russian: str) -> None:
    """Compared with what they are below, without the kinds of blanks."""
    assert (" ".join(english.split()), " ".join(russian.split())) in WRITTEN


WRITTEN = {
    ("1,234,567", "1 234 567"),
    ("12.3%", "12,3 %"),
    ("$1,234", "1 234 ₽"),
    ("10 BONUS", "10"),
    ("30 Nov 2026 00:30", "30 нояб. 2026 00:30"),
    ("Nov 2026", "нояб. 2026 г."),
    ("1.5 min", "5,5 дн."),
    ("3 minutes ago", "3 минуты назад"),
}


@pytest.mark.parametrize("written", ["number", "percent", "day", "month", "moment", "ago", "duration"])
def test_what_is_not_known_is_a_dash(written: str) -> None:
    """Never a zero."""
    assert getattr(ENGLISH, written)(None) == "–"
    assert ENGLISH.money(None, "USD") == "–"
    assert ENGLISH.number(0) == "0"
