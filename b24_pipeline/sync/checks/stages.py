"""Compares our counts with the live portal's after a sync, of each stage and of each entity, and repairs what differs.

One request counts up to fifty stages. Rows are compared a part at a time, the next part at the next check
(`turns.py`); the rows of a small stage come with its count. A count that differs is asked for once more, with rows. The
answer also brings what was modified after the sync began: such rows are no difference, and how many rows
of each entity there are, contacts and companies among them. Rows that differ are searched for, fetched by id and
repaired; the result is stored in `reconciliation`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime

from b24_pipeline.bitrix.lists.ranges import PAGE_ROWS
from b24_pipeline.entities import BY_NAME, HISTORIES
from b24_pipeline.errors import PortalError
from b24_pipeline.errors.groups import STOPS_PORTAL
from b24_pipeline.log import logger
from b24_pipeline.store.checks import stages as store
from b24_pipeline.store.checks.stages import StoredStage, Window
from b24_pipeline.store.crm import cursors
from b24_pipeline.store.crm.history import now as clock
from b24_pipeline.store.database.warehouse import Connection
from b24_pipeline.sync.checks.examination import Examination
from b24_pipeline.sync.checks.existence import ExistenceCheck
from b24_pipeline.sync.checks.recheck import SyncTimes
from b24_pipeline.sync.checks.stage_batch import PortalRows, StageAnswers, StageBatch
from b24_pipeline.sync.checks.stage_queries import AGREEMENT, StageQueries
from b24_pipeline.sync.checks.stage_search import MOST_READ
from b24_pipeline.sync.checks.stage_tally import NO_CHANGES, LaterChanges, StageTally
from b24_pipeline.sync.checks.turns import Turns, room_beside, rows_of_check, turns_of
from b24_pipeline.sync.crm.history import sync_history
from b24_pipeline.sync.job import Job
from b24_pipeline.sync.outcome import Outcome

log = logger("sync")

NAME = "agreement"
"""The entity of the check's rows in the sync log."""

COMPARED = ("lead", "deal")


def check_stages(job: Job, *, whole: bool = False, left_out: AbstractSet[str] = frozenset()) -> list[Outcome]:
    """Compares all stages, repairs what differs, and stores the result.

    `whole` compares all rows of all stages, not only the counts of large ones. Entities that are `left_out` were
    not read before: they differ for a reason that is known. Returns an outcome for each
    entity that was repaired, and for its history. A check that fails is in the sync log; no error leaves it.
    """
    repaired: list[Outcome] = []
    entities = BY_NAME.keys() - left_out
    if not entities:
        return repaired
    with job.recorded(NAME, AGREEMENT.sync_type) as outcome:
        check = _StageCheck(job, entities, whole=whole)
        repaired = check.repaired
        check.run()
        outcome.rows_read = sum(tally.rows for tally in check.tallies)
        outcome.rows_changed = sum(repair.rows_changed for repair in repaired)
        outcome.rows_deleted = sum(repair.rows_deleted for repair in repaired)
        if check.wrong:
            log.warning("stages differ from the portal", portal=job.portal.name, stages=check.wrong)
    return repaired + [moves for repair in repaired for moves in _moves(job, repair.entity)]


def _moves(job: Job, entity: str) -> list[Outcome]:
    """Reads the new moves of an entity: those of the rows that were repaired are among them."""
    loads = [sync_history(job, history) for history in HISTORIES if history.entity == entity]
    return [outcome for outcomes in loads for outcome in outcomes if outcome.worked]


