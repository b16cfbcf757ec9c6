"""Loads one entity of one portal: pages in, rows and cursor stored together.

A load notes what it has to read before it begins, and takes off what it has
stored in the transaction of the rows. Killed anywhere, the next one goes on.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime

from b24_pipeline.bitrix.listing import Chunk, IdRange, read_list
from b24_pipeline.entities import Entity
from b24_pipeline.store import cursors, merge
from b24_pipeline.store.cursors import Load, OpenRange
from b24_pipeline.store.merge import Merged, Row
from b24_pipeline.store.pool import Connection
from b24_pipeline.sync.ahead import ahead
from b24_pipeline.sync.job import Job
from b24_pipeline.sync.outcome import Outcome
from b24_pipeline.sync.reading import Reading
from b24_pipeline.sync.scope import FULL, Scope, changed_since, incremental
from b24_pipeline.sync.vanished import bury_vanished

MANY_ROWS = 1000
EVERYTHING: tuple[OpenRange, ...] = ((0, None),)


def load_entity(job: Job, entity: Entity, *, full: bool, since: datetime | None = None) -> Outcome:
    """A full load, or an incremental one where there is a moment to go on from: `since`, or the watermark."""
    watermark = job.warehouse.transact(
        lambda connection: cursors.cursor_of(connection, job.portal.id, entity.name).watermark
    )
    return load_scope(job, entity, _scope(watermark, full=full, since=since))


def _scope(watermark: datetime | None, *, full: bool, since: datetime | None) -> Scope:
    if full:
        return FULL
    if since:
        return changed_since(since, watermark)
    return incremental(watermark) if watermark else FULL


def load_scope(job: Job, entity: Entity, scope: Scope) -> Outcome:
    """One load with its row in the sync log."""
    with job.recorded(entity.name, scope.sync_type) as outcome, job.alone(entity.name):
        _Load(Reading(job, entity, scope)).run(outcome)
    return outcome


@dataclass(frozen=True, slots=True)
class Page:
    """Rows ready for COPY, the id ranges that they are all of, and the ranges still to be read."""

    rows: list[Row]
    done: tuple[IdRange, ...]
    left: tuple[IdRange, ...]


class _Load:
    def __init__(self, reading: Reading) -> None:
        self.reading = reading
        self.job = reading.job
        self.account = reading.job.portal.id
        self.entity = reading.entity.name
        self._highest = 0

    def run(self, outcome: Outcome) -> None:
        load = self.job.warehouse.transact(self._take_up)
        with closing(ahead(self._chunks(load), self._decoded)) as pages:
            for page in pages:
                self._store(page, outcome)
        if self.reading.scope.whole:
            self.job.warehouse.transact(
                lambda connection: self.reading.note_vanished_beyond(connection, self._highest)
            )
            bury_vanished(self.reading, outcome)
        self.job.warehouse.transact(lambda connection: self._finish(connection, load, outcome))

    def _take_up(self, connection: Connection) -> Load:
        """The load that was begun and not finished, or a new one."""
        under_way = cursors.load_under_way(connection, self.account, self.entity, self.reading.scope.name)
        if under_way:
            return under_way
        load = Load(self.reading.scope.name, EVERYTHING, portal_clock(self.job) - self.job.options.lag)
        cursors.begin(connection, self.account, self.entity, load)
        self.reading.forget_vanished(connection)
        return load

    def _chunks(self, load: Load) -> Iterable[Chunk]:
        ranges = [IdRange(after, upto) for after, upto in load.open_ranges]
        if not ranges:
            return []
        return read_list(
            self.job.client,
            self.reading.query(),
            ranges,
            concurrency=self.job.options.concurrency,
            first_pages=self.reading.scope.first_pages,
        )

    def _decoded(self, chunk: Chunk) -> Page:
        rows = self.reading.decoded([row for piece in chunk.pieces for row in piece.rows])
        return Page(rows, tuple(piece.done for piece in chunk.pieces), chunk.left)

    def _store(self, page: Page, outcome: Outcome) -> None:
        merged = self.job.warehouse.transact(lambda connection: self._store_page(connection, page))
        outcome.rows_read += len(page.rows)
        outcome.rows_changed += merged.rows_changed
        outcome.months |= merged.months
        outcome.values_set_aside = self.reading.decoder.set_aside
        self._highest = max([self._highest, *(ids.upto or 0 for ids in page.done)])
        self.job.options.progress(self.job.portal.name, self.entity, len(page.rows))

    def _store_page(self, connection: Connection, page: Page) -> Merged:
        merged = self.reading.merge(connection, page.rows)
        if self.reading.scope.whole:
            for ids in page.done:
                self.reading.note_vanished(connection, ids)
        left = [(part.after, part.upto) for part in page.left]
        cursors.keep_open(connection, self.account, self.entity, self.reading.scope.name, left)
        return merged

    def _finish(self, connection: Connection, load: Load, outcome: Outcome) -> None:
        if self.reading.scope.moves_watermark:
            cursors.advance(connection, self.account, self.entity, watermark=load.watermark)
            outcome.watermark = load.watermark
        cursors.end(connection, self.account, self.entity, load.scope)
        if outcome.rows_changed > MANY_ROWS:
            merge.analyze(connection, self.reading.target.table)


def portal_clock(job: Job) -> datetime:
    """The portal's time, which its answers carry; it is asked where none has come yet."""
    if job.client.clock is None:
        told = job.client.call("server.time").result
        return job.client.clock or datetime.fromisoformat(str(told))
    return job.client.clock
