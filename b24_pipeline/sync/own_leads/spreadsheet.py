"""Rows of a spreadsheet (.xlsx), as texts."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zipfile import BadZipFile, ZipFile

from b24_pipeline.errors import LeadFileRefused
from b24_pipeline.sync.own_leads.damage import EXACT_DIGITS

MOST_BYTES = 256 << 20
"""A spreadsheet is unpacked in memory; a larger one is refused."""

_ZIP = b"PK\x03\x04"


def is_spreadsheet(path: Path) -> bool:
    """Whether a file is an .xlsx by its first bytes, whatever its name is. Raises OSError."""
    with path.open("rb") as file:
        return file.read(len(_ZIP)) == _ZIP


def sheets_of(path: Path) -> Iterator[tuple[str, list[list[str]]]]:
    """The name and the rows of each sheet, in order; row 1 is the first. Raises LeadFileRefused."""
    from python_calamine import CalamineError, CalamineWorkbook

    _require_fitting(path)
    try:
        with CalamineWorkbook.from_path(path) as book:
            for name in book.sheet_names:
                rows = book.get_sheet_by_name(name).to_python(skip_empty_area=False)
                yield name, [[text_of(value) for value in row] for row in rows]
    except CalamineError:
        raise LeadFileRefused(
            str(path), "is no spreadsheet that can be read; save it as .xlsx or CSV"
        ) from None


def _require_fitting(path: Path) -> None:
    try:
        with ZipFile(path) as packed:
            size = sum(part.file_size for part in packed.infolist())
    except (BadZipFile, ValueError):
        raise LeadFileRefused(
            str(path), "is no spreadsheet that can be read; save it as .xlsx or CSV"
        ) from None
    if size > MOST_BYTES:
        raise LeadFileRefused(
            str(path), f"has {size >> 20} MiB unpacked, at most {MOST_BYTES >> 20} are read; export it as CSV"
        )


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
