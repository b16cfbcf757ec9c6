"""Finds the ids that only one side has, among all rows of one entity, in few commands.

Ranges of ids are counted on both sides. One that differs is cut into parts and counted again, or its
rows are read, whichever takes fewer commands: few deleted rows of many are found by counting, many by reading.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from b24_pipeline.bitrix.batch import MAX_COMMANDS
from b24_pipeline.bitrix.lists.pages import ListQuery, Piece
from b24_pipeline.bitrix.lists.ranges import IdRange
from b24_pipeline.bitrix.lists.read import read_list
from b24_pipeline.entities import named
from b24_pipeline.entities.decode import row_id
from b24_pipeline.store.checks import rows as stored_rows
from b24_pipeline.sync.checks.row_slices import ID, Slice, SliceCounts, slice_ends, slice_numbers
from b24_pipeline.sync.checks.totals import filter_totals
from b24_pipeline.sync.job import Job

PARTS = 4
"""Parts of a range that differs; more of them where a request has room."""

PAGES_AT_ONCE = MAX_COMMANDS - 1
"""So many pages are always read: one request brings them."""

Compare = Callable[[Piece], None]
"""A function that compares the rows of a range of ids with our copy in some way of its own."""


@dataclass(slots=True)
class FoundIds:
    """`gone`: ids that only our copy has; `missing`: those that only the portal has; `left`: ranges not searched."""

    gone: set[int] = field(default_factory=set)
    missing: set[int] = field(default_factory=set)
    left: list[IdRange] = field(default_factory=list)


class IdSearch:
    """A search among the rows of one entity; `query` reads them, and `compare` sees each range that was read.

    `most_requests`: what it leaves undone after so many requests is in `found.left`; None for as many as it takes,
    which are hardly more than reading all ids takes.
    """

    def __init__(
        self, job: Job, query: ListQuery, entity: str, compare: Compare, most_requests: int | None = None
    ) -> None:
        self.job = job
        self.query = query
        self.entity = entity
        self.compare = compare
        self.found = FoundIds()
        self._last_request = None if most_requests is None else job.client.usage.requests + most_requests

    def count(self, slices: Sequence[Slice]) -> list[SliceCounts]:
        """Counts ranges on both sides, the portal's first: fifty a request."""
        entity = named(self.entity)
        in_portal = filter_totals(self.job, entity, [part.conditions(entity) for part in slices])
        places = slice_ends(slices)
        in_copy = self.job.transact(stored_rows.counts, self.entity, ID, places)
        numbers = slice_numbers(slices, places)
        return [
            SliceCounts(part, total, in_copy.get(number, 0))
            for part, total, number in zip(slices, in_portal, numbers, strict=True)
        ]

    def find(self, differing: Sequence[SliceCounts], *, at_least: int = 1) -> FoundIds:
        """Searches these ranges; `at_least` so many ids are known to differ in them by other figures.

        Raises what the portal answers instead.
        """
        to_read: list[SliceCounts] = []
        parts = list(differing)
        while parts:
            chosen, to_cut = _chosen_for_reading(parts, at_least)
            at_least = 1
            slices = self._cut(to_cut)
            before = [counts.slice for counts in to_cut]
            # rows that our copy lacks altogether give no bounds to cut at
            to_read += [*chosen, *(counts for counts in to_cut if counts.slice in slices)]
            slices = [part for part in slices if part not in before]
            if not slices:
                break
            if not self._may_send(math.ceil(len(slices) / MAX_COMMANDS)):
                self.found.left += [counts.slice.ids for counts in to_cut if counts not in to_read]
                break
            parts = [counts for counts in self.count(slices) if counts.differs]
        self._read(to_read)
        return self.found

    def _may_send(self, requests: int) -> bool:
        return self._last_request is None or self.job.client.usage.requests + requests <= self._last_request

    def _cut(self, differing: Sequence[SliceCounts]) -> list[Slice]:
        """Cuts each range into parts with about equally many rows of our copy."""
        if not differing:
            return []
        slices = [counts.slice for counts in differing]
        places = slice_ends(slices)
        numbers = slice_numbers(slices, places)
        parts = max(PARTS, MAX_COMMANDS // len(slices))
        bounds = self.job.transact(stored_rows.bounds, self.entity, ID, places, numbers, parts)
        return [
            part
            for whole, number in zip(slices, numbers, strict=True)
            for part in whole.cut(bounds.get(number, []))
        ]

    def _read(self, parts: Sequence[SliceCounts]) -> None:
        """Reads and compares ranges, as many as the requests left are likely to bring."""
        ranges = [
            part.ids for part in self._affordable(sorted(parts, key=lambda counts: counts.slice.start or 0))
        ]
        if not ranges:
            return
        pages = sum(counts.pages for counts in parts)
        chunks = read_list(
            self.job.client,
            self.query,
            ranges,
            concurrency=self.job.options.concurrency,
            first_pages=min(PAGES_AT_ONCE, math.ceil(pages / len(ranges))),
        )
        for chunk in chunks:
            for piece in chunk.pieces:
                self._compare_ids(piece)
                self.compare(piece)

    def _affordable(self, parts: Sequence[SliceCounts]) -> list[Slice]:
        """The ranges that the requests left can bring; the rest of them is left."""
        if self._last_request is None:
            return [counts.slice for counts in parts]
        room = max(self._last_request - self.job.client.usage.requests, 0) * PAGES_AT_ONCE
        chosen: list[Slice] = []
        for counts in parts:
            begun = counts.slice
            if counts.pages > room > 0:
                begun, *rest = self._beginning(counts, room)
                self.found.left += [part.ids for part in rest]
            if room > 0:
                chosen.append(begun)
            else:
                self.found.left.append(begun.ids)
            room -= counts.pages
        return chosen

    def _beginning(self, counts: SliceCounts, pages: int) -> list[Slice]:
        """The first so many pages of a range, by the ids of our copy, and the rest of it."""
        places = slice_ends([counts.slice])
        numbers = slice_numbers([counts.slice], places)
        parts = math.ceil(counts.pages / pages)
        bounds = self.job.transact(stored_rows.bounds, self.entity, ID, places, numbers, parts)
        return counts.slice.cut(bounds.get(numbers[0], [])[:1])

    def _compare_ids(self, piece: Piece) -> None:
        in_copy = self.job.transact(stored_rows.stamps, self.entity, piece.done.after, piece.done.upto)
        in_portal = {row_id(row) for row in piece.rows}
        self.found.gone |= in_copy.keys() - in_portal
        self.found.missing |= in_portal - in_copy.keys()


def _chosen_for_reading(
    parts: Sequence[SliceCounts], at_least: int
) -> tuple[list[SliceCounts], list[SliceCounts]]:
    """Parts ranges into those to read and those to cut: whichever is likely to take fewer commands."""
    if sum(counts.pages for counts in parts) <= PAGES_AT_ONCE:
        return list(parts), []
    reading = [counts for counts in parts if counts.pages <= _commands_of_counting(counts, at_least)]
    return reading, [counts for counts in parts if counts not in reading]


def _commands_of_counting(counts: SliceCounts, at_least: int) -> int:
    """About how many commands it takes to find the ids of a range by counting, and to read what is left."""
    differing = max(abs(counts.in_portal - counts.in_copy), at_least)
    levels = math.ceil(math.log(max(counts.pages, 2), PARTS))
    return differing * (PARTS * levels + 2)
