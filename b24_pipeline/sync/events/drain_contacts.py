"""The contacts of the leads, deals and companies of a drained chunk, stored in the chunk's transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from b24_pipeline.bitrix.answers import Row
from b24_pipeline.bitrix.batch import Command
from b24_pipeline.entities.columns import read_link
from b24_pipeline.entities.decode import row_id
from b24_pipeline.errors import PortalError
from b24_pipeline.log import logger
from b24_pipeline.store.crm import contact_links as store
from b24_pipeline.store.crm.contact_links import NAME, OWNER_TYPES, Owner
from b24_pipeline.store.database.warehouse import Connection
from b24_pipeline.store.events.backlog import Claimed
from b24_pipeline.sync.crm.by_id import FetchedObjects
from b24_pipeline.sync.crm.contact_lists import ContactReader
from b24_pipeline.sync.job import Job
from b24_pipeline.sync.outcome import Outcome

log = logger("sync")


class DrainedContacts:
    """Reads the contacts of the owners among a chunk's objects. What cannot be read is left to the next sync.

    It must be made before anything of the chunk is read.
    """

    def __init__(self, job: Job, connection: Connection, objects: Sequence[Claimed]) -> None:
        self._job = job
        self._connection = connection
        self._reader = ContactReader(job.client)
        self._owners = [
            Owner(one.entity_type, one.entity_id)
            for one in objects
            if one.entity_type in OWNER_TYPES and not one.is_deleted
        ]
        # a sync that reads contacts at the same time may store what it saw before us
        self._is_alone = not self._are_read()

    def commands(self) -> dict[str, Command]:
        """The commands that ask for the contacts, for a request that has room for them."""
        return self._reader.commands(self._reader.groups(self._owners))

    def store(self, fetched: FetchedObjects, event: str) -> Outcome | None:
        """Stores the contacts of the owners that were fetched; returns the outcome, None where no link has changed."""
        account, main = self._job.portal.id, _main_contacts(fetched)
        owners = [replace(one, main_contact=main.get((one.entity_type, one.id))) for one in self._owners]
        there = [one for one in owners if (one.entity_type, one.id) in main]
        if not there:
            return None
        if not self._is_alone or self._are_read():
            store.note_due(self._connection, account, there)
        try:
            read = self._reader.read(owners, fetched.extra_answer)
        except PortalError as error:
            log.warning("contacts are left for the next sync", portal=self._job.portal.name, error=str(error))
            store.note_due(self._connection, account, there)
            return None
        stored = [one for one in read if (one.owner.entity_type, one.owner.id) in main]
        outcome = Outcome(self._job.portal.name, NAME, event)
        outcome.rows_changed, outcome.rows_deleted = store.merge(self._connection, account, stored)
        outcome.rows_read = sum(len(one.contacts) for one in stored)
        return outcome if outcome.rows_changed or outcome.rows_deleted else None

    def _are_read(self) -> bool:
        return bool(self._owners) and store.are_being_read(self._connection, self._job.portal.id)


def _main_contacts(fetched: FetchedObjects) -> dict[tuple[str, int], int | None]:
    """The main contact in the row of each owner that was fetched."""
    return {
        (name, row_id(row)): _main_contact(row)
        for name, rows in fetched.rows.items()
        if name in OWNER_TYPES
        for row in rows
    }


def _main_contact(row: Row) -> int | None:
    try:
        number = read_link(row.get("CONTACT_ID"))
    except ValueError:
        return None
    return None if number is None else int(number)
