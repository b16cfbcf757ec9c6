"""Ids that differ, asked for once more by themselves: judged, and repaired where something is wrong."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from b24_pipeline.bitrix.lists.read import read_ids
from b24_pipeline.entities.decode import row_id
from b24_pipeline.errors import TooManyVanished
from b24_pipeline.store.checks import rows as stored_rows
from b24_pipeline.store.checks import stages as store
from b24_pipeline.store.checks.stages import Standing
from b24_pipeline.store.database.warehouse import Connection
from b24_pipeline.sync.checks.stage_queries import AGREEMENT, StageLists
from b24_pipeline.sync.checks.stage_tally import Verdicts
from b24_pipeline.sync.crm.deletions import bury_vanished, keep
from b24_pipeline.sync.job import Job
from b24_pipeline.sync.outcome import Outcome


@dataclass(frozen=True, slots=True)
class Since:
    """Two moments of the portal's clock: the sync's watermark, and the beginning of its read."""

    watermark: datetime
    start: datetime


class StageRecheck:
    """Looks at leads, or at deals, of one portal."""

    def __init__(self, job: Job, lists: StageLists, since: Since) -> None:
        self.job = job
        self.lists = lists
        self.since = since
        self.outcome = Outcome(job.portal.name, lists.entity.name, AGREEMENT.sync_type)
        self.verdicts = Verdicts()

    def look(self, ids: Sequence[int]) -> Verdicts:
        """Fetches all of these, and stores them; what the portal does not show gets a tombstone.

        Many at once that are gone are left alone and asked about (`outcome.question`): lost rights look like that.
        """
        requests = self.job.client.usage.requests
        before = self._in_copy(ids)
        rows = self._fetched(ids)
        in_portal = {row_id(row): self._standing(row) for row in rows}
        wrong = {
            number for number in ids if self._is_wrong(number, before.get(number), in_portal.get(number))
        }
        self.verdicts.deleted = wrong - in_portal.keys()
        self._store(rows, before)
        self._bury()
        after = self._in_copy(ids)
        self.verdicts.left = {
            number for number in wrong if not _agree(after.get(number), in_portal.get(number))
        }
        self.outcome.requests = self.job.client.usage.requests - requests
        return self.verdicts

    def _in_copy(self, ids: Sequence[int]) -> dict[int, Standing]:
        return self.job.transact(store.standing, self.lists.entity.name, ids)

    def _fetched(self, ids: Sequence[int]) -> list[dict[str, Any]]:
        query = self.lists.reading.query_by_id()
        return [row for rows in read_ids(self.job.client, query, ids) for row in rows]

    def _standing(self, row: dict[str, Any]) -> Standing | None:
        """Where it stands; a template of recurring deals stands nowhere."""
        return None if self.lists.is_template(row) else self.lists.standing(row)

    def _is_wrong(self, number: int, in_copy: Standing | None, in_portal: Standing | None) -> bool:
        """Whether no later change explains it; otherwise that is noted."""
        if _agree(in_copy, in_portal):
            self.verdicts.same.add(number)
        elif in_portal and self._is_later(in_copy, in_portal):
            self.verdicts.changed.add(number)
        else:
            return True
        return False

    def _is_later(self, in_copy: Standing | None, in_portal: Standing) -> bool:
        """After the sync had begun; what was written shortly before may have become visible only then."""
        if in_portal.modified is None or in_portal.modified < self.since.watermark:
            return False
        return (
            in_portal.modified >= self.since.start
            or in_copy is None
            or in_copy.modified != in_portal.modified
        )

    def _store(self, rows: list[dict[str, Any]], before: dict[int, Standing]) -> None:
        if not rows:
            return
        known = sum(row_id(row) in before for row in rows)
        self.outcome.missing, self.outcome.outdated = len(rows) - known, known
        keep(self.lists.reading, rows, self.outcome)

    def _bury(self) -> None:
        """What the portal does not show, after yet another look."""

        def note(connection: Connection) -> None:
            self.lists.reading.forget_vanished(connection)
            account, entity = self.job.portal.id, self.lists.entity.name
            stored_rows.note_gone(connection, account, entity, AGREEMENT.name, sorted(self.verdicts.deleted))

        if not self.verdicts.deleted:
            return
        self.job.warehouse.transact(note)
        try:
            bury_vanished(self.lists.reading, self.outcome)
        except TooManyVanished as error:
            self.outcome.question = error


def _agree(in_copy: Standing | None, in_portal: Standing | None) -> bool:
    if in_copy is None or in_portal is None:
        return in_copy is in_portal
    return (in_copy.place, in_copy.amount) == (in_portal.place, in_portal.amount)
