"""Tables of pages as CSV files that the spreadsheet of the reader's language opens by itself."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from decimal import Decimal
from io import StringIO
from urllib.parse import quote

from fastapi import Request, Response

from b24_pipeline.clean_text import for_csv
from b24_pipeline.web.frame.translations import language_of

Cell = str | int | Decimal | None
_MARK = "\ufeff"  # by it a spreadsheet knows that it is UTF-8


def csv_file(request: Request, name: str, head: Sequence[str], lines: Iterable[Sequence[Cell]]) -> Response:
    """The table as a file: in Russian with semicolons and decimal commas, else with commas and points.

    No text is a formula to a spreadsheet.
    """
    is_russian = language_of(request) == "ru"
    written = StringIO(newline="")
    writer = csv.writer(written, delimiter=";" if is_russian else ",")
    writer.writerow(map(for_csv, head))
    for line in lines:
        writer.writerow([_cell(value, comma=is_russian) for value in line])
    return Response(
        _MARK + written.getvalue(),
        media_type="text/csv; charset=utf-8",
        headers={
            "Content-Disposition": f"attachment; filename*=UTF-8''{quote(name)}",
            "Cache-Control": "no-store",
        },
    )


def _cell(value: Cell, *, comma: bool) -> str:
    if isinstance(value, Decimal):
        return f"{value:f}".replace(".", "," if comma else ".")
    return for_csv(value) if isinstance(value, str) else "" if value is None else str(value)
