"""How numbers are written: classic methods send text, items send numbers (docs/bitrix24-rest.md, section 5, Values)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import numpy as np

from b24_pipeline.sandbox.clock import (
    as_date,
    date_text,
    moment_characters,
    moment_text,
    parse_day,
    parse_moment,
    utc,
)
from b24_pipeline.sandbox.rows.cells import Family, Integers, encode_key, encode_plain

_MOST_CENTS = 10**18
"""A column of money is decimal(18,2): what does not fit is nothing."""


class _Each:
    """Encodes numbers one by one."""

    def render(self, family: Family) -> Callable[[int], Any]:
        """The function that makes a JSON value of a stored number."""
        raise TypeError(f"{type(self).__name__} renders nothing")

    def encode_all(self, key: str, values: Integers, family: Family) -> list[bytes]:
        """`,"KEY":value` of stored numbers."""
        return encode_plain(key, list(map(self.render(family), values.tolist())))


class Whole(_Each):
    """Ids and integers: `"7"` in classic methods, `7` in items."""

    def __init__(self, empty: Any = None, item_empty: Any = None) -> None:
        self.empty: dict[Family, Any] = {"classic": empty, "item": item_empty}

    def render(self, family: Family) -> Callable[[int], Any]:
        """Text or number."""
        return str if family == "classic" else int

    def parse(self, value: Any) -> int | None:
        """PHP's cast to int: an array is 1 (0 if empty), text is its leading number, else 0."""
        if value is None or value == "":
            return None
        return php_int(value)

    def typed(self, stored: int) -> int:
        """The number itself."""
        return stored


class Cents(_Each):
    """Money: `"8450.00"` in classic methods, `8450.5` in items; stored in hundredths."""

    def __init__(self, item_empty: Any = 0, zero: str = "0.00") -> None:
        self.empty: dict[Family, Any] = {"classic": None, "item": item_empty}
        self._zero = zero

    def render(self, family: Family) -> Callable[[int], Any]:
        """Two decimals as text, or a number."""
        return self._text if family == "classic" else _money_number

    def _text(self, cents: int) -> str:
        sign = "-" if cents < 0 else ""
        whole, part = divmod(abs(cents), 100)
        return f"{sign}{whole}.{part:02d}" if cents else self._zero

    def parse(self, value: Any) -> int | None:
        """Hundredths of a decimal text or number."""
        try:
            cents = round(float(str(value)) * 100)
        except (OverflowError, ValueError):
            return None
        return cents if abs(cents) < _MOST_CENTS else None

    def typed(self, stored: int) -> Decimal:
        """An exact decimal."""
        return Decimal(stored).scaleb(-2)


class Moment(_Each):
    """Date and time to the second, in the portal's zone."""

    def __init__(self, empty: Any = None) -> None:
        self.empty: dict[Family, Any] = {"classic": empty, "item": None}

    def render(self, family: Family) -> Callable[[int], Any]:
        """Renders one text for both families of methods."""
        return moment_text

    def encode_all(self, key: str, values: Integers, family: Family) -> list[bytes]:
        """Encodes whole columns of characters at once."""
        if not len(values):
            return []
        prefix, texts = encode_key(key) + b'"', moment_characters(values)
        line = np.empty((len(texts), len(prefix) + texts.shape[1] + 1), dtype=np.uint8)
        line[:, : len(prefix)] = np.frombuffer(prefix, dtype=np.uint8)
        line[:, len(prefix) : -1] = texts
        line[:, -1] = ord('"')
        encoded: list[bytes] = line.view(f"S{line.shape[1]}").ravel().tolist()
        return encoded

    def parse(self, value: Any) -> int | None:
        """Unix seconds."""
        return parse_moment(value) if isinstance(value, str) else None

    def typed(self, stored: int) -> datetime:
        """Aware UTC time."""
        return utc(stored)


class DayCodec(_Each):
    """A date, which the portal sends with a fake clock."""

    def __init__(self, empty: Any = None) -> None:
        self.empty: dict[Family, Any] = {"classic": empty, "item": None}

    def render(self, family: Family) -> Callable[[int], Any]:
        """Renders one text for both families of methods."""
        return date_text

    def parse(self, value: Any) -> int | None:
        """Days since 1970."""
        return parse_day(value) if isinstance(value, str) else None

    def typed(self, stored: int) -> date:
        """The date alone."""
        return as_date(stored)


def php_int(value: Any) -> int:
    """`(int)$value` of PHP, which is why an unresolved reference restarts a chain.

    docs/bitrix24-rest.md, section 3.5.
    """
    if isinstance(value, list | dict):
        return 1 if value else 0
    if isinstance(value, bool | int | float):
        return int(value)
    text = str(value).strip()
    digits = text[1:] if text[:1] in "+-" else text
    length = next((i for i, symbol in enumerate(digits) if not symbol.isdecimal()), len(digits))
    number = int(digits[:length] or 0)
    return -number if text[:1] == "-" else number


def _money_number(cents: int) -> int | float:
    return cents // 100 if cents % 100 == 0 else cents / 100
