"""Ranges of ids, and what is known of their rows: how many are likely, and how far off that may be."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import pairwise

PAGE_ROWS = 50

# Guesses are off by chance; a tail asked for two deviations too generously rarely needs another batch.
_DEVIATIONS = 2.0
# Where they are off by far more, reading on is cheaper than asking for pages in vain.
_MOST_MARGIN = 0.25
# A guess that may be off by more than this part is no reason to cut a range.
_WORTH_GUESSING = 0.5


@dataclass(frozen=True, slots=True)
class IdRange:
    """The ids after `after`, up to and including `upto`; None: up to the highest there is."""

    after: int
    upto: int | None = None


@dataclass(frozen=True, slots=True)
class OpenRange:
    """A range not yet read, with what its neighbourhood showed over `seen` rows.

    `density`: rows per id. `patchiness`: the variance of a count of rows, over
    their number; holes that are alone give 1 - density, wide ones far more.
    """

    after: int
    upto: int
    density: float = 1.0
    patchiness: float = 0.0
    seen: int = 1
    failures: int = 0
    look: int = 0

    @property
    def width(self) -> int:
        return self.upto - self.after

    @property
    def rows(self) -> float:
        """How many rows it is likely to hold."""
        return self.width * min(self.density, 1.0)

    @property
    def pages(self) -> int:
        """Pages that very likely suffice, the short one that ends the chain included."""
        likely_most = self.rows + min(_DEVIATIONS * self.deviation(self.rows), self.rows * _MOST_MARGIN)
        enough = int(likely_most // PAGE_ROWS) + 1
        if likely_most >= self.width:
            enough = math.ceil(self.width / PAGE_ROWS)
        return min(enough, self.look) if self.look else enough

    def deviation(self, rows: float) -> float:
        """By how much a guess of so many rows is off, usually."""
        return math.sqrt(rows * self.patchiness * (1.0 + rows / self.seen))

    @property
    def predictable(self) -> bool:
        """Whether a guess of its rows is worth something."""
        return _DEVIATIONS * self.deviation(self.rows) <= self.rows * _WORTH_GUESSING

    def beginning(self, pages: int) -> OpenRange:
        """As much of it as so many pages very likely hold."""
        rows = pages * PAGE_ROWS
        likely = rows - min(_DEVIATIONS * self.deviation(rows), rows * _MOST_MARGIN)
        return replace(self, upto=min(self.after + math.ceil(likely / self.density), self.upto))

    def split(self, parts: int) -> list[OpenRange]:
        """Equal widths; fewer parts if it has not so many ids."""
        edges = [self.after + self.width * part // parts for part in range(parts + 1)]
        return [replace(self, after=low, upto=high) for low, high in pairwise(edges) if low < high]


@dataclass(slots=True)
class Seen:
    """What rows told of their list: how many on how many ids, and the squares of the steps between them."""

    rows: int = 0
    ids: int = 0
    squares: int = 0

    def add(self, seen: Seen) -> None:
        self.rows += seen.rows
        self.ids += seen.ids
        self.squares += seen.squares

    @property
    def density(self) -> float:
        return self.rows / self.ids

    @property
    def patchiness(self) -> float:
        """The variance of a step, in steps: by so much a count of rows on a width varies."""
        if not self.rows:
            return 0.0
        step = self.ids / self.rows
        return max(self.squares / self.rows / step**2 - 1.0, 0.0)


@dataclass(frozen=True, slots=True)
class Chain:
    """A run of pages from the low end of a range, each beginning where the one before ended."""

    range: OpenRange
    pages: int

    @property
    def leaves(self) -> float:
        """How many rows of its range it may well not reach."""
        rows = self.range.rows
        return max(rows + self.range.deviation(rows) - self.pages * PAGE_ROWS, 0.0)


def merged(ranges: Iterable[OpenRange | IdRange]) -> tuple[IdRange, ...]:
    """Ascending, with neighbours joined: a cursor short enough to store."""
    joined: list[IdRange] = []
    for ids in sorted(ranges, key=lambda ids: ids.after):
        if joined and joined[-1].upto == ids.after:
            joined[-1] = IdRange(joined[-1].after, ids.upto)
        else:
            joined.append(IdRange(ids.after, ids.upto))
    return tuple(joined)
