"""Opens a file of own ad leads, CSV or spreadsheet, and yields its rows with the numbers of their lines."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from b24_pipeline.errors import LeadFileRefused
from b24_pipeline.sync.own_leads.csv_file import CsvRecords, Record, delimiters_of
from b24_pipeline.sync.own_leads.lead_columns import COLUMNS, NEEDED, LeadColumns, recognized, require_plain
from b24_pipeline.sync.own_leads.spreadsheet import is_spreadsheet, sheets_of
from b24_pipeline.sync.own_leads.text_file import NO_LETTER, encoding_of, lines_of, opened_text

HEADER_WITHIN = 30
"""The header is looked for in so many first lines: titles and empty lines may stand above it."""


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that cannot be imported: its line number, and the reason, which quotes nothing of the row."""

    line: int
    reason: str


@dataclass(frozen=True, slots=True)
class LeadCells:
    """A row of the file: its line number, its cells by our names, and those that the file names as we do."""

    line: int
    values: dict[str, str]
    by_our_names: dict[str, str]


@dataclass(frozen=True, slots=True)
class LeadFile:
    """A file whose form and columns are known, made by `open_lead_file`; a spreadsheet has a `sheet`."""

    path: Path
    columns: LeadColumns
    header_line: int
    encoding: str = ""
    delimiter: str = ""
    sheet: str | None = None

    def rows(self) -> Iterator[LeadCells | BadRow]:
        """Yields the rows under the header in order and leaves empty ones out."""
        if self.sheet is not None:
            yield from self._rows_of_sheet()
            return
        with opened_text(self.path, self.encoding) as file:
            records = CsvRecords(lines_of(file), self.delimiter)
            for record in records:
                if record.line > self.header_line and not record.is_empty:
                    yield self._row_of(record, records)

    def _rows_of_sheet(self) -> Iterator[LeadCells | BadRow]:
        rows = next(rows for name, rows in sheets_of(self.path) if name == self.sheet)
        for line, cells in enumerate(rows, start=1):
            if line > self.header_line and any(cell.strip() for cell in cells):
                yield self._fitted(line, cells)

    def _row_of(self, record: Record, records: CsvRecords) -> LeadCells | BadRow:
        if record.cells is None:
            return BadRow(record.line, "its quotes do not close, or it holds a NUL")
        row = self._fitted(record.line, record.cells)
        if isinstance(row, BadRow) or (
            len(record.lines) > 1 and len(record.cells) < len(self.columns.header)
        ):
            records.give_back(record)
            return self._misfit(record.line, record.cells)
        if any(NO_LETTER in cell for cell in record.cells):
            return BadRow(record.line, f"has bytes that are no text in {self.encoding}")
        return row

    def _fitted(self, line: int, cells: Sequence[str]) -> LeadCells | BadRow:
        """A row as long as the header: empty cells at the end may be missing, or too many."""
        width = len(self.columns.header)
        if len(cells) <= self.columns.places[NEEDED] or any(cell.strip() for cell in cells[width:]):
            return self._misfit(line, cells)
        padded = [*cells[:width], *[""] * (width - len(cells))]
        return LeadCells(line, self.columns.values(padded), self.columns.values_by_our_names(padded))

    def _misfit(self, line: int, cells: Sequence[str]) -> BadRow:
        return BadRow(line, f"has {len(cells)} cells, the header {len(self.columns.header)}")


def open_lead_file(path: Path, chosen: Mapping[str, str] | None = None) -> LeadFile:
    """Finds the form, the header and the columns of a file; `chosen` are the user's names of columns of ours.

    Raises LeadFileRefused where it cannot be read, or no line of its first ones has a column of phones.
    """
    chosen = chosen or {}
    try:
        found = _in_spreadsheet(path, chosen) if is_spreadsheet(path) else _in_text(path, chosen)
    except OSError as error:
        raise LeadFileRefused(
            str(path), f"cannot be read: {error.strerror or 'an error of the disk'}"
        ).of_case("unreadable_file") from None
    if found is None:
        raise LeadFileRefused(
            path.name,
            f"none of its first {HEADER_WITHIN} lines is a header with a column of phones; "
            f"name it by --column {NEEDED}=NAME; known columns: {', '.join(COLUMNS)}, "
            "and the names that exports of ad systems give them",
        ).of_case("no_phone_column")
    require_plain(path.name, found.columns, chosen)
    return found


