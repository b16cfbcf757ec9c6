"""Which id ranges to read next, and with how many pages each: the plan behind `listing.py`.

A chain of pages begins at the low end of a range and is bounded only by its
high end, so a gap in the ids costs nothing. What costs a request is a chain
longer than its range has rows, and what costs time is a chain that must wait
for another. Hence: while the ids are even, pieces that very likely fill one
batch each are cut off the front, by the density of what has landed. Once they
prove patchy, ranges are cut coarsely, and each is read from its low end by
full batches. What is left of both are tails, which are packed together.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from b24_pipeline.bitrix.batch import MAX_COMMANDS

PAGE_ROWS = 50

# Guesses are off by chance; a tail asked for two deviations too generously rarely needs another batch.
_DEVIATIONS = 2.0
# Where they are off by far more, reading on is cheaper than asking for pages in vain.
_MOST_MARGIN = 0.25
# A guess that may be off by more than this part is no reason to cut a range.
_WORTH_GUESSING = 0.5
# A piece cut off an even range overflows its batch this rarely.
_PIECE_DEVIATIONS = 1.5
_SMALLEST_PIECE = 0.8
# Single holes at random give at most 1.
_WIDE_HOLES = 1.5
# A range for which so many of a batch's pages are likely gets a batch of its own.
_NEARLY_FULL = 0.9
# A density is worth more than a guess once so many rows have told it.
_TELLING_ROWS = 1000
# With more than this left, every batch is full; the pieces of an even range are a little less.
_LONG_BATCHES = 24
# A batch this full is sent although others may still bring something to put in.
_FULL_ENOUGH = 0.8
# Nothing is held back for so few.
_LITTLE_ROWS = 250
# Splitting for a few rows more than a batch would make one more batch of them.
_WORTH_SPLITTING = 0.1
# After so many batches without trouble a shrunken batch grows again.
_GROW_AFTER = 16


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

    def add(self, other: Seen) -> None:
        self.rows += other.rows
        self.ids += other.ids
        self.squares += other.squares

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


class RangePool:
    """The open ranges that nobody reads at the moment."""

    def __init__(self, ranges: Iterable[OpenRange] = ()) -> None:
        self._open = [opened for opened in ranges if opened.width > 0]
        self._commands = MAX_COMMANDS
        self._good = 0
        self._patchy = False
        self._coarse = False
        self._landed = Seen()

    def add(self, opened: OpenRange) -> None:
        if opened.width > 0:
            self._open.append(opened)

    def ranges(self) -> list[OpenRange]:
        return list(self._open)

    def too_heavy(self, commands: int) -> None:
        """A batch of so many commands did not come through: halve them."""
        self._commands, self._good = max(1, commands // 2), 0

    def came_through(self) -> None:
        self._good += 1
        if self._good >= _GROW_AFTER and self._commands < MAX_COMMANDS:
            self._commands, self._good = min(self._commands * 2, MAX_COMMANDS), 0

    def landed(self, seen: Seen) -> None:
        """These rows were found."""
        self._landed.add(seen)

    def ended(self, chain: Chain, rows: int) -> None:
        """A chain reached the end of its range: far earlier than guessed, if the ids are patchy."""
        if chain.pages - rows // PAGE_ROWS > self._commands // 2:
            self._patchy = True

    def take(self, idle: int, coming: float = 0.0) -> list[list[Chain]]:
        """The batches to send now, at most `idle`; what is under way will leave `coming` rows to be read.

        A batch far from full is held back as long as that may fill it.
        """
        holes = self._landed.patchiness
        self._open = [replace(one, patchiness=max(one.patchiness, holes)) for one in self._open]
        self._coarse = self._coarse or self._patchy or self._is_long() or self._is_uneven()
        if self._coarse:
            self._spread(idle)
            batches = self._large(idle)
        else:
            batches = self._cut(idle)
        return batches + self._tails(idle - len(batches), nothing_comes=coming < _LITTLE_ROWS)

    @property
    def _pages(self) -> int:
        return sum(opened.pages for opened in self._open)

    def _is_long(self) -> bool:
        """Whether so much is left that full batches count more than the last ones ending together."""
        return sum(opened.rows for opened in self._open) > _LONG_BATCHES * self._commands * PAGE_ROWS

    def _is_uneven(self) -> bool:
        """Whether holes are so wide that pieces would overflow or be cut far too small."""
        return any(opened.patchiness > _WIDE_HOLES for opened in self._open)

    @property
    def _enough(self) -> int:
        """Pages for which a range gets a batch of its own."""
        return math.ceil(self._commands * _NEARLY_FULL)

    def _cut(self, most: int) -> list[list[Chain]]:
        """Pieces of one batch each, off the front of the largest range; equal ones, so that none is left small."""
        batches: list[list[Chain]] = []
        self._open = [self._told(opened) for opened in self._open]
        while self._open and len(batches) < most:
            largest = max(self._open, key=lambda opened: opened.rows)
            if largest.pages < self._enough:
                break
            full = self._commands * PAGE_ROWS
            likely = max(full - _PIECE_DEVIATIONS * largest.deviation(full), full * _SMALLEST_PIECE)
            end = largest.after + math.ceil(largest.width / math.ceil(largest.rows / likely))
            self._open.remove(largest)
            self.add(replace(largest, after=end))
            batches.append([Chain(replace(largest, upto=end), self._commands)])
        return batches

    def _told(self, opened: OpenRange) -> OpenRange:
        """With the density of what has landed, where that is more than was seen of it."""
        seen = self._landed
        if seen.rows < max(_TELLING_ROWS, opened.seen):
            return opened
        return replace(opened, density=seen.density, patchiness=seen.patchiness, seen=seen.rows)

    def _spread(self, idle: int) -> None:
        """Split the largest range where workers would stay idle."""
        large = [opened for opened in self._open if opened.pages >= self._enough]
        if not large or len(large) >= idle:
            return
        largest = max(large, key=lambda opened: opened.rows)
        batches = largest.rows / (self._commands * PAGE_ROWS)
        whole = int(batches)
        parts = min(whole + (batches - whole > _WORTH_SPLITTING), idle - len(large) + 1)
        if not self._landed.rows and 2 * whole >= idle:
            parts = idle  # the first guess may be far off: all look into the list, which tells more
        if parts > 1:
            self._open.remove(largest)
            first, *others = largest.split(parts)
            self._open.append(first)
            # Where ids turned out patchy, one batch looks into all the parts before each gets its own.
            look = max(self._commands // len(others), 1) if self._patchy else 0
            self._open.extend(replace(part, look=look) for part in others)

    def _large(self, most: int) -> list[list[Chain]]:
        """One batch for each range that fills it."""
        large = sorted(
            (opened for opened in self._open if opened.pages >= self._enough),
            key=lambda opened: -opened.rows,
        )[:most]
        for opened in large:
            self._open.remove(opened)
        return [[Chain(opened, self._commands)] for opened in large]

    def _tails(self, most: int, *, nothing_comes: bool) -> list[list[Chain]]:
        """What is too short for a batch of its own: whole, if that takes no more batches."""
        whole = _first_fit(self._open, self._commands)
        if nothing_comes and len(whole) <= min(most, math.ceil(self._pages / self._commands)):
            self._open = []
            return whole
        enough = 1 if nothing_comes else math.ceil(_FULL_ENOUGH * self._commands)
        batches: list[list[Chain]] = []
        while len(batches) < most and self._pages >= enough:
            batches.append(self._filled())
        return batches

    def _filled(self) -> list[Chain]:
        """One batch, filled with the longest tails; of the last one as much as likely fits."""
        chains: list[Chain] = []
        room = self._commands
        for opened in sorted(self._open, key=lambda opened: -opened.pages):
            self._open.remove(opened)
            begun = opened if opened.pages <= room or not opened.predictable else opened.beginning(room)
            chains.append(Chain(begun, min(opened.pages, room)))
            self.add(replace(opened, after=begun.upto))
            room -= chains[-1].pages
            if room <= 0:
                break
        return chains


def _first_fit(tails: Sequence[OpenRange], commands: int) -> list[list[Chain]]:
    """Whole tails in as few batches as the simple rule finds: longest first, into the first with room."""
    batches: list[list[Chain]] = []
    for tail in sorted(tails, key=lambda tail: -tail.pages):
        chain = Chain(tail, tail.pages)
        fitting = (batch for batch in batches if sum(one.pages for one in batch) + chain.pages <= commands)
        batch = next(fitting, None)
        if batch is None:
            batches.append([chain])
        else:
            batch.append(chain)
    return batches


def merged(ranges: Iterable[OpenRange | IdRange]) -> tuple[IdRange, ...]:
    """Ascending, with neighbours joined: a cursor short enough to store."""
    joined: list[IdRange] = []
    for one in sorted(ranges, key=lambda one: one.after):
        if joined and joined[-1].upto == one.after:
            joined[-1] = IdRange(joined[-1].after, one.upto)
        else:
            joined.append(IdRange(one.after, one.upto))
    return tuple(joined)
