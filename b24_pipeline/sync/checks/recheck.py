"""Fetches rows that differ once more by their ids, sorts out why they differ, and repairs our copy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from b24_pipeline.bitrix.answers import Row
from b24_pipeline.entities.decode import row_id
from b24_pipeline.errors import TooManyVanished
from b24_pipeline.store.checks import rows as stored_rows
from b24_pipeline.store.checks import stages as store
from b24_pipeline.store.checks.stages import Standing
from b24_pipeline.store.database.warehouse import Connection
from b24_pipeline.sync.checks.stage_queries import AGREEMENT, StageQueries
from b24_pipeline.sync.checks.stage_tally import RecheckedIds
from b24_pipeline.sync.crm.deletions import fetched_by_id, mark_deleted, store_fetched
from b24_pipeline.sync.job import Job
from b24_pipeline.sync.outcome import Outcome


@dataclass(frozen=True, slots=True)
class SyncTimes:
    """Two times of one sync by the portal's clock: its watermark, and when it began to read (`start`)."""

    watermark: datetime
    start: datetime


class StageRecheck:
    """Fetches and repairs rows of one entity (leads or deals) of one portal that differ by a stage check.

    `times` are those of the entity's last sync: what the portal changed later is no fault of the copy.
    """

    def __init__(self, job: Job, queries: StageQueries, times: SyncTimes) -> None:
        self.job = job
        self.queries = queries
        self.times = times
        self.outcome = Outcome(job.portal.name, queries.entity.name, AGREEMENT.sync_type)
        self.rechecked = RecheckedIds()

    def recheck(self, ids: Sequence[int]) -> RecheckedIds:
        """Fetches the rows with these ids, stores them, and sets a tombstone for each that the portal has lost.

        Where many are gone at once no tombstone is set, and `outcome.question` asks a person: lost rights look
        the same. Raises PortalError where the portal cannot be read.
        """
        requests = self.job.client.usage.requests
        before = self._in_copy(ids)
        fetched = list(fetched_by_id(self.queries.entity_copy, ids))
        rows = [row for _, part in fetched for row in part]
        in_portal = {row_id(row): self._standing(row) for row in rows}
        wrong = {
            number for number in ids if self._is_wrong(number, before.get(number), in_portal.get(number))
        }
        self.rechecked.deleted = wrong - in_portal.keys()
        self._store(fetched, before)
        self._set_tombstones()
        after = self._in_copy(ids)
        self.rechecked.unrepaired = {
            number for number in wrong if not _are_equal(after.get(number), in_portal.get(number))
        }
        self.outcome.requests = self.job.client.usage.requests - requests
        return self.rechecked

    def _in_copy(self, ids: Sequence[int]) -> dict[int, Standing]:
        return self.job.transact(store.standing, self.queries.entity.name, ids)

    def _standing(self, row: dict[str, Any]) -> Standing | None:
        """The stage and amount of a row; None for a template of recurring deals, which no stage counts."""
        return None if self.queries.is_template(row) else self.queries.standing(row)

    def _is_wrong(self, number: int, in_copy: Standing | None, in_portal: Standing | None) -> bool:
        """Whether the two sides differ and no later change explains it; equal and changed ids are noted."""
        if _are_equal(in_copy, in_portal):
            self.rechecked.equal.add(number)
        elif in_portal and self._is_later(in_copy, in_portal):
            self.rechecked.changed.add(number)
        else:
            return True
        return False

    def _is_later(self, in_copy: Standing | None, in_portal: Standing) -> bool:
        """Whether the portal changed the row after the sync began.

        Between the watermark and the beginning a change counts too, if we do not have it: it may have
        become visible only afterwards.
        """
        if in_portal.modified is None or in_portal.modified < self.times.watermark:
            return False
        return (
            in_portal.modified >= self.times.start
            or in_copy is None
            or in_copy.modified != in_portal.modified
        )

    def _store(self, fetched: Sequence[tuple[datetime, list[Row]]], before: Mapping[int, Standing]) -> None:
        for asked_at, rows in fetched:
            known = sum(row_id(row) in before for row in rows)
            self.outcome.missing += len(rows) - known
            self.outcome.outdated += known
            store_fetched(self.queries.entity_copy, rows, asked_at, self.outcome)

    def _set_tombstones(self) -> None:
        def note(connection: Connection) -> None:
            self.queries.entity_copy.forget_vanished(connection)
            account, entity = self.job.portal.id, self.queries.entity.name
            stored_rows.note_gone(connection, account, entity, AGREEMENT.name, sorted(self.rechecked.deleted))

        if not self.rechecked.deleted:
            return
        self.job.warehouse.transact(note)
        try:
            mark_deleted(self.queries.entity_copy, self.outcome)
        except TooManyVanished as error:
            self.outcome.question = error


def _are_equal(in_copy: Standing | None, in_portal: Standing | None) -> bool:
    if in_copy is None or in_portal is None:
        return in_copy is in_portal
    return (in_copy.place, in_copy.amount) == (in_portal.place, in_portal.amount)
