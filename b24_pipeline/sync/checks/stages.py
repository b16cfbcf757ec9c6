"""Compares our counts and sums of each stage with the live portal's after a sync, and repairs what differs.

One request counts up to fifty stages and brings the first rows of each, so that
small stages are compared row by row at once. Large stages are counted at every
check; their rows are compared a part at a time, the next part at the next check. The
answer also brings what was modified after the sync began: such rows are no difference. Rows
that differ are fetched by id and repaired; the result is stored in `reconciliation`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime
from itertools import groupby

from b24_pipeline.entities import HISTORIES
from b24_pipeline.log import logger
from b24_pipeline.store.checks import stages as store
from b24_pipeline.store.checks.stages import StoredStage, Window
from b24_pipeline.store.crm import cursors
from b24_pipeline.store.database.warehouse import Connection
from b24_pipeline.sync.checks.recheck import StageRecheck, SyncTimes
from b24_pipeline.sync.checks.stage_batch import PortalRows, StageAnswers, StageBatch
from b24_pipeline.sync.checks.stage_queries import AGREEMENT, StageQueries
from b24_pipeline.sync.checks.stage_search import MOST_READ, RequestAllowance, StageSearch
from b24_pipeline.sync.checks.stage_tally import LaterChanges, StageTally
from b24_pipeline.sync.crm.history import sync_history
from b24_pipeline.sync.job import Job
from b24_pipeline.sync.outcome import Outcome

log = logger("sync")

NAME = "agreement"
"""The entity of the check's rows in the sync log."""

COMPARED = ("lead", "deal")

MOST_RECHECKED = 2500
"""Ids of one entity that one check fetches again and repairs: one request brings so many."""


def check_stages(job: Job, *, whole: bool = False, left_out: AbstractSet[str] = frozenset()) -> list[Outcome]:
    """Compares all stages, repairs what differs, and stores the result.

    `whole` compares all rows of all stages, not only the counts of large ones. Entities that are `left_out` were
    not read before: they differ for a reason that is known. Returns an outcome for each
    entity that was repaired, and for its history. A check that fails is in the sync log; no error leaves it.
    """
    repaired: list[Outcome] = []
    entities = [entity for entity in COMPARED if entity not in left_out]
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
    def __init__(self, job: Job, entities: Sequence[str], *, whole: bool) -> None:
        self.job = job
        self.entities = entities
        self.whole = whole
        self.tallies: list[StageTally] = []
        self.repaired: list[Outcome] = []
        self.wrong = 0
        self._account = job.portal.id
        self._times = job.warehouse.transact(self._sync_times)
        queries = {entity: StageQueries(job, entity) for entity in self._times}
        self._queries = {entity: built for entity, built in queries.items() if built.has_stages}

    def run(self) -> None:
        if not self._queries:
            return
        answers = StageBatch(self.job, self._queries, self._starts()).ask(
            self.job.warehouse.transact(self._stages)
        )
        checked_at, changed = self.job.warehouse.transact(self._compare, answers)
        self._search(changed)
        for entity, tallies in groupby(self.tallies, lambda tally: tally.place.entity):
            self._recheck(entity, list(tallies))
        self.job.warehouse.transact(self._write, checked_at, answers)

    def _sync_times(self, connection: Connection) -> dict[str, SyncTimes]:
        """The times of the last sync of each entity that was ever read completely."""
        times: dict[str, SyncTimes] = {}
        for entity in self.entities:
            watermark = cursors.cursor_of(connection, self._account, entity).watermark
            if watermark:
                times[entity] = SyncTimes(watermark, watermark + self.job.options.lag)
        return times

    def _starts(self) -> Mapping[str, datetime]:
        return {entity: self._times[entity].start for entity in self._queries}

    def _stages(self, connection: Connection) -> list[StoredStage]:
        """The stages that the portal can be asked for: those with a code."""
        stages = store.stages(connection, self._account)
        return [stage for stage in stages if stage.place.entity in self._queries and stage.place.status]

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

    def _search(self, changed: Mapping[str, LaterChanges]) -> None:
        """Searches the stages whose counts differ by more than is explained; all stages if all rows are wanted."""
        allowance = RequestAllowance()
        for tally in self.tallies:
            own = changed[tally.place.entity]
            tally.changed |= own.moved(tally.place)
            search = StageSearch(self.job, self._queries[tally.place.entity], tally, own)
            if tally.is_whole:
                continue
            if self.whole:
                search.compare_all()
            elif tally.unexplained(own):
                search.find(allowance)

    def _recheck(self, entity: str, tallies: Sequence[StageTally]) -> None:
        disputed = sorted({number for tally in tallies for number in tally.disputed})
        if not disputed:
            return
        recheck = StageRecheck(self.job, self._queries[entity], self._times[entity])
        rechecked = recheck.recheck(disputed[:MOST_RECHECKED])
        for tally in tallies:
            tally.take_recheck(rechecked, not_rechecked=disputed[MOST_RECHECKED:])
        if recheck.outcome.rows_changed or recheck.outcome.rows_deleted or recheck.outcome.question:
            self.repaired.append(recheck.outcome)

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
