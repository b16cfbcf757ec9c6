"""Reads dates and times as exports of ad systems write them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, tzinfo
from enum import StrEnum


class DateOrder(StrEnum):
    """What comes first in dates such as 03/04/2026: the day or the month."""

    DMY = "dmy"
    MDY = "mdy"


_CLOCK = r"(?:[ T,]+(\d{1,2}):(\d{2})(?::(\d{2})(?:\.\d+)?)?\s*([AaPp])?\.?(?:[Mm]\.?)?)?"
_YEAR_FIRST = re.compile(r"(\d{4})[/.-](\d{1,2})[/.-](\d{1,2})" + _CLOCK)
_RUSSIAN = re.compile(r"(\d{1,2})\.(\d{1,2})\.(\d{4})" + _CLOCK)
_EITHER_FIRST = re.compile(r"(\d{1,2})[/-](\d{1,2})[/-](\d{4})" + _CLOCK)
_ISO = re.compile(r"\d{4}-\d\d-\d\d.*")
_ZONE = re.compile(r"\s*\(?(?:UTC|GMT|Z)?\s*([+-]\d{1,2})(?::?(\d{2}))?\)?|\s*\(?(?:UTC|GMT)\)?")
_SECONDS = re.compile(r"1\d{9}")
_SERIAL = re.compile(r"[1-9]\d{4}(?:[.,]\d+)?")
_MIDNIGHT = re.compile(r"(?<![\d:])0?0:00(?::00(?:\.0+)?)?(?![:\d])")
_FIRST_YEAR = 1990

_EXPECTED = "expected YYYY-MM-DD HH:MM or DD.MM.YYYY HH:MM"


def moment_of(text: str, zone: tzinfo, order: DateOrder | None = None) -> datetime | None:
    """Reads a date, with or without a time, as UTC; None where the text is none.

    Dates are ISO or Russian, in the `order` that is given, or seconds since 1970 in ten digits. A text without a
    zone is in `zone`; years before 1990 count as a mistake.
    """
    try:
        moment = _read(text, order)
        if moment is None or moment.year < _FIRST_YEAR:
            return None
        return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def has_time(text: str) -> bool:
    """Whether a date names a time of the day, too; midnight is what programs write for none."""
    return bool(_SECONDS.fullmatch(text)) or (":" in text and not _MIDNIGHT.search(text))


def needs_order(text: str) -> bool:
    """Whether a text is a date such as 03/04/2026, which does not tell what its first number is."""
    return bool(_EITHER_FIRST.match(text))


def why_no_moment(text: str) -> str:
    """What is wrong with a text that `moment_of` cannot read; quotes nothing of it."""
    if _SERIAL.fullmatch(text):
        return (
            "created_at is a number that a spreadsheet has made of a date; "
            "format the column as date or text in the spreadsheet and export again"
        )
    if needs_order(text):
        return (
            "created_at does not tell whether the day or the month comes first; "
            f"say it by --date-order dmy or mdy, or {_EXPECTED}"
        )
    return f"created_at is no date; {_EXPECTED}"


def _read(text: str, order: DateOrder | None) -> datetime | None:
    if _SECONDS.fullmatch(text):
        return datetime.fromtimestamp(int(text), UTC)
    if _ISO.fullmatch(text):
        try:
            return datetime.fromisoformat(text)
        except ValueError:
            pass  # a zone in words, or a time as people write it
    for pattern, names in (
        (_YEAR_FIRST, "ymd"),
        (_RUSSIAN, "dmy"),
        (_EITHER_FIRST, str(order) if order else ""),
    ):
        found = pattern.match(text)
        if found and names:
            zone = _ZONE.fullmatch(text, found.end()) if found.end() < len(text) else None
            if found.end() < len(text) and zone is None:
                return None
            moment = _assembled(names, found.groups())
            return moment if zone is None else datetime.fromisoformat(moment.isoformat() + _offset(zone))
    return None


def _assembled(names: str, found: tuple[str | None, ...]) -> datetime:
    """A moment of three numbers, which `names` calls d, m and y, and of hour, minute, second and A or P."""
    day = {name: int(number or 0) for name, number in zip(names, found[:3], strict=True)}
    hour, minute, second = (int(number or 0) for number in found[3:6])
    half = (found[6] or "").lower()
    if half and not 1 <= hour <= 12:
        raise ValueError
    if half:
        hour = hour % 12 + (12 if half == "p" else 0)
    return datetime(day["y"], day["m"], day["d"], hour, minute, second)


def _offset(zone: re.Match[str]) -> str:
    """The offset of a zone such as `UTC+3` as ISO writes it."""
    hours, minutes = zone[1] or "+0", zone[2] or "00"
    return f"{hours[0]}{hours[1:]:0>2}:{minutes}"
