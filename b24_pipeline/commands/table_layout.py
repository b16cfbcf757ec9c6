"""How wide the columns of a table are, and which of them give way where a terminal is narrow."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from rich.cells import cell_len

_BETWEEN = 2  # spaces between columns


@dataclass(frozen=True, slots=True)
class PrintedColumn:
    """A title and its cells; a cell of several parts is a tuple. Of a column that `is_whole` no cell is folded."""

    title: str
    cells: Sequence[str | tuple[str, ...]]
    is_whole: bool
    in_lines: bool = False
    """Each part of a cell has a line of its own."""
    width: int = 0

    @property
    def texts(self) -> list[str]:
        """The cells as they are printed."""
        between = "\n" if self.in_lines else ", "
        return [cell if isinstance(cell, str) else between.join(cell) for cell in self.cells]

    @property
    def least(self) -> int:
        """The width at which no word is cut, nor a whole cell folded."""
        is_whole = self.is_whole or any(isinstance(cell, tuple) for cell in self.cells)
        parts = [part for text in self.texts for part in (text.split("\n") if is_whole else text.split())]
        return _longest([*parts, *self.title.split()])

    @property
    def most(self) -> int:
        """The width at which nothing is folded."""
        return _longest([self.title, *(line for text in self.texts for line in text.split("\n"))])


def laid_out(
    columns: Sequence[PrintedColumn], width: int, gives_way: Sequence[int]
) -> list[PrintedColumn] | None:
    """The columns that fit into this width, with their widths; None where not even the least of them do.

    Cells of several parts are put in lines first, then the columns of these numbers are left out one by one.
    """
    left = dict(enumerate(columns))
    if _room(left.values(), width) < 0:
        left = {number: replace(column, in_lines=True) for number, column in left.items()}
    for number in gives_way:
        if _room(left.values(), width) < 0:
            del left[number]
    room = _room(left.values(), width)
    if room < 0:
        return None
    wide = []
    for column in left.values():
        more = min(room, column.most - column.least)
        room -= more
        wide.append(replace(column, width=column.least + more))
    return wide


def width_of(columns: Sequence[PrintedColumn]) -> int:
    """The width of a table of these columns, with the spaces between them."""
    return sum(column.width for column in columns) + _BETWEEN * (len(columns) - 1)


def _room(columns: Iterable[PrintedColumn], width: int) -> int:
    least = [column.least for column in columns]
    return width - sum(least) - _BETWEEN * (len(least) - 1)


def _longest(texts: Iterable[str]) -> int:
    return max(map(cell_len, texts), default=0)
