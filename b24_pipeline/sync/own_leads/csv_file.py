"""Rows of a CSV file: joins lines to rows, and parts rows into cells."""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from b24_pipeline.sync.own_leads.text_file import LONGEST_LINE

DELIMITERS = ",;\t|"
MOST_LINES_A_ROW = 20
"""A quote that stays open for more lines is a mistake, not a cell with line ends."""

# csv's own limit of a cell is smaller: a longer cell would be reported as a quote that does not close
csv.field_size_limit(LONGEST_LINE)


@dataclass(frozen=True, slots=True)
class Record:
    """The lines of one row, the number of the first, and its cells; `cells` is None where the lines are no row."""

    line: int
    lines: list[str]
    cells: list[str] | None

    @property
    def is_empty(self) -> bool:
        """Whether the row has no cell with anything in it."""
        return self.cells is not None and not any(cell.strip() for cell in self.cells)


class CsvRecords:
    """Joins lines to rows, because a quoted cell may have line ends."""

    def __init__(self, lines: Iterator[str], delimiter: str) -> None:
        self._lines = lines
        self._delimiter = delimiter
        self._given_back: deque[str] = deque()
        self._number = 0

    def __iter__(self) -> Iterator[Record]:
        """The rows in order. After a row that is none, reading goes on with its second line."""
        while (record := self.take()) is not None:
            if record.cells is None:
                self.give_back(record)
            yield record

    def take(self) -> Record | None:
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
        cells = None if _is_open(taken) else cells_of("".join(taken), self._delimiter)
        return Record(start, taken, cells)

    def give_back(self, record: Record) -> None:
        """Takes all lines of a row but the first as not read: they may be rows of their own."""
        rest = record.lines[1:]
        self._given_back.extendleft(reversed(rest))
        self._number -= len(rest)

    def _next(self) -> str | None:
        return self._given_back.popleft() if self._given_back else next(self._lines, None)


def _is_open(lines: Sequence[str]) -> bool:
    return sum(line.count('"') for line in lines) % 2 == 1


def cells_of(row: str, delimiter: str) -> list[str] | None:
    """The cells of a row; None where it is not valid CSV."""
    if "\0" in row:
        return None
    try:
        found = list(csv.reader([row], delimiter=delimiter, strict=True))
    except csv.Error:
        return None
    return found[0] if len(found) == 1 else [] if not found else None


def delimiters_of(first_line: str) -> str:
    """The delimiters that a file may have: ours, and the one that a first line `sep=;` of a spreadsheet names."""
    named = first_line.strip().strip('"')
    if named.lower().startswith("sep=") and len(named) == len("sep=") + 1 and not named[-1].isalnum():
        return named[-1] + DELIMITERS.replace(named[-1], "")
    return DELIMITERS
