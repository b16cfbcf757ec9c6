"""The portal's clock and its zone, `+03:00` all year (docs/bitrix24-rest.md, section 5, Zones)."""

from __future__ import annotations

import time
from datetime import UTC, date, datetime, timedelta, timezone
from functools import cache

import numpy as np
import numpy.typing as npt

OFFSET_SECONDS = 3 * 3600
ZONE = timezone(timedelta(seconds=OFFSET_SECONDS))
_DAY_SECONDS = 86400
_EPOCH_DAY = date(1970, 1, 1).toordinal()


class Clock:
    """The machine's clock, shifted by a number of seconds."""

    def __init__(self, offset_seconds: float = 0.0) -> None:
        self._offset = offset_seconds

    def now(self) -> float:
        """Unix time in seconds."""
        return time.time() + self._offset

    def shift(self, seconds: float) -> None:
        """Puts the clock forward, or with less than 0 back, as an administrator does."""
        self._offset += seconds


def _time_of_day(second: int) -> str:
    return f"T{second // 3600:02d}:{second // 60 % 60:02d}:{second % 60:02d}+03:00"


@cache
def _times_of_day() -> npt.NDArray[np.uint8]:
    return _characters([_time_of_day(second) for second in range(_DAY_SECONDS)])


def _characters(texts: list[str]) -> npt.NDArray[np.uint8]:
    """ASCII texts of one length, a row each."""
    return np.frombuffer("".join(texts).encode("ascii"), dtype=np.uint8).reshape(len(texts), -1)


class _Days(dict[int, str]):
    """Texts of days, made when first asked for."""

    def __missing__(self, day: int) -> str:
        self[day] = date.fromordinal(day + _EPOCH_DAY).isoformat()
        return self[day]


_DAYS = _Days()


def moment_text(epoch: int) -> str:
    """`2026-09-21T13:33:20+03:00` from Unix seconds."""
    day, second = divmod(epoch + OFFSET_SECONDS, _DAY_SECONDS)
    return _DAYS[day] + _time_of_day(second)


def moment_characters(epochs: npt.NDArray[np.int64]) -> npt.NDArray[np.uint8]:
    """`moment_text` of one or more, a row of characters each. Lists print millions of moments,
    and a string for each second of a day is more than a processor keeps at hand."""
    day, second = np.divmod(epochs + OFFSET_SECONDS, _DAY_SECONDS)
    days, places = np.unique(day, return_inverse=True)
    dates = _characters([_DAYS[day_number] for day_number in days.tolist()])
    return np.hstack([dates[places], _times_of_day()[second]])


def date_text(day: int) -> str:
    """A date-only value, which carries the zone's offset as a fake clock (docs/bitrix24-rest.md, section 5)."""
    return _DAYS[day] + "T03:00:00+03:00"


def parse_moment(text: str) -> int | None:
    """Unix seconds of ISO or `dd.mm.yyyy hh:mm:ss` text; without a zone it is the portal's."""
    parsed = _parse(text.strip().replace(" ", "T", 1))
    if parsed is None:
        return None
    return int((parsed if parsed.tzinfo else parsed.replace(tzinfo=ZONE)).timestamp())


def parse_day(text: str) -> int | None:
    """Days since 1970 of the first ten characters: date filters drop the clock."""
    parsed = _parse(text.strip()[:10])
    return None if parsed is None else parsed.date().toordinal() - _EPOCH_DAY


def _parse(text: str) -> datetime | None:
    for pattern in (None, "%d.%m.%YT%H:%M:%S", "%d.%m.%Y"):
        try:
            return datetime.fromisoformat(text) if pattern is None else _strptime(text, pattern)
        except ValueError:
            continue
    return None


def _strptime(text: str, pattern: str) -> datetime:
    return datetime.strptime(text, pattern).replace(tzinfo=ZONE)


def utc(epoch: int) -> datetime:
    """Unix seconds as an aware UTC time."""
    return datetime.fromtimestamp(epoch, UTC)


def as_date(day: int) -> date:
    """Days since 1970 as a date."""
    return date.fromordinal(day + _EPOCH_DAY)
