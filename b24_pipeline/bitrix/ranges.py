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

# Guesses are off by chance; a tail cut three deviations too generously rarely needs another batch.
_DEVIATIONS = 3.0
# A piece cut off an even range overflows its batch this rarely.
_PIECE_DEVIATIONS = 1.5
_SMALLEST_PIECE = 0.8
# A range for which so many of a batch's pages are likely gets a batch of its own.
_NEARLY_FULL = 0.9
# A density is worth more than a guess once so many rows have told it.
_TELLING_ROWS = 1000
# With more than this left, every batch is full; the pieces of an even range are a little less.
_LONG_BATCHES = 24
# A batch this full is sent although others may still bring something to put in.
_FULL_ENOUGH = 0.8
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
    """A range not yet read, with what its neighbourhood showed: rows per id, over `seen` rows."""

    after: int
    upto: int
    density: float = 1.0
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
        likely_most = self.rows + _DEVIATIONS * self.deviation(self.rows)
        enough = int(likely_most // PAGE_ROWS) + 1
        if likely_most >= self.width:
            enough = math.ceil(self.width / PAGE_ROWS)
        return min(enough, self.look) if self.look else enough

    def deviation(self, rows: float) -> float:
        """By how much a guess of so many rows is off, usually."""
        return math.sqrt(rows * max(1.0 - self.density, 0.0) * (1.0 + rows / self.seen))

    def split(self, parts: int) -> list[OpenRange]:
        """Equal widths; fewer parts if it has not so many ids."""
        edges = [self.after + self.width * part // parts for part in range(parts + 1)]
        return [replace(self, after=low, upto=high) for low, high in pairwise(edges) if low < high]


@dataclass(frozen=True, slots=True)
class Chain:
    """A run of pages from the low end of a range, each beginning where the one before ended."""

    range: OpenRange
    pages: int


class RangePool:
    """The open ranges that nobody reads at the moment."""

    def __init__(self, ranges: Iterable[OpenRange] = ()) -> None:
        self._open = [opened for opened in ranges if opened.width > 0]
        self._commands = MAX_COMMANDS
        self._good = 0
        self._patchy = False
        self._coarse = False
        self._rows = self._ids = 0  # landed

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

    def landed(self, rows: int, ids: int) -> None:
        """So many rows were found on so many ids."""
        self._rows += rows
        self._ids += ids

    def ended(self, chain: Chain, rows: int) -> None:
        """A chain reached the end of its range: far earlier than guessed, if the ids are patchy."""
        if chain.pages - rows // PAGE_ROWS > self._commands // 2:
            self._patchy = True

    def take(self, idle: int, busy: int) -> list[list[Chain]]:
        """The batches to send now, at most `idle`, while `busy` others are under way.

        A batch far from full is held back as long as others may bring more.
        """
        self._coarse = self._coarse or self._patchy or self._is_long()
        if self._coarse:
            self._spread(idle)
            batches = self._large(idle)
        else:
            batches = self._cut(idle)
        tails = [opened for opened in self._open if opened.pages < self._enough]
        room = idle - len(batches)
        if not tails or room <= 0:
            return batches
        if busy + len(batches) == 0:
            return self._last_tails(tails, room)
        while room > 0 and self._worth_sending():
            batches.append(self._filled())
            room -= 1
        return batches

    def _is_long(self) -> bool:
        """Whether so much is left that full batches count more than the last ones ending together."""
        return sum(opened.rows for opened in self._open) > _LONG_BATCHES * self._commands * PAGE_ROWS

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
        if self._rows < max(_TELLING_ROWS, opened.seen):
            return opened
        return replace(opened, density=self._rows / self._ids, seen=self._rows)

    def _spread(self, idle: int) -> None:
        """Split the largest range where workers would stay idle."""
        large = [opened for opened in self._open if opened.pages >= self._enough]
        if not large or len(large) >= idle:
            return
        largest = max(large, key=lambda opened: opened.rows)
        batches = largest.rows / (self._commands * PAGE_ROWS)
        whole = int(batches)
        parts = min(whole + (batches - whole > _WORTH_SPLITTING), idle - len(large) + 1)
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

    def _last_tails(self, tails: Sequence[OpenRange], room: int) -> list[list[Chain]]:
        """Nothing else will come: all tails now, each whole if that takes no more batches."""
        whole = _first_fit(tails, self._commands)
        if len(whole) <= min(room, math.ceil(sum(tail.pages for tail in tails) / self._commands)):
            for tail in tails:
                self._open.remove(tail)
            return whole
        batches: list[list[Chain]] = []
        while self._open and len(batches) < room:
            batches.append(self._filled())
        return batches

    def _worth_sending(self) -> bool:
        return sum(opened.pages for opened in self._open) >= _FULL_ENOUGH * self._commands

    def _filled(self) -> list[Chain]:
        """One batch, filled with the longest tails; the last one is begun if it does not fit."""
        chains: list[Chain] = []
        room = self._commands
        for opened in sorted(self._open, key=lambda opened: -opened.pages):
            if room == 0:
                break
            self._open.remove(opened)
            chains.append(Chain(opened, min(opened.pages, room)))
            room -= chains[-1].pages
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


def merged(ranges: Iterable[OpenRange]) -> tuple[IdRange, ...]:
    """Ascending, with neighbours joined: a cursor short enough to store."""
    joined: list[IdRange] = []
    for opened in sorted(ranges, key=lambda opened: opened.after):
        if joined and joined[-1].upto == opened.after:
            joined[-1] = IdRange(joined[-1].after, opened.upto)
        else:
            joined.append(IdRange(opened.after, opened.upto))
    return tuple(joined)
