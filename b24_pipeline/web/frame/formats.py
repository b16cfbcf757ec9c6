"""Numbers, money, days and durations as readers of a language write them. None is shown as a dash: it is not known."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from babel import dates, numbers, units

UNKNOWN = "–"
NO_CURRENCY = "XXX"
_HOUR, _DAY = 3600, 86400
Number = int | float | Decimal


@dataclass(frozen=True, slots=True)
class Formats:
    """Writes values in a language. Moments are shown in `zone`, days as they are."""

    language: str
    zone: str = "UTC"

    def at(self, zone: str) -> Formats:
        """The same, by the clock of another zone."""
        return replace(self, zone=zone)

    def number(self, value: Number | None) -> str:
        """1234.5 as "1,234.5"."""
        return UNKNOWN if value is None else numbers.format_decimal(value, locale=self.language)

    def tenths(self, value: Number | None) -> str:
        """A number that is not whole, as 146.9."""
        return UNKNOWN if value is None else numbers.format_decimal(value, "#,##0.#", locale=self.language)

    def percent(self, share: Number | None) -> str:
        """A share of 1, 0.1234, as "12.3%"."""
        if share is None:
            return UNKNOWN
        return numbers.format_percent(
            share, "#,##0.#%" if self.language == "en" else "#,##0.# %", locale=self.language
        )

    def money(self, amount: Number | None, currency: str | None) -> str:
        """An amount in whole units of its currency; without one (None, or XXX as ISO 4217 has it) the number alone."""
        if amount is None:
            return UNKNOWN
        if currency is None or currency == NO_CURRENCY:
            return numbers.format_decimal(amount, "#,##0", locale=self.language)
        symbol = numbers.get_currency_symbol(currency, self.language)
        pattern = "¤#,##0" if self.language == "en" and not symbol.isalpha() else "#,##0\u00a0¤"
        return numbers.format_currency(amount, currency, pattern, locale=self.language, currency_digits=False)

    def day(self, day: date | None) -> str:
        """A calendar day."""
        return UNKNOWN if day is None else dates.format_date(day, "medium", locale=self.language)

    def month(self, day: date | None) -> str:
        """The month of a day, with its year."""
        return UNKNOWN if day is None else dates.format_skeleton("yMMM", day, locale=self.language)

    def moment(self, moment: datetime | None) -> str:
        """A moment, to the minute, by the clock of `zone`."""
        if moment is None:
            return UNKNOWN
        return dates.format_datetime(
            moment, "d MMM y HH:mm", tzinfo=ZoneInfo(self.zone), locale=self.language
        )

    def ago(self, seconds: float | None) -> str:
        """How long ago it was: "3 minutes ago"."""
        if seconds is None:
            return UNKNOWN
        return dates.format_timedelta(timedelta(seconds=-seconds), add_direction=True, locale=self.language)

    def duration(self, seconds: Number | None) -> str:
        """A time span in days, or in hours and minutes where it is short."""
        if seconds is None:
            return UNKNOWN
        for least, unit in ((_DAY, "day"), (_HOUR, "hour"), (60, "minute")):
            if seconds >= least:
                shown = round(float(seconds) / least, 1 if seconds < 10 * least else 0)
                return units.format_unit(shown, f"duration-{unit}", "short", locale=self.language)
        return units.format_unit(round(float(seconds)), "duration-second", "short", locale=self.language)
