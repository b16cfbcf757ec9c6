"""`b24 reconcile`: finds and repairs rows that neither events nor watermarks brought, by counting on both sides.

A count costs one command, so the rows of each entity are cut into slices of
about equal size, in two ways. Slices by id show rows that were lost or deleted.
Slices by time of modification show changes that were missed, and a lost row that
a deleted one makes up for. A slice whose counts differ is cut again; once it is
small its ids and times are read and compared.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from math import ceil
from typing import Any

from b24_pipeline.bitrix.batch import MAX_COMMANDS
from b24_pipeline.bitrix.lists.pages import Piece
from b24_pipeline.bitrix.lists.ranges import PAGE_ROWS, IdRange
from b24_pipeline.bitrix.lists.read import read_list
from b24_pipeline.entities import Entity
from b24_pipeline.entities.columns import read_timestamp
from b24_pipeline.errors import TooManyVanished
from b24_pipeline.store.checks import coverage
from b24_pipeline.store.checks import rows as stored_rows
from b24_pipeline.store.checks.rows import Within
from b24_pipeline.store.crm import cursors
from b24_pipeline.store.crm.history import now
from b24_pipeline.store.database.warehouse import Connection
from b24_pipeline.sync.checks.all_rows import compare_all_rows
from b24_pipeline.sync.checks.row_slices import ID, MODIFIED, Slice, SliceCounts, slice_ends, slice_numbers
from b24_pipeline.sync.checks.totals import filter_totals
from b24_pipeline.sync.crm.chosen_entities import histories_of
from b24_pipeline.sync.crm.deletions import confirm_deletions, fetched_by_id, store_fetched
from b24_pipeline.sync.crm.entity_copy import EntityCopy
from b24_pipeline.sync.crm.history import sync_history
from b24_pipeline.sync.crm.load import load_entity
from b24_pipeline.sync.crm.scope import Scope
from b24_pipeline.sync.job import Job, Step
from b24_pipeline.sync.outcome import Outcome

SMALL_SLICE = 2500
"""A slice of at most so many rows is compared row by row: one request brings their ids and times."""

MOST_PARTS = 25
"""Slices by id, and as many by time: together they fill one batch of fifty commands."""

WHOLE_EVERY = timedelta(days=7)
"""How often every field of every row is compared, whatever the counts say.

