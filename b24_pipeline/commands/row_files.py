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
from typing import Annotated, Any, TextIO
from uuid import UUID

import orjson
import typer

from b24_pipeline.clean_text import for_csv
from b24_pipeline.commands.screen import as_long_as_read
from b24_pipeline.commands.whole_file import whole_file
from b24_pipeline.errors import UsageError

OutputRows = Iterable[Mapping[str, Any]]

Raw = Annotated[
    bool,
    typer.Option(
        "--raw",
        help="Texts in CSV as they are; else an apostrophe stands before what a spreadsheet takes for a formula.",
    ),
]


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
        with as_long_as_read():
            yield sys.stdout
        return
    with whole_file(output, lambda path: path.open("x", encoding="utf-8", newline="")) as file:
        yield file


def write(
    rows: OutputRows, columns: Sequence[str], form: FileFormat, file: TextIO, *, raw: bool = False
) -> int:
    """Writes the rows as they come and returns how many there were; `raw`: texts in CSV stay as they are."""
    if form is FileFormat.JSON:
        return _write_json(rows, columns, file)
    return _write_csv(rows, columns, file, raw=raw)


def _write_csv(rows: OutputRows, columns: Sequence[str], file: TextIO, *, raw: bool) -> int:
    """A value as a cell of CSV: null is empty, lists and objects are JSON, times are ISO 8601 in UTC."""
    writer = csv.writer(file)
    writer.writerow(columns)
    count = 0
    for row in rows:
        cells = (_cell(row[column]) for column in columns)
        writer.writerow([for_csv(cell) if isinstance(cell, str) and not raw else cell for cell in cells])
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
