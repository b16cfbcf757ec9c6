"""Columns as data: a Bitrix24 field, the table's column, and what its values look like.

A value arrives as PHP left it: numbers as strings, empties as `null`, `""`,
`"0"`, `false`, `[]` or a missing key (docs/bitrix24-rest.md, section 5 "Values"). A
reader turns it into the text that PostgreSQL's COPY takes, or None for empty,
or raises ValueError where it does not fit the column.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Any

import orjson

ValueReader = Callable[[Any], str | None]

# ASCII alone: Python takes the digits of every script, PostgreSQL does not
_WHOLE = re.compile(r"-?[0-9]{1,19}\Z")
_NUMBER = re.compile(r"-?[0-9]{1,30}(\.[0-9]{1,20})?([eE][+-]?[0-9]{1,2})?\Z")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?![^T ])")
_INT8 = 2**63
INT8_DIGITS = 19  # fewer always fit
_NO_LINK = ("0", "-0")
YEARS = range(2, 9999)  # what stays a date of Python in every zone
_OFFSETS = frozenset(f"{sign}{hours:02d}" for sign in "+-" for hours in range(15))
_ACCESS = re.compile(r"([?&]auth=)[^&]*")
_ACCESS_IN_JSON = re.compile(r"([?&]auth=)[^&\"]*")
_NUL_IN_JSON = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")
_MOST_LEVELS = 100


class Kind(StrEnum):
    """The kind of value that a column holds."""

    TEXT = "text"
    INTEGER = "integer"
    LINK = "link"  # the id of another row: 0 means none
    MONEY = "money"
    FLAG = "flag"
    TIMESTAMP = "timestamp"
    DATE = "date"
    JSON = "json"
    FILE = "file"  # JSON with links to the file


@dataclass(frozen=True, slots=True)
class Column:
    """A field of the portal and the column that takes it."""

    field: str
    kind: Kind
    name: str


def _empty(value: Any) -> bool:
    return value is None or value is False or value in ("", [], {})


def read_text(value: Any) -> str | None:
    """Reads a string; a number becomes its digits. Raises ValueError for objects, NUL and half characters."""
    if type(value) is str:
        if not value:
            return None
        if "\x00" in value:
            raise ValueError("characters that PostgreSQL does not store")
        if not value.isascii():
            value.encode()
        return value
    if _empty(value):
        return None
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    raise ValueError("not a text")


def read_integer(value: Any) -> str | None:
    """Reads a whole number of 64 bits. Raises ValueError for anything else."""
    if type(value) is str:
        if len(value) < INT8_DIGITS and value.isdigit() and value.isascii():
            return value
        if not value:
            return None
        if not _WHOLE.match(value):
            raise ValueError("not a whole number")
    elif _empty(value):
        return None
    elif type(value) is not int:
        raise ValueError("not a whole number")
    number = int(value)
    if not -_INT8 <= number < _INT8:
        raise ValueError("out of range")
    return str(number)


def read_link(value: Any) -> str | None:
    """Reads the id of another row; 0 and "0" mean none. Raises ValueError for what is no id."""
    number = read_integer(value)
    return None if number in _NO_LINK else number


def read_money(value: Any) -> str | None:
    """Reads a decimal number and keeps its digits. Raises ValueError for what is no number."""
    if type(value) is str:
        if not value:
            return None
        if not _NUMBER.match(value):
            raise ValueError("not a number")
        return value
    if _empty(value):
        return None
    if isinstance(value, int | float) and not isinstance(value, bool) and _NUMBER.match(repr(value)):
        return repr(value)
    raise ValueError("not a number")


_FLAGS: dict[Any, str] = {"Y": "t", "N": "f", "1": "t", "0": "f"}


def read_flag(value: Any) -> str | None:
    """Reads Bitrix24's `Y` / `N` flags, "1", "0" and JSON booleans as booleans. Raises ValueError for anything else."""
    if type(value) is str:
        if not value:
            return None
        try:
            return _FLAGS[value]
        except KeyError:
            raise ValueError("not a flag") from None
    if value is None or value in ([], {}):
        return None
    if value in (True, False):  # 1 and 0 too
        return "t" if value else "f"
    raise ValueError("not a flag")


def read_timestamp(value: Any) -> str | None:
    """Reads a moment with its time zone in ISO 8601; "0" means none. Raises ValueError."""
    if type(value) is str:
        if not value or value == "0":
            return None
        moment = datetime.fromisoformat(value)
        if moment.tzinfo is None:
            raise ValueError("a time without a zone")
        if moment.year not in YEARS:
            raise ValueError("out of range")
        if len(value) == 25 and value[5] != "W" and value[19:22] in _OFFSETS:
            return value  # the usual form, which PostgreSQL reads as Python does
        return moment.astimezone(UTC).isoformat()
    if _empty(value) or value == 0:
        return None
    raise ValueError("not a time")


def read_date(value: Any) -> str | None:
    """Reads a day from the first ten characters: the clock behind them is only the zone's offset. "0" means none."""
    if type(value) is str:
        if not value or value == "0":
            return None
        if not _DAY.match(value):
            raise ValueError("not a day")
        return date.fromisoformat(value[:10]).isoformat()
    if _empty(value) or value == 0:
        return None
    raise ValueError("not a day")


def read_json(value: Any) -> str | None:
    """Keeps any JSON value as JSON text; empty values become null."""
    return None if _empty(value) else json_text(value)


def read_file(value: Any) -> str | None:
    """Keeps the description of a file as JSON text, without the access token in its links."""
    return read_json(without_access(value))


def without_access(value: Any, levels: int = _MOST_LEVELS) -> Any:
    """A file's links carry the reader's access token: it must not be stored, and it differs at each read.

    What is nested deeper than `levels` becomes text, so that everything after this may recurse.
    """
    if isinstance(value, dict | list) and not levels:
        return _flat(value)
    if isinstance(value, dict):
        return {key: without_access(item, levels - 1) for key, item in value.items()}
    if isinstance(value, list):
        return [without_access(item, levels - 1) for item in value]
    if isinstance(value, str) and "auth=" in value:
        return _ACCESS.sub(r"\1", value)
    return value


def _flat(value: Any) -> str:
    try:
        return _ACCESS_IN_JSON.sub(r"\1", orjson.dumps(value).decode())
    except (TypeError, orjson.JSONEncodeError):
        return "\ufffd"


def json_text(value: Any) -> str:
    """The value as JSON text that jsonb takes. Raises ValueError where it holds NUL or half characters."""
    try:
        text = orjson.dumps(value).decode()
    except (TypeError, orjson.JSONEncodeError) as error:
        raise ValueError("characters that PostgreSQL does not store") from error
    if "\\u0000" in text and _NUL_IN_JSON.search(text):
        raise ValueError("characters that PostgreSQL does not store")
    return text


READERS: dict[Kind, ValueReader] = {
    Kind.TEXT: read_text,
    Kind.INTEGER: read_integer,
    Kind.LINK: read_link,
    Kind.MONEY: read_money,
    Kind.FLAG: read_flag,
    Kind.TIMESTAMP: read_timestamp,
    Kind.DATE: read_date,
    Kind.JSON: read_json,
    Kind.FILE: read_file,
}


def columns(kind: Kind, fields: str, **renamed: str) -> tuple[Column, ...]:
    """Makes columns of one kind from field names separated by blanks; the name is the field in lower case."""
    return tuple(Column(field, kind, renamed.get(field, field.lower())) for field in fields.split())