Counts can agree by chance: one row lost and another deleted in the same slice of
both kinds. And a change that leaves `DATE_MODIFY` as it was shows in no count. To
read a million rows takes four hundred requests, which is too much for every night
and little for a week.
"""

UNKNOWN = 10**9  # rows; more than any portal has, so that the first request takes as many pages as it can

RECONCILE = Scope("reconcile", "reconcile")


def reconcile_steps(entities: Sequence[Entity], *, whole: bool = False) -> list[Step]:
    """The steps of a reconciliation: for each entity an incremental load and the comparison, then the histories.

    The load comes first so that only what was missed still differs. The histories come last, to bring the
    moves of the rows that were repaired. `whole` compares every field of every row instead of counts.
    """
    steps: list[Step] = []
    for entity in entities:
        steps.append(partial(load_entity, entity=entity, full=False))
        steps.append(_comparison_step(entity, whole=whole))
    return [*steps, *(partial(sync_history, history=history) for history in histories_of(entities))]


def _comparison_step(entity: Entity, *, whole: bool) -> Step:
    return lambda job: [reconcile_entity(job, entity, whole=whole)]


def reconcile_entity(job: Job, entity: Entity, *, whole: bool = False) -> Outcome:
    """Compares one entity with the portal and repairs what differs; `whole` compares every field of every row.

    The outcome counts the rows that were missing from our copy, outdated in it, and gone from the portal.
    Errors, TooManyVanished among them, end in `outcome.error`.
    """
    with job.recorded(entity.name, RECONCILE.sync_type) as outcome, job.alone(entity.name):
        _Reconciliation(EntityCopy(job, entity, RECONCILE), outcome).run(whole=whole)
    return outcome


def _is_small(counts: SliceCounts) -> bool:
    """Whether the slice has few enough rows to be read and compared row by row."""
    return max(counts.in_portal, counts.in_copy) <= SMALL_SLICE


class _Reconciliation:
    def __init__(self, entity_copy: EntityCopy, outcome: Outcome) -> None:
        self.entity_copy = entity_copy
        self.job = entity_copy.job
        self.entity = entity_copy.entity
        self.outcome = outcome
        self._account = entity_copy.job.portal.id

    @property
    def _modified(self) -> str:
        return self.entity.modified or ""

    @property
    def _is_dated(self) -> bool:
        """Whether the time of modification is read at all."""
        return bool(self._modified) and self.entity_copy.reads_field(self._modified)

    def run(self, *, whole: bool) -> None:
        started = self.job.warehouse.transact(self._begin)
        everything = SliceCounts(Slice(ID), UNKNOWN, sum(self._stored_counts(ID, []).values()))
        whole = whole or self._is_due(started)
        if whole:
            compare_all_rows(self.entity_copy, started, self.outcome)
        elif everything.in_copy <= SMALL_SLICE:
            self._repair([everything])
        else:
            self._compare_counts()
        self.job.warehouse.transact(self._end, started if whole else None)
        self.outcome.proved = coverage.ALWAYS

    def _begin(self, connection: Connection) -> datetime:
        self.entity_copy.forget_vanished(connection)
        return now(connection)

    def _is_due(self, moment: datetime) -> bool:
        """Whether all rows were last compared too long ago, or never."""
        last = self.job.transact(cursors.cursor_of, self._comparison_cursor).watermark
        return last is None or last > moment or moment - last >= WHOLE_EVERY  # later: the clock was put back

    @property
    def _comparison_cursor(self) -> str:
        return f"{self.entity.name}_compared"

    def _end(self, connection: Connection, compared: datetime | None) -> None:
        if compared:
            cursors.note_done(connection, self._account, self._comparison_cursor, compared)
        coverage.prove(
            connection,
            self._account,
            self.entity.name,
            RECONCILE.sync_type,
            time_zone=self.job.portal.time_zone,
        )

    def _compare_counts(self) -> None:
        """Repairs slices by id first: rows that were missing or gone may explain the slices by time as well."""
        axes = [ID, MODIFIED] if self._is_dated else [ID]
        differing = self._differing([part for axis in axes for part in self._cut([Slice(axis)])])
        with suppress(
            TooManyVanished
        ):  # asked again below: that many rows are gone keeps no edit from being repaired
            self._repair(self._narrowed([counts for counts in differing if counts.slice.axis == ID]))
        still = self._recounted([counts for counts in differing if counts.slice.axis == MODIFIED])
        self._repair(self._narrowed(still))

    def _narrowed(self, differing: Sequence[SliceCounts]) -> list[SliceCounts]:
        """Cuts slices until those that differ are small."""
        small = [counts for counts in differing if _is_small(counts)]
        large = [counts for counts in differing if not _is_small(counts)]
        while large:
            before = [counts.slice for counts in large]
            parts = self._cut(before)
            # a slice with few rows in our copy, or with all of them at one place, cannot be cut further
            small += [counts for counts in large if counts.slice in parts]
            differing = self._differing([part for part in parts if part not in before])
            small += [counts for counts in differing if _is_small(counts)]
            large = [counts for counts in differing if not _is_small(counts)]
        return small

    def _cut(self, slices: Sequence[Slice]) -> list[Slice]:
        """Cuts each slice into parts with about equally many rows of our copy; one with few rows stays whole."""
        axis, places = slices[0].axis, slice_ends(slices)
        in_copy = self._stored_counts(axis, places)
        known = slice_numbers(slices, places)
        largest = max(in_copy.get(number, 0) for number in known)
        parts = MOST_PARTS if len(slices) == 1 else min(MOST_PARTS, ceil(2 * largest / SMALL_SLICE))
        if largest <= SMALL_SLICE // 2:
            return list(slices)
        bounds = self.job.transact(stored_rows.bounds, self.entity.name, axis, places, known, parts)
        return [
            part
            for whole, number in zip(slices, known, strict=True)
            for part in whole.cut(bounds.get(number, []))
        ]

    def _differing(self, slices: Sequence[Slice]) -> list[SliceCounts]:
        """Counts these slices on both sides and returns those that differ."""
        in_portal = filter_totals(self.job, self.entity, [part.conditions(self.entity) for part in slices])
        counts = [SliceCounts(part, total, 0) for part, total in zip(slices, in_portal, strict=True)]
        return self._recounted(counts)

    def _recounted(self, known: Sequence[SliceCounts]) -> list[SliceCounts]:
        """Counts our copy again and returns the slices that still differ from the portal."""
        recounted: list[SliceCounts] = []
        for axis in dict.fromkeys(counts.slice.axis for counts in known):
            on_axis = [counts for counts in known if counts.slice.axis == axis]
            slices = [counts.slice for counts in on_axis]
            places = slice_ends(slices)
            in_copy = self._stored_counts(axis, places)
            recounted += [
                replace(counts, in_copy=in_copy.get(number, 0))
                for counts, number in zip(on_axis, slice_numbers(slices, places), strict=True)
            ]
        return [counts for counts in recounted if counts.differs]

    def _stored_counts(self, axis: str, places: Sequence[int]) -> dict[int, int]:
        return self.job.transact(stored_rows.counts, self.entity.name, axis, places)

    def _repair(self, parts: Sequence[SliceCounts]) -> None:
        """Reads ids and times of these slices, fetches the rows that differ, and marks deleted ones."""
        wanted: set[int] = set()
        for piece, modified in self._pieces(parts):
            wanted.update(self._compared_with(piece, modified))
        self._fetch(sorted(wanted))
        confirm_deletions(self.entity_copy, self.outcome)

    def _pieces(self, parts: Sequence[SliceCounts]) -> Iterator[tuple[Piece, Within]]:
        """Each piece of rows from the portal, with the range of `DATE_MODIFY` that it covers completely."""
        by_id = [counts for counts in parts if counts.slice.axis == ID]
        if by_id:
            ranges = [counts.slice.ids for counts in by_id]
            for piece in self._read({}, ranges, sum(counts.in_portal for counts in by_id)):
                yield piece, (None, None)
        for counts in parts:
            if counts.slice.axis == MODIFIED:
                for piece in self._read(
                    counts.slice.conditions(self.entity), [counts.slice.ids], counts.in_portal
                ):
                    yield piece, (counts.slice.start, counts.slice.end)

    def _read(self, conditions: Mapping[str, Any], ranges: Sequence[IdRange], rows: int) -> Iterator[Piece]:
        """Reads ids and times of the ranges, about `rows` of them.

        The last piece is empty and covers the ids beyond the portal's highest: what our copy has there is gone.
        """
        fields = (self.entity.id_field, self._modified) if self._is_dated else (self.entity.id_field,)
        query = self.entity_copy.query_of(fields, conditions)
        highest = max(ids.after for ids in ranges)
        chunks = read_list(
            self.job.client,
            query,
            ranges,
            concurrency=self.job.options.concurrency,
            first_pages=min(MAX_COMMANDS - 1, rows // PAGE_ROWS + 2),
        )
        for chunk in chunks:
            for piece in chunk.pieces:
                highest = max(highest, piece.done.upto or 0)
                yield piece
        if any(ids.upto is None for ids in ranges):
            yield Piece(IdRange(highest, None), [])

    def _compared_with(self, piece: Piece, modified: Within) -> list[int]:
        """Notes the rows that the portal lacks; returns the ids of rows to fetch: missing or outdated in our copy."""
        in_copy = self.job.transact(
            stored_rows.stamps, self.entity.name, piece.done.after, piece.done.upto, modified
        )
        ids = self.entity_copy.ids_of(piece.rows)
        moments = [_moment(row.get(self._modified)) for row in piece.rows]
        in_portal = dict(zip(ids, moments, strict=True))
        gone = [number for number in in_copy if number not in in_portal]
        if gone:
            self.job.transact(stored_rows.note_gone, self.entity.name, self.entity_copy.scope.name, gone)
        return [
            number
            for number, moment in in_portal.items()
            if number not in in_copy or (self._is_dated and in_copy[number] != moment)
        ]

    def _fetch(self, ids: Sequence[int]) -> None:
        for asked_at, rows in fetched_by_id(self.entity_copy, ids):
            found = self.entity_copy.ids_of(rows)
            known = self.job.transact(stored_rows.known, self.entity.name, found)
            self.outcome.missing += len(found) - known
            self.outcome.outdated += known
            store_fetched(self.entity_copy, rows, asked_at, self.outcome)


def _moment(value: Any) -> datetime | None:
    """A time as our copy stores it, where a value that is no time is null."""
    try:
        text = read_timestamp(value)
    except ValueError:
        return None
    return datetime.fromisoformat(text) if text else None
