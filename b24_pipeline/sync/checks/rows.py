"""Finds and repairs what events and watermarks missed, by counting on both sides.

A `total` costs the portal's budget one command, so each entity is parted into
slices of about as many rows: by id, which shows rows lost and rows deleted, and
by the time of modification, which shows changes missed, and what balances in
the other. Where the counts differ the slice is parted further, and read (ids
and times only) once it is small.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from math import ceil
from typing import Any

from b24_pipeline.bitrix.batch import MAX_COMMANDS
from b24_pipeline.bitrix.lists.pages import ListQuery, Piece
from b24_pipeline.bitrix.lists.ranges import PAGE_ROWS, IdRange
from b24_pipeline.bitrix.lists.read import read_ids, read_list
from b24_pipeline.entities import CRM, HISTORIES, Entity, History
from b24_pipeline.entities.columns import read_timestamp
from b24_pipeline.entities.decode import row_id
from b24_pipeline.store.checks import coverage
from b24_pipeline.store.checks import rows as stored_rows
from b24_pipeline.store.checks.rows import Within
from b24_pipeline.store.crm import cursors
from b24_pipeline.store.crm.history import now
from b24_pipeline.store.database.warehouse import Connection
from b24_pipeline.sync.checks.row_slices import ID, MODIFIED, Slice, numbers, thresholds
from b24_pipeline.sync.checks.totals import counted
from b24_pipeline.sync.crm.deletions import bury_vanished, keep
from b24_pipeline.sync.crm.history import sync_history
from b24_pipeline.sync.crm.load import load_entity
from b24_pipeline.sync.crm.reader import Reading
from b24_pipeline.sync.crm.scope import Scope
from b24_pipeline.sync.job import Job, Step
from b24_pipeline.sync.outcome import Outcome

SMALL_SLICE = 2500
"""Rows that are compared one by one: ids and times of so many come in one request, as counts would."""

MOST_PARTS = 25
"""Slices of one axis at first: both axes together fill one batch of fifty."""

WHOLE_EVERY = timedelta(days=7)
"""How often all ids and times are compared, whatever the counts say.

