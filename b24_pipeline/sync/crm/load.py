"""Loads one entity of one portal: reads pages and stores rows and checkpoint in one transaction a page.

Wherever a load is killed, the next one goes on from its checkpoint.
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from datetime import datetime

from b24_pipeline.bitrix.lists.head import ListHead
from b24_pipeline.bitrix.lists.pages import Chunk
from b24_pipeline.bitrix.lists.ranges import IdRange
from b24_pipeline.entities import Entity
from b24_pipeline.store.checks import coverage
from b24_pipeline.store.crm import cursors, merge
from b24_pipeline.store.crm.cursors import Cursor
from b24_pipeline.store.crm.history import now
from b24_pipeline.store.crm.merge import MANY_ROWS, Merged
from b24_pipeline.store.database.copying import Lines
from b24_pipeline.store.database.warehouse import Connection
from b24_pipeline.sync.crm.checkpoint import Checkpoint
from b24_pipeline.sync.crm.deletions import confirm_deletions
from b24_pipeline.sync.crm.entity_copy import EntityCopy
from b24_pipeline.sync.crm.opening import OpenedList, Opening
from b24_pipeline.sync.crm.prefetch import prefetch
from b24_pipeline.sync.crm.scope import FULL, Scope, changed_since, incremental
from b24_pipeline.sync.job import Job
from b24_pipeline.sync.outcome import Outcome


def load_entity(
    job: Job,
    entity: Entity,
    *,
    full: bool,
    since: datetime | None = None,
    opened: OpenedList | None = None,
) -> list[Outcome]:
    """Loads an entity incrementally from `since` or the watermark, or completely if `full` or never done.

    A load that went on with a killed one is followed by a second load, of what changed since it began.
    `opened`: its list in the opening of the sync. Returns the outcome of each load.
    """
    outcome = load_scope(job, entity, _scope(_watermark(job, entity), full=full, since=since), opened)
    if not (outcome.resumed and outcome.worked):
        return [outcome]
    return [outcome, load_scope(job, entity, _scope(_watermark(job, entity), full=False, since=None))]


def opened_entity(
    opening: Opening, entity: Entity, *, full: bool, since: datetime | None = None
) -> OpenedList:
    """Adds an entity's list to the opening of a sync, unless all of it is to be read."""

    def begin(cursor: Cursor) -> ListHead | None:
        scope = _scope(cursor.watermark, full=full, since=since)
        return None if scope.whole else _head(EntityCopy(opening.job, entity, scope))

    return opening.list_of(entity.name, begin)


def _head(entity_copy: EntityCopy) -> ListHead:
    return ListHead(entity_copy.entity.name, entity_copy.query())


def _watermark(job: Job, entity: Entity) -> datetime | None:
    return job.transact(cursors.cursor_of, entity.name).watermark


def _scope(watermark: datetime | None, *, full: bool, since: datetime | None) -> Scope:
    if full:
        return FULL
    if since:
        return changed_since(since, watermark)
    return incremental(watermark) if watermark else FULL


def load_scope(job: Job, entity: Entity, scope: Scope, opened: OpenedList | None = None) -> Outcome:
    """Loads the rows of one scope, with a row in the sync log; errors end in the outcome."""
    with job.recorded(entity.name, scope.sync_type) as outcome, job.alone(entity.name):
        _Load(EntityCopy(job, entity, scope), opened).run(outcome)
    return outcome


@dataclass(frozen=True, slots=True)
class DecodedPage:
    """Rows ready for COPY; `done` are the id ranges that they cover completely, `left` those still to be read."""

    rows: Lines
    done: tuple[IdRange, ...]
    left: tuple[IdRange, ...]


class _Load:
    def __init__(self, entity_copy: EntityCopy, opened: OpenedList | None) -> None:
        self.entity_copy = entity_copy
        self.job = entity_copy.job
        self.opened = opened
        self.checkpoint = Checkpoint(entity_copy.job, entity_copy.entity.name, entity_copy.scope, opened)
        self._highest = 0
        self._asked_at: datetime | None = None

    def run(self, outcome: Outcome) -> None:
        if self.entity_copy.scope.whole:
            # an incremental load goes by dates from beginning to end; a whole one shows how rows are now
            self._asked_at = self.job.warehouse.transact(now)
        chunks = self.checkpoint.chunks(
            self.entity_copy.query(),
            self._list_head(outcome),
            lag=self.job.options.lag,
            beginning=self.entity_copy.forget_vanished,
        )
        outcome.resumed = self.checkpoint.resumed
        with closing(prefetch(chunks, self._decoded)) as pages:
            for page in pages:
                self._store(page, outcome)
        if self.entity_copy.scope.whole:
            self.job.warehouse.transact(self.entity_copy.note_vanished_beyond, self._highest)
            confirm_deletions(self.entity_copy, outcome)
        self.job.warehouse.transact(self._finish, outcome)
        if self.entity_copy.scope.whole:
            outcome.proved = self.entity_copy.scope.days_created(self.job.portal.time_zone)
        if self.opened and not outcome.resumed:
            self.opened.note_ended()

    def _list_head(self, outcome: Outcome) -> ListHead | None:
        """The head of a list of changes, as the opening has brought it or still to be asked for."""
        opened = self.opened.head(outcome) if self.opened else None
        if self.entity_copy.scope.whole:
            return None
        return opened or _head(self.entity_copy)

    def _decoded(self, chunk: Chunk) -> DecodedPage:
        rows = self.entity_copy.decoded([row for piece in chunk.pieces for row in piece.rows])
        return DecodedPage(rows, tuple(piece.done for piece in chunk.pieces), chunk.left)

    def _store(self, page: DecodedPage, outcome: Outcome) -> None:
        merged = self.job.warehouse.transact(self._store_page, page)
        outcome.rows_read += len(page.rows)
        outcome.rows_changed += merged.rows_changed
        outcome.months |= merged.months
        outcome.take_decoded(self.entity_copy.decoder)
        self._highest = max([self._highest, *(ids.upto or 0 for ids in page.done)])
        self.job.options.progress(self.job.portal.name, self.entity_copy.entity.name, len(page.rows))

    def _store_page(self, connection: Connection, page: DecodedPage) -> Merged:
        merged = self.entity_copy.insert(connection, page.rows, page.done)
        if merged is None:
            merged = self.entity_copy.merge(connection, page.rows, self._asked_at)
            self._note_vanished(connection, page)
        self.checkpoint.note_left(connection, page.left)
        return merged

    def _note_vanished(self, connection: Connection, page: DecodedPage) -> None:
        if self.entity_copy.scope.whole:
            for ids in page.done:
                self.entity_copy.note_vanished(connection, ids)

    def _finish(self, connection: Connection, outcome: Outcome) -> None:
        outcome.watermark = self.checkpoint.end(connection)
        if self.entity_copy.scope.whole:
            self._prove(connection)
        if outcome.rows_changed > MANY_ROWS:
            merge.analyze(connection, self.entity_copy.target.table)

    def _prove(self, connection: Connection) -> None:
        """Stores that everything created within the scope was compared with the portal."""
        portal, scope = self.job.portal, self.entity_copy.scope
        coverage.prove(
            connection,
            portal.id,
            self.entity_copy.entity.name,
            scope.sync_type,
            time_zone=portal.time_zone,
            days=scope.days_created(portal.time_zone),
        )
