"""Rows of a spreadsheet (.xlsx, also .xls), as texts."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import ParseError
from zipfile import BadZipFile, ZipFile, is_zipfile

from b24_pipeline.errors import LeadFileRefused
from b24_pipeline.sync.own_leads.damage import EXACT_DIGITS
from b24_pipeline.sync.own_leads.spreadsheet_errors import error_cells

MOST_BYTES = 256 << 20
"""A spreadsheet is unpacked in memory; a larger one is refused."""

_ZIP = b"PK\x03\x04"
_OLD = b"\xd0\xcf\x11\xe0"  # .xls, and what is encrypted
_REFUSED = "is no spreadsheet that can be read, or it is encrypted; save it as .xlsx or CSV"


def is_spreadsheet(path: Path) -> bool:
    """Whether a file is a spreadsheet by its first bytes, whatever its name is. Raises OSError."""
    with path.open("rb") as file:
        return file.read(len(_ZIP)) in (_ZIP, _OLD)


def sheets_of(path: Path) -> Iterator[tuple[str, list[list[str]]]]:
    """The name and the rows of each sheet, in order; row 1 is the first. Raises LeadFileRefused."""
    from python_calamine import CalamineError, CalamineWorkbook

    _require_fitting(path)
    try:
        with CalamineWorkbook.from_path(path) as book:
            for name in book.sheet_names:
                rows = book.get_sheet_by_name(name).to_python(skip_empty_area=False)
                yield name, _with_errors(path, name, [[text_of(value) for value in row] for row in rows])
    except (CalamineError, BadZipFile, ParseError):
        raise LeadFileRefused(str(path), _REFUSED).of_case("no_spreadsheet") from None


def _with_errors(path: Path, sheet: str, rows: list[list[str]]) -> list[list[str]]:
    """The rows with the errors of formulas, which are read as empty cells."""
    if is_zipfile(path):
        for line, column, error in error_cells(path, sheet):
            if line < len(rows) and column < len(rows[line]):
                rows[line][column] = error
    return rows


def _require_fitting(path: Path) -> None:
    size = path.stat().st_size
    if is_zipfile(path):
        with ZipFile(path) as packed:
            size = sum(part.file_size for part in packed.infolist())
    if size > MOST_BYTES:
        raise LeadFileRefused(
            str(path), f"has {size >> 20} MiB unpacked, at most {MOST_BYTES >> 20} are read; export it as CSV"
        ).of_case("large_spreadsheet", size=size >> 20, most=MOST_BYTES >> 20)


def text_of(value: Any) -> str:
    """A cell as text: whole numbers as digits, times as ISO.

    A number of more digits than a spreadsheet keeps is given in exponent form: its last digits are lost.
    """
    if isinstance(value, bool):
        return str(value)
    if isinstance(value, int | float):
        return _digits(value)
    if isinstance(value, datetime):
        return _moment(value)
    if isinstance(value, date | time):
        return value.isoformat()
    return "" if value is None else str(value)


def _moment(value: datetime) -> str:
    """A moment to the second, which a spreadsheet stores as a fraction of a day; a day alone without a time."""
    nearest = (value + timedelta(milliseconds=500)).replace(microsecond=0)
    return nearest.date().isoformat() if nearest.time() == time() else nearest.isoformat(" ")


def _digits(number: float) -> str:
    if number != int(number):
        return repr(number)
    digits = str(int(number))
    return digits if len(digits.lstrip("-")) <= EXACT_DIGITS else f"{number:.14E}"