One row lost and another deleted among the same neighbours, both last modified
in the same slice of time, leave every count as it was. Reading the ids and
times of a million rows takes four hundred requests: too much for each night,
little for a week.
"""

UNKNOWN = 10**9  # as many pages as fit into the first request

RECONCILE = Scope("reconcile", "reconcile")


def reconcile_steps(*, whole: bool = False) -> list[Step]:
    """In this order: what changed since the last sync, the comparison, then the moves of what was repaired.

    The first costs a request an entity, and leaves only what was missed to differ.
    """
    steps: list[Step] = []
    for entity in CRM:
        steps.append(_loading(entity))
        steps.append(_comparing(entity, whole=whole))
    return [*steps, *(_moves(history) for history in HISTORIES)]


def _loading(entity: Entity) -> Step:
    return lambda job: load_entity(job, entity, full=False)


def _comparing(entity: Entity, *, whole: bool) -> Step:
    return lambda job: [reconcile_entity(job, entity, whole=whole)]


def _moves(history: History) -> Step:
    return lambda job: sync_history(job, history)


def reconcile_entity(job: Job, entity: Entity, *, whole: bool = False) -> Outcome:
    """Compares one entity with the portal and repairs what differs; `whole`: every row, not only counts.

    The outcome tells rows that were missing here, outdated, and gone from the
    portal. Raises nothing: TooManyVanished and the like end in its error.
    """
    with job.recorded(entity.name, RECONCILE.sync_type) as outcome, job.alone(entity.name):
        _Reconciliation(Reading(job, entity, RECONCILE), outcome).run(whole=whole)
    return outcome


@dataclass(frozen=True, slots=True)
class SliceCounts:
    """How many rows a slice has there, in the portal, and here."""

    slice: Slice
    in_portal: int
    in_copy: int

    @property
    def differs(self) -> bool:
        """Whether something is missing on one side, or stands elsewhere."""
        return self.in_portal != self.in_copy

    @property
    def is_small(self) -> bool:
        """Whether its rows may be read."""
        return max(self.in_portal, self.in_copy) <= SMALL_SLICE


class _Reconciliation:
    def __init__(self, reading: Reading, outcome: Outcome) -> None:
        self.reading = reading
        self.job = reading.job
        self.entity = reading.entity
        self.outcome = outcome
        self._account = reading.job.portal.id

    def run(self, *, whole: bool) -> None:
        started = self.job.warehouse.transact(self._begin)
        everything = SliceCounts(Slice(ID), UNKNOWN, sum(self._stored_counts(ID, []).values()))
        whole = whole or everything.in_copy <= SMALL_SLICE or self._is_due(started)
        if whole:
            self._repair([everything])
        else:
            self._compare_counts()
        self.job.warehouse.transact(self._end, started if whole else None)

    def _begin(self, connection: Connection) -> datetime:
        self.reading.forget_vanished(connection)
        return now(connection)

    def _is_due(self, moment: datetime) -> bool:
        """Whether all rows were compared too long ago, or never."""
        last = self.job.transact(cursors.cursor_of, self._compared).watermark
        return last is None or moment - last >= WHOLE_EVERY

    @property
    def _compared(self) -> str:
        return f"{self.entity.name}_compared"

    def _end(self, connection: Connection, compared: datetime | None) -> None:
        if compared:
            cursors.advance(connection, self._account, self._compared, watermark=compared)
        coverage.prove(
            connection,
            self._account,
            self.entity.name,
            RECONCILE.sync_type,
            time_zone=self.job.portal.time_zone,
        )

    def _compare_counts(self) -> None:
        """First what is missing or gone; that may explain the times too."""
        axes = [ID, MODIFIED] if self.reading.keeps(MODIFIED) else [ID]
        differing = self._differing([part for axis in axes for part in self._cut([Slice(axis)])])
        self._repair(self._narrowed([one for one in differing if one.slice.axis == ID]))
        still = self._recounted([one for one in differing if one.slice.axis == MODIFIED])
        self._repair(self._narrowed(still))

    def _narrowed(self, differing: Sequence[SliceCounts]) -> list[SliceCounts]:
        """The small slices in which the differences are."""
        small = [one for one in differing if one.is_small]
        large = [one for one in differing if not one.is_small]
        while large:
            before = [one.slice for one in large]
            parts = self._cut(before)
            small += [one for one in large if one.slice in parts]  # few are here, or all at one place
            found = self._differing([one for one in parts if one not in before])
            small += [one for one in found if one.is_small]
            large = [one for one in found if not one.is_small]
        return small

    def _cut(self, slices: Sequence[Slice]) -> list[Slice]:
        """Each into parts of about as many rows of ours; itself where it has few of them."""
        axis, places = slices[0].axis, thresholds(slices)
        in_copy = self._stored_counts(axis, places)
        known = numbers(slices, places)
        largest = max(in_copy.get(number, 0) for number in known)
        parts = MOST_PARTS if len(slices) == 1 else min(MOST_PARTS, ceil(2 * largest / SMALL_SLICE))
        if largest <= SMALL_SLICE // 2:
            return list(slices)
        bounds = self.job.transact(stored_rows.bounds, self.entity.name, axis, places, known, parts)
        return [
            part
            for one, number in zip(slices, known, strict=True)
            for part in one.cut(bounds.get(number, []))
        ]

    def _differing(self, slices: Sequence[Slice]) -> list[SliceCounts]:
        in_portal = counted(self.job, self.entity.method, [one.conditions for one in slices])
        found = [SliceCounts(one, total, 0) for one, total in zip(slices, in_portal, strict=True)]
        return self._recounted(found)

    def _recounted(self, known: Sequence[SliceCounts]) -> list[SliceCounts]:
        """Those that differ from what is here now."""
        found: list[SliceCounts] = []
        for axis in dict.fromkeys(one.slice.axis for one in known):
            of_axis = [one for one in known if one.slice.axis == axis]
            slices = [one.slice for one in of_axis]
            places = thresholds(slices)
            in_copy = self._stored_counts(axis, places)
            found += [
                replace(one, in_copy=in_copy.get(number, 0))
                for one, number in zip(of_axis, numbers(slices, places), strict=True)
            ]
        return [one for one in found if one.differs]

    def _stored_counts(self, axis: str, places: Sequence[int]) -> dict[int, int]:
        return self.job.transact(stored_rows.counts, self.entity.name, axis, places)

    def _repair(self, parts: Sequence[SliceCounts]) -> None:
        """Reads ids and times of these slices, fetches what differs, and buries what is gone."""
        wanted: set[int] = set()
        for piece, modified in self._pieces(parts):
            wanted.update(self._compared_with(piece, modified))
        self._fetch(sorted(wanted))
        bury_vanished(self.reading, self.outcome)

    def _pieces(self, parts: Sequence[SliceCounts]) -> Iterator[tuple[Piece, Within]]:
        """With each the times that it is all of."""
        by_id = [one for one in parts if one.slice.axis == ID]
        if by_id:
            for piece in self._read(
                {}, [one.slice.ids for one in by_id], sum(one.in_portal for one in by_id)
            ):
                yield piece, (None, None)
        for one in parts:
            if one.slice.axis == MODIFIED:
                for piece in self._read(one.slice.conditions, [one.slice.ids], one.in_portal):
                    yield piece, (one.slice.start, one.slice.end)

    def _read(self, conditions: Mapping[str, Any], ranges: Sequence[IdRange], rows: int) -> Iterator[Piece]:
        """About so many rows; at last an empty piece of all that would lie beyond the highest."""
        fields = ("ID", MODIFIED) if self.reading.keeps(MODIFIED) else ("ID",)
        query = ListQuery(self.entity.method, fields, conditions)
        highest = max(one.after for one in ranges)
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
        if any(one.upto is None for one in ranges):
            yield Piece(IdRange(highest, None), [])

    def _compared_with(self, piece: Piece, modified: Within) -> list[int]:
        """Notes what is here and not there; returns what is to be fetched."""
        in_copy = self.job.transact(
            stored_rows.stamps, self.entity.name, piece.done.after, piece.done.upto, modified
        )
        in_portal = {row_id(row): _moment(row.get(MODIFIED)) for row in piece.rows}
        gone = [number for number in in_copy if number not in in_portal]
        if gone:
            self.job.transact(stored_rows.note_gone, self.entity.name, self.reading.scope.name, gone)
        dated = self.reading.keeps(MODIFIED)
        return [
            number
            for number, moment in in_portal.items()
            if number not in in_copy or (dated and in_copy[number] != moment)
        ]

    def _fetch(self, ids: Sequence[int]) -> None:
        for rows in read_ids(self.job.client, self.reading.query_by_id(), ids):
            found = [row_id(row) for row in rows]
            known = self.job.transact(stored_rows.known, self.entity.name, found)
            self.outcome.missing += len(found) - known
            self.outcome.outdated += known
            keep(self.reading, rows, self.outcome)


def _moment(value: Any) -> datetime | None:
    """As it is stored: what is no time is null there."""
    try:
        text = read_timestamp(value)
    except ValueError:
        return None
    return datetime.fromisoformat(text) if text else None
