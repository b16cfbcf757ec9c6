"""Reads a CSV file of own ad leads: finds its encoding, delimiter and header, and yields rows with line numbers."""

from __future__ import annotations

import codecs
import csv
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from b24_pipeline.errors import LeadFileRefused

COLUMNS = (
    "id",
    "name",
    "phone",
    "email",
    "creative",
    "direction",
    "utm_source",
    "utm_medium",
    "utm_campaign",
    "utm_content",
    "utm_term",
    "created_at",
)
NEEDED = "phone"
DELIMITERS = ",;\t"
MOST_LINES_A_ROW = 20
"""A quote that stays open for more lines is a mistake, not a cell with line ends."""

WINDOWS = "cp1251"

_BLOCK = 1 << 20
_LONGEST_LINE = 1 << 20
_NO_LETTER = "\ufffd"

# csv's own limit of a cell is smaller: a longer cell would be reported as a quote that does not close
csv.field_size_limit(_LONGEST_LINE)


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that cannot be imported: its line number, and the reason, which quotes nothing of the row."""

    line: int
    reason: str


@dataclass(frozen=True, slots=True)
class CsvRow:
    """A row of the file: its line number, and the stripped cells of the known columns by name."""

    line: int
    values: dict[str, str]


@dataclass(frozen=True, slots=True)
class LeadFile:
    """A CSV file whose encoding, delimiter and header are known; made by `open_lead_file`."""

    path: Path
    encoding: str
    delimiter: str
    header: tuple[str, ...]

    @property
    def columns(self) -> list[str]:
        """The names of the columns that are imported."""
        return [name for name in self.header if name in COLUMNS]

    @property
    def unknown(self) -> list[str]:
        """The names of the columns that are left out, because no column of ours has them."""
        return [name for name in self.header if name and name not in COLUMNS]

    def rows(self) -> Iterator[CsvRow | BadRow]:
        """Yields the rows in order and leaves empty ones out; line 1 is the header."""
        with self.path.open(encoding=self.encoding, errors="replace", newline="") as file:
            lines = _Lines(_lines_of(file))
            lines.take(self.delimiter)
            while (record := lines.take(self.delimiter)) is not None:
                if record.cells is not None and not any(cell.strip() for cell in record.cells):
                    continue
                if record.cells is None or len(record.cells) != len(self.header):
                    yield lines.give_up(record, len(self.header))
                elif any(_NO_LETTER in cell for cell in record.cells):
                    yield BadRow(record.line, f"has bytes that are no text in {self.encoding}")
                else:
                    yield CsvRow(record.line, self._known(record.cells))

    def _known(self, cells: Sequence[str]) -> dict[str, str]:
        named = zip(self.header, cells, strict=True)
        return {name: cell.strip() for name, cell in named if name in COLUMNS}


def open_lead_file(path: Path) -> LeadFile:
    """Reads a file's encoding, delimiter and header. Raises LeadFileRefused where it is no CSV file with our header."""
    try:
        encoding = _encoding_of(path)
        with path.open(encoding=encoding, errors="replace", newline="") as file:
            first = file.readline(_LONGEST_LINE)
    except OSError as error:
        raise LeadFileRefused(
            str(path), f"cannot be read: {error.strerror or 'an error of the disk'}"
        ) from None
    delimiter = max(DELIMITERS, key=first.count)
    header = _cells(first, delimiter) or []
    names = tuple(name.strip().lower() for name in header)
    _require_header(path.name, names)
    return LeadFile(path, encoding, delimiter, names)


def _lines_of(file: TextIO) -> Iterator[str]:
    """The lines of a file; of a line that is far too long, only the beginning."""
    while line := file.readline(_LONGEST_LINE):
        yield line
        while line and line[-1] not in "\r\n":
            line = file.readline(_LONGEST_LINE)


def _require_header(file: str, names: Sequence[str]) -> None:
    if NEEDED not in names:
        raise LeadFileRefused(
            file, f"its first line is no header with the column {NEEDED}; known columns: {', '.join(COLUMNS)}"
        )
    twice = {name for name in names if name in COLUMNS and names.count(name) > 1}
    if twice:
        raise LeadFileRefused(file, f"its header has the column {min(twice)} twice")


def _encoding_of(path: Path) -> str:
    """The encoding of a file: UTF-16 by its mark, UTF-8 if most of it is, else the code page of Russian Windows.

    A stray byte in a UTF-8 file must not change how all of it is read. Russian text in the code page has hardly a
    letter that is valid UTF-8.
    """
    decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
    letters = broken = 0
    with path.open("rb") as file:
        if file.read(2) in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
            return "utf-16"
        file.seek(0)
        while block := file.read(_BLOCK):
            text = decoder.decode(block)
            if not text.isascii():
                broken += text.count(_NO_LETTER)
                letters += sum(not letter.isascii() for letter in text)
        broken += decoder.decode(b"", final=True).count(_NO_LETTER)
    return WINDOWS if broken and letters < 3 * broken else "utf-8-sig"


@dataclass(frozen=True, slots=True)
class _Record:
    """The lines of one row, and its cells; `cells` is None where the lines are no row."""

    line: int
    lines: list[str]
    cells: list[str] | None


class _Lines:
    """Joins lines to rows, because a quoted cell may have line ends."""

    def __init__(self, lines: Iterator[str]) -> None:
        self._lines = lines
        self._given_back: deque[str] = deque()
        self._number = 0

    def take(self, delimiter: str) -> _Record | None:
        """The next row, None at the end."""
        first = self._next()
        if first is None:
            return None
        taken = [first]
        while _is_open(taken) and len(taken) < MOST_LINES_A_ROW:
            following = self._next()
            if following is None:
                break
            taken.append(following)
        start = self._number + 1
        self._number += len(taken)
        cells = None if _is_open(taken) else _cells("".join(taken), delimiter)
        return _Record(start, taken, cells)

    def give_up(self, record: _Record, expected: int) -> BadRow:
        """Reports a row by its first line, and gives its other lines back: they may be rows of their own."""
        rest = record.lines[1:]
        self._given_back.extendleft(reversed(rest))
        self._number -= len(rest)
        if record.cells is None:
            return BadRow(record.line, "its quotes do not close, or it holds a NUL")
        return BadRow(record.line, f"has {len(record.cells)} cells, the header {expected}")

    def _next(self) -> str | None:
        return self._given_back.popleft() if self._given_back else next(self._lines, None)


def _is_open(lines: Sequence[str]) -> bool:
    return sum(line.count('"') for line in lines) % 2 == 1


def _cells(row: str, delimiter: str) -> list[str] | None:
    """The cells of a row; None where it is not valid CSV."""
    if "\0" in row:
        return None
    try:
        found = list(csv.reader([row], delimiter=delimiter, strict=True))
    except csv.Error:
        return None
    return found[0] if len(found) == 1 else [] if not found else None
