"""Figures as CSV and JSON, exactly: an amount is written digit by digit, never by way of a float."""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Any, TextIO
from uuid import UUID

import orjson

from b24_pipeline.errors import UsageError

OutputRows = Iterable[Mapping[str, Any]]


class FileFormat(StrEnum):
    """The form of a file that a program reads."""

    CSV = "csv"
    JSON = "json"


def format_of(output: Path) -> FileFormat:
    """The format that a file's name ends with. Raises UsageError where it is neither .csv nor .json."""
    try:
        return FileFormat(output.suffix.removeprefix(".").lower())
    except ValueError:
        raise UsageError(f"{output}: say by --format whether it is to be csv or json") from None


@contextmanager
def opened_output(output: Path | None) -> Iterator[TextIO]:
    """Opens stdout, or a file that takes its name only when all of it is written. Raises UsageError."""
    if output is None:
        yield sys.stdout
        return
    beside = output.with_name(f"{output.name}.part")
    try:
        with beside.open("w", encoding="utf-8", newline="") as file:
            yield file
        beside.replace(output)
    except OSError as error:
        raise UsageError(f"{output} cannot be written: {error.strerror}") from None
    finally:
        beside.unlink(missing_ok=True)


def write(rows: OutputRows, columns: Sequence[str], form: FileFormat, file: TextIO) -> int:
    """Writes the rows as they come and returns how many there were."""
    return (_write_csv if form is FileFormat.CSV else _write_json)(rows, columns, file)


def _write_csv(rows: OutputRows, columns: Sequence[str], file: TextIO) -> int:
    """A value as a cell of CSV: null is empty, lists and objects are JSON, times are ISO 8601 in UTC."""
    writer = csv.writer(file)
    writer.writerow(columns)
    count = 0
    for row in rows:
        writer.writerow([_cell(row[column]) for column in columns])
        count += 1
    return count


def _write_json(rows: OutputRows, columns: Sequence[str], file: TextIO) -> int:
    """Writes the rows as one JSON list, a row a line."""
    count = 0
    file.write("[")
    for row in rows:
        file.write(",\n" if count else "\n")
        file.write(_json({column: row[column] for column in columns}))
        count += 1
    file.write("\n]\n")
    return count


def _cell(value: Any) -> Any:
    if isinstance(value, Decimal):
        return _digits(value)
    if isinstance(value, date):  # a datetime too
        return value.isoformat()
    return _json(value) if isinstance(value, bool | dict | list) else value


def _json(value: Any) -> str:
    return orjson.dumps(value, default=_of_database).decode()


def _of_database(value: Any) -> Any:
    """A Decimal as a JSON number with all its digits."""
    if isinstance(value, Decimal):
        return orjson.Fragment(_digits(value)) if value.is_finite() else None
    if isinstance(value, UUID):
        return str(value)
    raise TypeError(type(value).__name__)


def _digits(value: Decimal) -> str:
    return format(value, "f")