class _StageCheck:
    def __init__(self, job: Job, entities: AbstractSet[str], *, whole: bool) -> None:
        self.job = job
        self.whole = whole
        self.tallies: list[StageTally] = []
        self.repaired: list[Outcome] = []
        self.wrong = 0
        self._account = job.portal.id
        times = job.warehouse.transact(self._sync_times)
        self._times = {entity: moments for entity, moments in times.items() if entity in entities}
        staged = [entity for entity in COMPARED if entity in self._times]
        queries = {entity: StageQueries(job, entity) for entity in staged}
        self._queries = {entity: built for entity, built in queries.items() if built.has_stages}
        self._existence = ExistenceCheck(job, list(self._times), self._queries)
        self._failures: list[PortalError] = []

    def run(self) -> None:
        totals = self._existence.totals()
        if not self._queries and not totals:
            return
        batch = StageBatch(self.job, self._queries, self._starts(), totals)
        stages, now = self.job.warehouse.transact(self._stages)
        answers = batch.ask(stages, self._turns(stages, now, len(totals)))
        checked_at, changed = self.job.warehouse.transact(self._compare, answers)
        self._existence.take(answers.totals)
        for entity in self._times:
            self._examine(entity, changed.get(entity, NO_CHANGES))
        self.job.warehouse.transact(self._write, checked_at, answers)
        if self._failures:
            raise self._failures[0]

    def _examine(self, entity: str, changed: LaterChanges) -> None:
        """Searches and repairs one entity; an error of the portal stops no other entity, unless it stops the portal."""
        examination = Examination(
            self.job,
            self._existence,
            entity,
            self._queries.get(entity),
            self._times[entity],
            whole=self.whole,
        )
        tallies = [tally for tally in self.tallies if tally.place.entity == entity]
        try:
            self.repaired += examination.run(tallies, changed)
        except STOPS_PORTAL:
            raise
        except PortalError as error:
            self._failures.append(error)
            for tally in tallies:
                tally.leave(changed)

    def _sync_times(self, connection: Connection) -> dict[str, SyncTimes]:
        """The times of the last sync of each entity that was ever read completely."""
        times: dict[str, SyncTimes] = {}
        for entity in BY_NAME:
            watermark = cursors.cursor_of(connection, self._account, entity).watermark
            if watermark:
                times[entity] = SyncTimes(watermark, watermark + self.job.options.lag)
        return times

    def _starts(self) -> Mapping[str, datetime]:
        return {entity: self._times[entity].start for entity in self._queries}

    def _stages(self, connection: Connection) -> tuple[list[StoredStage], datetime]:
        """The stages that the portal can be asked for, those with a code, and the time by the database's clock."""
        stages = store.stages(connection, self._account)
        asked = [stage for stage in stages if stage.place.entity in self._queries and stage.place.status]
        return asked, clock(connection)

    def _turns(self, stages: Sequence[StoredStage], now: datetime, totals: int) -> Turns:
        """The stages that are compared row by row now; where all rows are, the small ones at once."""
        if self.whole:
            return Turns({stage.place for stage in stages if stage.entities <= PAGE_ROWS})
        commands = len(stages) + 2 * len(self._queries) + totals
        options, usage = self.job.options, self.job.client.usage
        rows = rows_of_check(stages, now, usage, commands, options.check_seconds)
        return turns_of(stages, rows, room_beside(commands))

    def _compare(
        self, connection: Connection, answers: StageAnswers
    ) -> tuple[datetime, dict[str, LaterChanges]]:
        """Compares our copy as of one moment with the portal's answers; may run again if its transaction was lost."""
        checked_at = store.freeze(connection)
        in_copy = {stage.place: stage.entities for stage in store.stages(connection, self._account)}
        changed = {
            entity: LaterChanges(
                in_portal, store.standing(connection, self._account, entity, list(in_portal))
            )
            for entity, in_portal in answers.changed.items()
        }
        tallies = {
            place: StageTally(place, counted.total, in_copy.get(place, 0))
            for place, counted in answers.counts.items()
        }
        windows = [_window(portal_rows, tallies[portal_rows.window.place]) for portal_rows in answers.rows]
        stored = store.rows_within(connection, self._account, windows)
        for portal_rows, window, our_rows in zip(answers.rows, windows, stored, strict=True):
            tally = tallies[window.place]
            if portal_rows.is_whole and window == portal_rows.window:
                tally.begin_whole()
            tally.compare(portal_rows.rows, our_rows, changed[window.place.entity])
        self.tallies = sorted(tallies.values(), key=lambda tally: tally.place)
        return checked_at, changed

    def _write(self, connection: Connection, checked_at: datetime, answers: StageAnswers) -> None:
        portal = self.job.portal.name
        found = [
            tally.found(portal, counts_amounts=self._queries[tally.place.entity].counts_amounts)
            for tally in self.tallies
        ]
        self.wrong = sum(not (result.is_explained or result.is_repaired) for result in found)
        store.write(connection, self._account, checked_at, found)
        for place, read_upto in answers.read_upto.items():
            store.note_compared(connection, self._account, place, read_upto)


def _window(asked: PortalRows, tally: StageTally) -> Window:
    """The window of our copy to compare with the portal's rows; a shorter one where our copy has far more rows."""
    if asked.window.upto is None and tally.in_copy > tally.in_portal + MOST_READ:
        return Window(tally.place, asked.window.after, max(asked.rows, default=asked.window.after))
    return asked.window