@dataclass(frozen=True, slots=True)
class LeadFileLook:
    """The header of a file as it is, and the first rows under it, for somebody who looks at them."""

    header: list[str]
    rows: list[list[str]]


def look_into(path: Path, most: int, file: LeadFile | None = None) -> LeadFileLook:
    """What `file` has read as header, else the first line with the most cells. Raises LeadFileRefused."""
    try:
        forms = _forms_of(path, file)
    except OSError as error:
        raise LeadFileRefused(
            path.name, f"cannot be read: {error.strerror or 'an error of the disk'}"
        ).of_case("unreadable_file") from None
    found = max(forms, key=lambda rows: max((_width(cells) for _line, cells in rows), default=0), default=[])
    above = found[:HEADER_WITHIN]
    header_line = file.header_line if file else max(above, key=lambda row: _width(row[1]), default=(0, []))[0]
    header = next((cells for line, cells in found if line == header_line), [])
    width = (
        len(file.columns.header)
        if file
        else max((place for place, cell in enumerate(header, start=1) if cell.strip()), default=0)
    )
    rows = [cells for line, cells in found if line > header_line and _width(cells)]
    return LeadFileLook(
        [" ".join(name.replace("\ufeff", "").split()) for name in header[:width]],
        [[*cells[:width], *[""] * (width - len(cells))] for cells in rows[:most]],
    )


_Rows = list[tuple[int, Sequence[str]]]


def _forms_of(path: Path, file: LeadFile | None) -> list[_Rows]:
    """The first rows of a file in each way in which it can be read: in `file`'s alone, where it is given."""
    if is_spreadsheet(path):
        sheets = sheets_of(path)
        return [
            list(enumerate(rows[: 2 * HEADER_WITHIN], start=1))
            for name, rows in sheets
            if file is None or name == file.sheet
        ]
    with opened_text(path, encoding_of(path)) as text:
        first = list(islice(lines_of(text), 10 * HEADER_WITHIN))
    delimiters = file.delimiter if file else delimiters_of(first[0]) if first else ""
    return [
        [
            (record.line, record.cells or [])
            for record in islice(CsvRecords(iter(first), delimiter), 2 * HEADER_WITHIN)
        ]
        for delimiter in delimiters
    ]


def _width(cells: Sequence[str]) -> int:
    return sum(bool(cell.strip()) for cell in cells)


def _in_text(path: Path, chosen: Mapping[str, str]) -> LeadFile | None:
    encoding = encoding_of(path)
    with opened_text(path, encoding) as file:
        first = list(islice(lines_of(file), HEADER_WITHIN))
    best: LeadFile | None = None
    for delimiter in delimiters_of(first[0]) if first else "":
        rows = ((record.line, record.cells or []) for record in CsvRecords(iter(first), delimiter))
        header = _header_of(rows, chosen)
        if header and (best is None or len(header[1].places) > len(best.columns.places)):
            best = LeadFile(path, header[1], header[0], encoding, delimiter)
    return best


def _in_spreadsheet(path: Path, chosen: Mapping[str, str]) -> LeadFile | None:
    """The first sheet that has a header with phones."""
    for name, rows in sheets_of(path):
        header = _header_of(enumerate(rows[:HEADER_WITHIN], start=1), chosen)
        if header:
            return LeadFile(path, header[1], header[0], sheet=name)
    return None


def _header_of(
    rows: Iterable[tuple[int, Sequence[str]]], chosen: Mapping[str, str]
) -> tuple[int, LeadColumns] | None:
    """The line of the first row that has a column of phones, and its columns; empty cells at its end are dropped."""
    for line, cells in rows:
        width = max((place for place, cell in enumerate(cells, start=1) if cell.strip()), default=0)
        columns = recognized(cells[:width], chosen)
        if NEEDED in columns.places:
            return line, columns
    return None
