"""Our figures beside the live portal's, after a sync: counts and sums per pipeline and stage.

One request counts up to fifty stages and brings the first rows of each, so that
small stages are compared row by row at once. Larger ones are counted, and
compared by turns, some rows a check. What was changed in the portal since the
sync began comes along with the counts, and is no difference. What is wrong is
looked at by id, repaired, and written down in `reconciliation`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import groupby

from b24_pipeline.entities import HISTORIES
from b24_pipeline.log import logger
from b24_pipeline.store.checks import stages as store
from b24_pipeline.store.checks.stages import StoredStage, Window
from b24_pipeline.store.crm import cursors
from b24_pipeline.store.database.warehouse import Connection
from b24_pipeline.sync.checks.recheck import Since, StageRecheck
from b24_pipeline.sync.checks.stage_batch import PortalRows, StageAnswers, StageBatch
from b24_pipeline.sync.checks.stage_queries import AGREEMENT, StageLists
from b24_pipeline.sync.checks.stage_search import MOST_READ, RequestAllowance, StageSearch
from b24_pipeline.sync.checks.stage_tally import Changed, Tally
from b24_pipeline.sync.crm.history import sync_history
from b24_pipeline.sync.job import Job
from b24_pipeline.sync.outcome import Outcome

log = logger("sync")

NAME = "agreement"
"""What the check is called in the sync log."""

COMPARED = ("lead", "deal")

MOST_LOOKED_AT = 2500
"""Ids of one entity that are looked at and repaired in one check: one request."""


def check_agreement(job: Job, *, whole: bool = False) -> list[Outcome]:
    """Compares, repairs and writes down; `whole`: all rows of all stages, not only counts of the large ones.

    What was repaired is told as outcomes, one an entity and one a history. A
    check that fails is in the sync log and spoils nothing else.
    """
    repaired: list[Outcome] = []
    with job.recorded(NAME, AGREEMENT.sync_type) as outcome:
        check = _Check(job, whole=whole)
        repaired = check.repaired
        check.run()
        outcome.rows_read = sum(one.rows for one in check.tallies)
        outcome.rows_changed = sum(one.rows_changed for one in repaired)
        outcome.rows_deleted = sum(one.rows_deleted for one in repaired)
        if check.wrong:
            log.warning("stages differ from the portal", portal=job.portal.name, stages=check.wrong)
    return repaired + [moves for one in repaired for moves in _moves(job, one.entity)]


def _moves(job: Job, entity: str) -> list[Outcome]:
    """How those that were repaired came to where they stand."""
    found = [sync_history(job, history) for history in HISTORIES if history.entity == entity]
    return [outcome for outcomes in found for outcome in outcomes if outcome.worked]


class _Check:
    def __init__(self, job: Job, *, whole: bool) -> None:
        self.job = job
        self.whole = whole
        self.tallies: list[Tally] = []
        self.repaired: list[Outcome] = []
        self.wrong = 0
        self._account = job.portal.id
        self._since = job.warehouse.transact(self._moments)
        lists = {entity: StageLists(job, entity) for entity in self._since}
        self._lists = {entity: one for entity, one in lists.items() if one.is_kept}

    def run(self) -> None:
        if not self._lists:
            return
        answers = StageBatch(self.job, self._lists, self._starts()).ask(
            self.job.warehouse.transact(self._stages)
        )
        checked_at, changed = self.job.warehouse.transact(self._compare, answers)
        self._search(changed)
        for entity, tallies in groupby(self.tallies, lambda tally: tally.place.entity):
            self._look_again(entity, list(tallies))
        self.job.warehouse.transact(self._write, checked_at, answers)

    def _moments(self, connection: Connection) -> dict[str, Since]:
        """Of each entity that was ever read through."""
        found: dict[str, Since] = {}
        for entity in COMPARED:
            watermark = cursors.cursor_of(connection, self._account, entity).watermark
            if watermark:
                found[entity] = Since(watermark, watermark + self.job.options.lag)
        return found

    def _starts(self) -> Mapping[str, datetime]:
        return {entity: self._since[entity].start for entity in self._lists}

    def _stages(self, connection: Connection) -> list[StoredStage]:
        """Those that can be asked for."""
        stages = store.stages(connection, self._account)
        return [one for one in stages if one.place.entity in self._lists and one.place.status]

    def _compare(self, connection: Connection, answers: StageAnswers) -> tuple[datetime, dict[str, Changed]]:
        """Our side at one moment beside what was told; runs anew where its transaction was lost."""
        checked_at = store.freeze(connection)
        in_copy = {one.place: one.entities for one in store.stages(connection, self._account)}
        changed = {
            entity: Changed(in_portal, store.standing(connection, self._account, entity, list(in_portal)))
            for entity, in_portal in answers.changed.items()
        }
        tallies = {
            place: Tally(place, counted.total, in_copy.get(place, 0))
            for place, counted in answers.counts.items()
        }
        windows = [_window(one, tallies[one.window.place]) for one in answers.rows]
        found = store.rows_within(connection, self._account, windows)
        for one, window, rows in zip(answers.rows, windows, found, strict=True):
            tally = tallies[window.place]
            if one.is_whole and window == one.window:
                tally.begin_whole()
            tally.compare(one.rows, rows, changed[window.place.entity])
        self.tallies = sorted(tallies.values(), key=lambda tally: tally.place)
        return checked_at, changed

    def _search(self, changed: Mapping[str, Changed]) -> None:
        """Where counts differ by more than what is known, or all rows are wanted."""
        patience = RequestAllowance()
        for tally in self.tallies:
            own = changed[tally.place.entity]
            tally.changed |= own.moved(tally.place)
            search = StageSearch(self.job, self._lists[tally.place.entity], tally, own)
            if tally.is_whole:
                continue
            if self.whole:
                search.compare_all()
            elif tally.unexplained(own):
                search.find(patience)

    def _look_again(self, entity: str, tallies: Sequence[Tally]) -> None:
        disputed = sorted({number for tally in tallies for number in tally.disputed})
        if not disputed:
            return
        look = StageRecheck(self.job, self._lists[entity], self._since[entity])
        verdicts = look.look(disputed[:MOST_LOOKED_AT])
        for tally in tallies:
            tally.judge(verdicts, not_looked_at=disputed[MOST_LOOKED_AT:])
        if look.outcome.rows_changed or look.outcome.rows_deleted or look.outcome.question:
            self.repaired.append(look.outcome)

    def _write(self, connection: Connection, checked_at: datetime, answers: StageAnswers) -> None:
        portal = self.job.portal.name
        found = [
            tally.found(portal, counts_amounts=self._lists[tally.place.entity].counts_amounts)
            for tally in self.tallies
        ]
        self.wrong = sum(not (one.is_explained or one.is_repaired) for one in found)
        store.write(connection, self._account, checked_at, found)
        for place, read_upto in answers.turns.items():
            store.take_turn(connection, self._account, place, read_upto)


def _window(asked: PortalRows, tally: Tally) -> Window:
    """What is compared with these rows; where far more are here than there, not all of ours."""
    if asked.window.upto is None and tally.in_copy > tally.in_portal + MOST_READ:
        return Window(tally.place, asked.window.after, max(asked.rows, default=asked.window.after))
    return asked.window
