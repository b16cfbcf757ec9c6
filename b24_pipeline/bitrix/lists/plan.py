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
from dataclasses import replace

from b24_pipeline.bitrix.batch import MAX_COMMANDS
from b24_pipeline.bitrix.lists.ranges import PAGE_ROWS, Chain, OpenRange, Seen

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


class RangePool:
    """The open ranges that nobody reads at the moment.

    `front_first`: also of a long list, pieces are cut off the low end, as long as its ids are even.
    """

    def __init__(self, ranges: Iterable[OpenRange] = (), *, front_first: bool = False) -> None:
        self._open = [opened for opened in ranges if opened.width > 0]
        self._front_first = front_first
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
        """Takes what a chain has found: later guesses go by it."""
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
        self._open = [replace(ids, patchiness=max(ids.patchiness, holes)) for ids in self._open]
        is_long = not self._front_first and self._is_long()
        self._coarse = self._coarse or self._patchy or is_long or self._is_uneven()
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
        """Pieces of one batch each, off the front of the next range; equal ones, so that none is left small."""
        batches: list[list[Chain]] = []
        self._open = [self._with_landed_density(opened) for opened in self._open]
        while len(batches) < most and (opened := self._next_to_cut()):
            full = self._commands * PAGE_ROWS
            likely = max(full - _PIECE_DEVIATIONS * opened.deviation(full), full * _SMALLEST_PIECE)
            end = opened.after + math.ceil(opened.width / math.ceil(opened.rows / likely))
            self._open.remove(opened)
            self.add(replace(opened, after=end))
            batches.append([Chain(replace(opened, upto=end), self._commands)])
        return batches

    def _next_to_cut(self) -> OpenRange | None:
        """The largest range that fills a batch, or the lowest one of them."""
        filling = [opened for opened in self._open if opened.pages >= self._enough]
        if self._front_first:
            return min(filling, key=lambda opened: opened.after, default=None)
        return max(filling, key=lambda opened: opened.rows, default=None)

    def _with_landed_density(self, opened: OpenRange) -> OpenRange:
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
            first, *tail = largest.split(parts)
            self._open.append(first)
            # Where ids turned out patchy, one batch looks into all the parts before each gets its own.
            look = max(self._commands // len(tail), 1) if self._patchy else 0
            self._open.extend(replace(part, look=look) for part in tail)

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
        fitting = (batch for batch in batches if sum(part.pages for part in batch) + chain.pages <= commands)
        batch = next(fitting, None)
        if batch is None:
            batches.append([chain])
        else:
            batch.append(chain)
    return batches
