"""Keeps all contacts of leads, deals and companies: asks for those of owners that were stored since the last time.

A link has neither a date nor an event (docs/bitrix24-rest.md, section 6.10), so it is read when its owner has
changed, and from time to time of all owners. What was read and how far is stored in one transaction: wherever it is
killed, the next sync goes on from there.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from b24_pipeline.store.crm import contact_links as store
from b24_pipeline.store.crm.contact_links import NAME, OWNER_TYPES, DueOwners, Owner, OwnerContacts
from b24_pipeline.store.crm.merge import MANY_ROWS
from b24_pipeline.store.database import bookmarks
from b24_pipeline.store.database.warehouse import Connection
from b24_pipeline.sync.crm.contact_lists import ContactReader
from b24_pipeline.sync.job import Job
from b24_pipeline.sync.outcome import Outcome

OWNERS_AT_ONCE = 5_000
"""Owners of each type whose contacts are read between two commits."""

STILL_CHANGING = timedelta(seconds=2)
"""A portal's times are whole seconds: an owner that changed so shortly before its contacts were read may get others in
the same second, and its row would not differ. It is read again by the next sync."""


def sync_contact_links(
    job: Job, *, owner_types: Sequence[str] = OWNER_TYPES, anew: bool = False
) -> list[Outcome]:
    """Reads the contacts of owners that were stored since the last time, or of all if `anew` or never done."""
    with job.recorded(NAME, "full" if anew else "incremental") as outcome, job.alone(NAME):
        _LinkLoad(job, outcome, owner_types).run(anew=anew)
    return [outcome]


class _LinkLoad:
    def __init__(self, job: Job, outcome: Outcome, owner_types: Sequence[str]) -> None:
        self.job = job
        self.outcome = outcome
        self.owner_types = owner_types
        self.reader = ContactReader(job.client, concurrency=job.options.concurrency)

    def run(self, *, anew: bool) -> None:
        # before the owners are looked for: what is committed later is stamped later, and due the next time
        complete_upto = self.job.warehouse.transact(bookmarks.complete_upto)
        starts = {name: self.job.transact(store.begin, name, anew=anew) for name in self.owner_types}
        while starts:
            due = {
                name: self.job.transact(store.due, name, since, OWNERS_AT_ONCE)
                for name, since in starts.items()
            }
            owners = [owner for part in due.values() for owner in part.owners]
            clock = self.job.client.clock
            read = self.reader.read(owners) if owners else []
            changing = _still_changing(owners, clock or self.job.client.clock)
            starts = _following(due)
            upto = {name: min(starts.get(name, complete_upto), complete_upto) for name in due}
            changed, removed = self.job.transact(_store, read, changing, upto)
            self._count(read, changed, removed)
        if self.outcome.rows_changed > MANY_ROWS:
            self.job.warehouse.transact(store.analyze)

    def _count(self, read: Sequence[OwnerContacts], changed: int, removed: int) -> None:
        rows = sum(len(one.contacts) for one in read)
        self.outcome.rows_read += rows
        self.outcome.rows_changed += changed
        self.outcome.rows_deleted += removed
        if rows:
            self.job.options.progress(self.job.portal.name, NAME, rows)


def _still_changing(owners: Sequence[Owner], clock: datetime | None) -> list[Owner]:
    """The owners that changed just before their contacts were read, at that time of the portal's clock."""
    if clock is None:
        return []
    recent = clock - STILL_CHANGING
    return [owner for owner in owners if owner.date_modify and owner.date_modify >= recent]


def _following(due: dict[str, DueOwners]) -> dict[str, datetime]:
    """Where the next owners of each type begin; types of which there are no more are left out."""
    return {name: part.upto for name, part in due.items() if part.upto and len(part.owners) >= OWNERS_AT_ONCE}


def _store(
    connection: Connection,
    account: UUID,
    read: Sequence[OwnerContacts],
    changing: Sequence[Owner],
    upto: dict[str, datetime],
) -> tuple[int, int]:
    stored = store.merge(connection, account, read)
    store.note_due(connection, account, changing)
    for name, moment in upto.items():
        store.move_on(connection, account, name, moment)
    return stored
