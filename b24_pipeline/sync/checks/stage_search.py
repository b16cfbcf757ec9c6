"""Finds the ids that differ in one stage, by comparing all of its rows or by counting.

A stage with few rows is read. A larger one is cut into parts by id, each part is
counted on both sides, and a part that differs is cut further or read.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from b24_pipeline.bitrix.batch import MAX_COMMANDS
from b24_pipeline.bitrix.lists.pages import walk
from b24_pipeline.bitrix.lists.ranges import PAGE_ROWS, IdRange
from b24_pipeline.bitrix.lists.read import read_list
from b24_pipeline.store.checks import stages as store
from b24_pipeline.store.checks.stages import Amount, Window
from b24_pipeline.sync.checks.stage_queries import StageQueries, id_conditions, rows_by_id
from b24_pipeline.sync.checks.stage_tally import EVERY_ID, LaterChanges, StageTally
from b24_pipeline.sync.job import Job

MOST_READ = (MAX_COMMANDS - 2) * PAGE_ROWS
"""Rows that one request can bring."""

PARTS = MAX_COMMANDS
"""Parts of a stage that one request can count."""


@dataclass(slots=True)
class RequestAllowance:
    """How many requests the search of one stage may still take."""

    requests: int

    def take_request(self) -> bool:
        """Takes one request from the allowance; False where none is left."""
        self.requests -= 1
        return self.requests >= 0


@dataclass(frozen=True, slots=True)
class _Part:
    """A range of ids of a stage, and how many rows it has in the portal and in our copy."""

    ids: IdRange
    in_portal: int
    in_copy: int


class StageSearch:
    """Looks for the ids that make one stage differ."""

    def __init__(self, job: Job, queries: StageQueries, tally: StageTally, changed: LaterChanges) -> None:
        self.job = job
        self.queries = queries
        self.tally = tally
        self.changed = changed

    def find(self, allowance: RequestAllowance) -> None:
        """Searches while the allowance has requests; the difference not found by then is `tally.hidden`.

        Raises what the portal answers instead.
        """
        parts = [_Part(EVERY_ID, self.tally.in_portal, self.tally.in_copy)]
        while parts and allowance.take_request():
            part = parts.pop(0)
            cut = self._cut(part) if max(part.in_portal, part.in_copy) > MOST_READ else []
            if len(cut) > 1:
                parts += self._differing(cut)
            else:
                self._read(part)
        self.tally.hidden = sum(self._apart(part) for part in parts)

    def compare_all(self) -> None:
        """Compares every row of the stage, in as many requests as it takes; raises what the portal answers instead."""
        self.tally.begin_whole()
        highest = 0
        query = self.queries.rows_query(self.tally.place)
        for chunk in read_list(self.job.client, query, concurrency=self.job.options.concurrency):
            for piece in chunk.pieces:
                in_copy = self._in_copy(piece.done)
                self.tally.compare(rows_by_id(self.queries, piece.rows), in_copy, self.changed)
                highest = max(highest, piece.done.upto or 0)
        self.tally.compare({}, self._in_copy(IdRange(highest, None)), self.changed)

    def _read(self, part: _Part) -> None:
        """Reads and compares a part in one request; of a part that has grown beyond that, the rows that came."""
        query = self.queries.rows_query(self.tally.place)
        pages = min(MAX_COMMANDS, part.in_portal // PAGE_ROWS + 2)
        chain = query.chain("row", part.ids.after, part.ids.upto, pages)
        answer = self.job.client.batch(chain)
        found = walk(self.job.portal.name, query, answer, list(chain), part.ids.after, part.ids.upto)
        if found.error:
            raise found.error
        if found.complete and part.ids == EVERY_ID:
            self.tally.begin_whole()
        ids = part.ids if found.complete else IdRange(part.ids.after, found.covered)
        self.tally.compare(rows_by_id(self.queries, found.rows), self._in_copy(ids), self.changed)

    def _in_copy(self, ids: IdRange) -> dict[int, Amount]:
        window = Window(self.tally.place, ids.after, ids.upto)
        (rows,) = self.job.transact(store.rows_within, [window])
        return rows

    def _cut(self, part: _Part) -> list[IdRange]:
        """Cuts a part into ranges of ids with about equally many rows of our copy."""
        window = Window(self.tally.place, part.ids.after, part.ids.upto)
        bounds = self.job.transact(store.bounds, window, PARTS)
        inside = [place for place in bounds if place != part.ids.upto]
        return [
            IdRange(after or 0, upto) for after, upto in pairwise([part.ids.after, *inside, part.ids.upto])
        ]

    def _differing(self, parts: Sequence[IdRange]) -> list[_Part]:
        place = self.tally.place
        commands = {
            f"part_{number}": self.queries.count_command(place, id_conditions(ids))
            for number, ids in enumerate(parts)
        }
        answer = self.job.client.batch(commands)
        in_copy = self._counts(parts)
        counted = [
            _Part(ids, self.queries.read_count(answer, key, place).total, count)
            for key, ids, count in zip(commands, parts, in_copy, strict=True)
        ]
        return [part for part in counted if self._apart(part)]

    def _counts(self, parts: Sequence[IdRange]) -> list[int]:
        thresholds = sorted({end for ids in parts for end in (ids.after, ids.upto) if end is not None})
        counts = self.job.transact(store.count_within, self.tally.place, thresholds)
        return [counts.get(thresholds.index(ids.after) + 1, 0) for ids in parts]

    def _apart(self, part: _Part) -> int:
        """How many more rows the portal has than our copy, apart from changes after the sync."""
        return part.in_portal - part.in_copy - self.changed.balance(self.tally.place, part.ids)
