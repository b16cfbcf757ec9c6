"""Whole columns of a page at once, where every value is of the usual form.

A page of 2,500 rows has a hundred thousand values, and nearly all are plain
strings. These readers judge a column by a few calls that run in C and return
None where anything in it is unusual; the readers of `columns.py`, which know
every case, then take the column value by value. Where both read, they agree.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from b24_pipeline.entities.columns import INT8_DIGITS, YEARS, Kind, read_date

Texts = list[str | None]
UsualReader = Callable[[Sequence[Any]], Texts | None]

_PLAIN = frozenset({str, type(None)})
_NUMBERS = frozenset({int, type(None)})  # not bool: that has a type of its own
_INT8 = range(-(2**63), 2**63)
_MONEY = re.compile(r"(?:-?[0-9]{1,30}(?:\.[0-9]{1,20})?\n)*")
_MOMENTS = re.compile(
    r"(?:[0-9]{4}-[0-9]{2}-[0-9]{2}T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9][+-](?:0[0-9]|1[0-4]):[0-5][0-9]\n)*"
)
_FLAGS: dict[Any, str | None] = {"Y": "t", "N": "f", "1": "t", "0": "f", "": None, None: None}


def _is_plain(values: Sequence[Any]) -> bool:
    return _PLAIN.issuperset(map(type, values))


def usual_texts(values: Sequence[Any]) -> Texts | None:
    """Reads a column of strings that UTF-8 can hold, without NUL; None where a value is of another form."""
    if not _is_plain(values):
        return None
    text = "".join(filter(None, values))
    if "\x00" in text or not _is_utf8(text):
        return None
    return [value or None for value in values]


def _is_utf8(text: str) -> bool:
    try:
        return text.isascii() or bool(text.encode())
    except UnicodeEncodeError:
        return False


def usual_integers(values: Sequence[Any]) -> Texts | None:
    """Reads a column of strings of few digits, or of numbers; None where a value is of another form."""
    if not _is_plain(values):
        return _texts_of_numbers(values)
    filled = list(filter(None, values))
    digits = "".join(filled)
    if filled and not (digits.isdigit() and digits.isascii() and max(map(len, filled)) < INT8_DIGITS):
        return None
    return [value or None for value in values]


def _texts_of_numbers(values: Sequence[Any]) -> Texts | None:
    """Reads a column of JSON numbers without a fraction; None where a value is of another form."""
    if not _NUMBERS.issuperset(map(type, values)):
        return None
    numbers = [value for value in values if value is not None]
    if min(numbers) not in _INT8 or max(numbers) not in _INT8:
        return None
    return [None if value is None else str(value) for value in values]


def usual_links(values: Sequence[Any]) -> Texts | None:
    """Reads a column of ids, where 0 means none; None where a value is of another form."""
    numbers = usual_integers(values)
    return numbers and [None if number == "0" else number for number in numbers]


def usual_money(values: Sequence[Any]) -> Texts | None:
    """Reads a column of plain decimal numbers; None where a value is of another form."""
    if not _is_plain(values):
        return None
    filled = list(filter(None, values))
    if filled and not _MONEY.fullmatch("\n".join(filled) + "\n"):
        return None
    return [value or None for value in values]


def usual_flags(values: Sequence[Any]) -> Texts | None:
    """Reads a column of `Y` and `N` flags; None where a value is of another form."""
    if not _is_plain(values):
        return None
    try:
        return list(map(_FLAGS.__getitem__, values))
    except KeyError:
        return None


def usual_timestamps(values: Sequence[Any]) -> Texts | None:
    """Reads a column of moments in the portal's own form; None where a value is of another form."""
    if not _is_plain(values):
        return None
    filled = list(filter(None, values))
    if filled and not _MOMENTS.fullmatch("\n".join(filled) + "\n"):
        return None
    # the form allows a thirtieth of February
    days = {value[:10] for value in filled}
    return [value or None for value in values] if _days_read(days) is not None else None


def usual_dates(values: Sequence[Any]) -> Texts | None:
    """Reads a column of days, each different text once; None where a value is of another form."""
    if not _is_plain(values):
        return None
    days = _days_read(set(values))
    return None if days is None else list(map(days.__getitem__, values))


def _days_read(values: set[Any]) -> dict[Any, str | None] | None:
    try:
        days = {value: read_date(value) for value in values}
        return days if all(int(day[:4]) in YEARS for day in days.values() if day) else None
    except ValueError:
        return None


USUAL: dict[Kind, UsualReader] = {
    Kind.TEXT: usual_texts,
    Kind.INTEGER: usual_integers,
    Kind.LINK: usual_links,
    Kind.MONEY: usual_money,
    Kind.FLAG: usual_flags,
    Kind.TIMESTAMP: usual_timestamps,
    Kind.DATE: usual_dates,
}
