"""Compares which rows exist on both sides, for every entity, and finds those that were deleted.

Leads and deals are counted by stage, contacts and companies as a whole, in the requests of a stage check. Where the
counts differ, the ids are searched for. Leads and deals are searched to the end at once; of the others at least a
sixth a check, so that an hour of syncs gets through. What a search leaves undone is stored, and the next check
begins with it.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from uuid import UUID

from b24_pipeline.bitrix.lists.pages import ListQuery
from b24_pipeline.bitrix.lists.ranges import PAGE_ROWS, IdRange, merged
from b24_pipeline.entities import BY_NAME
from b24_pipeline.errors import TooManyVanished
from b24_pipeline.store.checks import rows as stored_rows
from b24_pipeline.store.crm import cursors
from b24_pipeline.store.crm.cursors import Load
from b24_pipeline.store.crm.history import now
from b24_pipeline.store.database.warehouse import Connection
from b24_pipeline.sync.checks.id_search import PAGES_AT_ONCE, Compare, FoundIds, IdSearch
from b24_pipeline.sync.checks.row_slices import ID, Slice, SliceCounts
from b24_pipeline.sync.checks.stage_queries import AGREEMENT
from b24_pipeline.sync.checks.totals import ExpectedTotal
from b24_pipeline.sync.crm.deletions import (
    FEW_ROWS,
    confirm_deletions,
    fetched_by_id,
    store_fetched,
    too_many_vanished,
)
from b24_pipeline.sync.crm.entity_copy import EntityCopy
from b24_pipeline.sync.job import Job
from b24_pipeline.sync.outcome import Outcome

SEARCH = "existence"
"""The scope under which the id ranges are stored that a search has left."""

AT_ONCE = ("lead", "deal")
"""Entities that are searched to the end in one check: figures are counted over them."""

CHECKS_AN_HOUR = 6
LEAST_REQUESTS = 8
"""Requests that the search of one other entity may take in any case."""


class ExistenceCheck:
    """Compares the ids of these entities of one portal, up to the highest id that our copy has of each.

    `staged`: entities that are counted by stage.
    """

    def __init__(self, job: Job, entities: Sequence[str], staged: Collection[str]) -> None:
        self.job = job
        self.entity_copies = {entity: EntityCopy(job, BY_NAME[entity], AGREEMENT) for entity in entities}
        self._staged = staged
        self._highest: Mapping[str, int] = job.transact(stored_rows.highest)
        self._in_portal: dict[str, int] = {}

    def totals(self) -> dict[str, ExpectedTotal]:
        """By entity, the count of its rows that the portal is asked for; entities counted by stage need none."""
        counted = [entity for entity in self.entity_copies if entity in self._highest]
        return {
            entity: ExpectedTotal(
                BY_NAME[entity], self._whole(entity).conditions(BY_NAME[entity]), self._in_copy(entity)
            )
            for entity in counted
            if entity not in self._staged
        }

    def take(self, totals: Mapping[str, int]) -> None:
        """Takes the portal's counts by entity; one that it refused is left out, and not compared."""
        self._in_portal |= totals

    def question(self, entity: str, surplus: int) -> TooManyVanished | None:
        """What a person has to decide before rows are searched for: so many are gone that rights may be lost.

        `surplus`: how many more rows our copy has in the stages of the entity than the portal.
        """
        if entity not in self._highest or (entity not in self._in_portal and surplus <= FEW_ROWS):
            return None
        counts = self._counts(entity)
        gone = max(surplus, counts.in_copy - counts.in_portal)
        return too_many_vanished(self.entity_copies[entity], gone, counts.in_copy)

    def search(self, entity: str, differing: int, query: ListQuery, compare: Compare) -> FoundIds:
        """Searches for ids that only one side has; `differing`: how many rows the stages count differently.

        Raises what the portal answers instead.
        """
        if entity not in self._highest:
            return FoundIds()
        left = self.job.transact(_left, entity)
        # to count our rows takes time: not where no count of the portal's is there to compare
        counts = self._counts(entity) if differing or entity in self._in_portal else None
        apart = max(abs(counts.in_portal - counts.in_copy), differing) if counts else 0
        if not counts or not apart:
            if left:
                self.job.transact(_note_left, entity, ())
            return FoundIds()
        search = IdSearch(self.job, query, entity, compare, self._most_requests(entity, counts))
        if left:
            begun = search.count([_slice_of(ids) for ids in left])
            found = search.find([part for part in begun if part.differs])
        else:
            found = search.find([counts], at_least=apart)
        if left or found.left:
            self.job.transact(_note_left, entity, found.left)
        return found

    def repair(self, entity: str, gone: set[int], missing: set[int]) -> Outcome:
        """Fetches ids that only one side has once more, stores those that exist, and marks the others as deleted."""
        entity_copy = self.entity_copies[entity]
        outcome = Outcome(self.job.portal.name, entity, AGREEMENT.sync_type)

        def note(connection: Connection) -> None:
            entity_copy.forget_vanished(connection)
            stored_rows.note_gone(connection, self.job.portal.id, entity, AGREEMENT.name, sorted(gone))

        requests = self.job.client.usage.requests
        self.job.warehouse.transact(note)
        for asked_at, rows in fetched_by_id(entity_copy, sorted(missing)):
            outcome.missing += len(rows)
            store_fetched(entity_copy, rows, asked_at, outcome)
        try:
            confirm_deletions(entity_copy, outcome)
        except TooManyVanished as error:
            outcome.question = error
        outcome.requests = self.job.client.usage.requests - requests
        return outcome

    def _whole(self, entity: str) -> Slice:
        return Slice(ID, None, self._highest[entity] + 1)

    def _counts(self, entity: str) -> SliceCounts:
        """Both counts up to the highest id, ours as of now; equal ones where the portal's is not known."""
        in_copy = self._in_copy(entity)
        return SliceCounts(self._whole(entity), self._in_portal.get(entity, in_copy), in_copy)

    def _in_copy(self, entity: str) -> int:
        thresholds = [self._highest[entity] + 1]
        return self.job.transact(stored_rows.counts, entity, ID, thresholds).get(0, 0)

    def _most_requests(self, entity: str, counts: SliceCounts) -> int | None:
        if entity in AT_ONCE:
            return None
        reading_all = counts.in_copy / (PAGES_AT_ONCE * PAGE_ROWS)
        return max(LEAST_REQUESTS, math.ceil(reading_all / CHECKS_AN_HOUR) + 1)


def _slice_of(ids: IdRange) -> Slice:
    return Slice(ID, ids.after + 1, None if ids.upto is None else ids.upto + 1)


def _left(connection: Connection, account: UUID, entity: str) -> Sequence[IdRange]:
    """The id ranges that the last check has left to this one."""
    load = cursors.load_under_way(connection, account, entity, SEARCH)
    return load.open_ranges if load else ()


def _note_left(connection: Connection, account: UUID, entity: str, left: Sequence[IdRange]) -> None:
    if left:
        cursors.begin(connection, account, entity, Load(SEARCH, merged(left), now(connection)))
    else:
        cursors.end(connection, account, entity, SEARCH)
