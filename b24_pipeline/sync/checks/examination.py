"""Searches one entity for the rows that make its counts differ, and repairs them: the second half of a stage check."""

from __future__ import annotations

from collections.abc import Sequence

from b24_pipeline.bitrix.lists.pages import ListQuery, Piece
from b24_pipeline.entities import BY_NAME
from b24_pipeline.entities.decode import row_id
from b24_pipeline.errors import TooManyVanished
from b24_pipeline.store.checks import stages as store
from b24_pipeline.store.checks.stages import Place
from b24_pipeline.sync.checks.existence import ExistenceCheck
from b24_pipeline.sync.checks.id_search import FoundIds
from b24_pipeline.sync.checks.recheck import StageRecheck, SyncTimes
from b24_pipeline.sync.checks.stage_queries import AGREEMENT, StageQueries
from b24_pipeline.sync.checks.stage_search import RequestAllowance, StageSearch
from b24_pipeline.sync.checks.stage_tally import LaterChanges, StageTally
from b24_pipeline.sync.job import Job
from b24_pipeline.sync.outcome import Outcome

SEARCH_REQUESTS = 8
"""Requests for stages whose counts differ by moves that left no trace, shared evenly among them."""

LEAST_REQUESTS = 2
"""What each such stage gets in any case: it is parted once, and one part is read."""


class Examination:
    """One entity of one portal in a stage check; `queries` is None where its stages are not kept."""

    def __init__(
        self,
        job: Job,
        existence: ExistenceCheck,
        entity: str,
        queries: StageQueries | None,
        times: SyncTimes,
        *,
        whole: bool,
    ) -> None:
        self.job = job
        self.existence = existence
        self.entity = entity
        self.queries = queries
        self.times = times
        self.whole = whole

    def run(self, tallies: Sequence[StageTally], changed: LaterChanges) -> list[Outcome]:
        """Finds and repairs what differs; returns the outcomes of what was repaired, or asked.

        First ids that only one side has are searched for, then stages that still differ. Raises PortalError.
        """
        for tally in tallies:
            tally.changed |= changed.moved(tally.place)
            if self.whole and self.queries and not tally.is_whole:
                StageSearch(self.job, self.queries, tally, changed).compare_all()
        question = self.existence.question(self.entity, -sum(tally.net(changed) for tally in tallies))
        if question:
            return [self._asked(tallies, changed, question)]
        found = self._search_ids(tallies, changed)
        if self.queries:
            self._search_stages(self.queries, tallies, changed)
        repaired = self._recheck(tallies)
        checked = {number for tally in tallies for number in (*tally.disputed, *tally.changed)}
        found.gone -= checked
        found.missing -= checked | changed.in_portal.keys()
        if found.gone or found.missing:
            repaired.append(self.existence.repair(self.entity, found.gone, found.missing))
        return [one for one in repaired if one.rows_changed or one.rows_deleted or one.question]

    def _asked(
        self, tallies: Sequence[StageTally], changed: LaterChanges, question: TooManyVanished
    ) -> Outcome:
        """Leaves everything as it is: if rights were lost, none of these rows is gone."""
        for tally in tallies:
            tally.leave(changed)
        return Outcome(self.job.portal.name, self.entity, AGREEMENT.sync_type, question=question)

    def _search_ids(self, tallies: Sequence[StageTally], changed: LaterChanges) -> FoundIds:
        by_place = {tally.place: tally for tally in tallies}
        differing = sum(abs(tally.unexplained(changed)) for tally in tallies if not tally.is_whole)

        def compare(piece: Piece) -> None:
            self._compare(piece, by_place, changed)

        query = (
            self.queries.any_stage_query()
            if self.queries
            else ListQuery(BY_NAME[self.entity].method, ("ID",))
        )
        return self.existence.search(self.entity, differing, query, compare)

    def _compare(self, piece: Piece, by_place: dict[Place, StageTally], changed: LaterChanges) -> None:
        """Notes the rows of a range that stand in another stage, or with another amount, on the other side."""
        if not self.queries:
            return
        ids = piece.done
        in_copy = self.job.transact(store.standing_between, self.entity, ids.after, ids.upto)
        in_portal = {
            row_id(row): self.queries.standing(row) for row in piece.rows if not self.queries.is_template(row)
        }
        for number in (in_copy.keys() | in_portal.keys()) - changed.in_portal.keys():
            here, there = in_copy.get(number), in_portal.get(number)
            for place in {side.place for side in (here, there) if side}:
                if place in by_place:
                    by_place[place].note(number, here, there)

    def _search_stages(
        self, queries: StageQueries, tallies: Sequence[StageTally], changed: LaterChanges
    ) -> None:
        """Searches the stages whose counts still differ, each with its share of the requests."""
        differing = [tally for tally in tallies if not tally.is_whole and tally.unexplained(changed)]
        share = max(SEARCH_REQUESTS // max(len(differing), 1), LEAST_REQUESTS)
        for tally in differing:
            StageSearch(self.job, queries, tally, changed).find(RequestAllowance(share))

    def _recheck(self, tallies: Sequence[StageTally]) -> list[Outcome]:
        disputed = sorted({number for tally in tallies for number in tally.disputed})
        if not disputed or not self.queries:
            return []
        recheck = StageRecheck(self.job, self.queries, self.times)
        rechecked = recheck.recheck(disputed)
        for tally in tallies:
            tally.take_recheck(rechecked)
        return [recheck.outcome]
