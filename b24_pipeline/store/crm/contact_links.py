"""All contacts of leads, deals and companies, and how far they were read; all in the caller's transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from b24_pipeline.store.database import bookmarks, queries
from b24_pipeline.store.database.locks import is_held
from b24_pipeline.store.database.warehouse import Connection

_sql = queries.load(__file__)

OWNER_TYPES = ("lead", "deal", "company")
NAME = "contact_link"

_DUE = {"lead": _sql.due_leads, "deal": _sql.due_deals, "company": _sql.due_companies}
_STAMP = {"lead": _sql.stamp_leads, "deal": _sql.stamp_deals, "company": _sql.stamp_companies}
_TICK = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Owner:
    """A lead, deal or company, with the main contact that its row names and the time of its last change."""

    entity_type: str
    id: int
    main_contact: int | None = None
    date_modify: datetime | None = None


@dataclass(frozen=True, slots=True)
class Contact:
    """A contact of an owner; `sort` is None where the portal's order is not known."""

    id: int
    sort: int | None
    is_primary: bool


@dataclass(frozen=True, slots=True)
class OwnerContacts:
    """The contacts of an owner as they were read; not `is_complete`: only the main one is known."""

    owner: Owner
    contacts: tuple[Contact, ...]
    is_complete: bool = True


@dataclass(frozen=True, slots=True)
class DueOwners:
    """Owners of one type whose contacts are to be read; `upto`: all that were stored before this moment are there."""

    owners: tuple[Owner, ...]
    upto: datetime | None


def begin(connection: Connection, account: UUID, owner_type: str, *, anew: bool) -> datetime:
    """From when on owners are due; `anew`: all of them from now on, also for whoever goes on after a kill."""
    reader = _reader(owner_type)
    read_upto = bookmarks.hold(connection, account, reader).loaded_upto
    if anew:
        bookmarks.move(connection, account, [reader], bookmarks.NEVER)
    return bookmarks.NEVER if anew or read_upto is None else read_upto


def due(connection: Connection, account: UUID, owner_type: str, since: datetime, most: int) -> DueOwners:
    """The owners that were stored since then, oldest first: `most` of them, and those of the last one's moment."""
    rows = list(_DUE[owner_type](connection, account=account, since=since, most=most))
    owners = tuple(Owner(owner_type, number, contact, modified) for number, contact, modified, _ in rows)
    return DueOwners(owners, rows[-1][3] + _TICK if rows else None)


def move_on(connection: Connection, account: UUID, owner_type: str, upto: datetime) -> None:
    """Notes that the contacts of all owners stored before this moment were read."""
    bookmarks.hold(connection, account, _reader(owner_type))
    bookmarks.move(connection, account, [_reader(owner_type)], upto)


def merge(connection: Connection, account: UUID, read: Sequence[OwnerContacts]) -> tuple[int, int]:
    """Stores what was read, each owner once; returns how many links came or changed, and how many are gone."""
    if not read:
        return 0, 0
    _sql.make_staging(connection)
    with connection.cursor().copy(_sql.copy_owners.sql) as copy:
        for one in read:
            copy.write_row((one.owner.entity_type, one.owner.id, one.is_complete))
    with connection.cursor().copy(_sql.copy_links.sql) as copy:
        for one in read:
            for contact in one.contacts:
                copy.write_row(
                    (one.owner.entity_type, one.owner.id, contact.id, contact.sort, contact.is_primary)
                )
    _sql.analyze_read(connection)
    _sql.lock_merging(connection, account=account)
    changed, removed = _sql.merge(connection, account=account)
    return changed, removed


def analyze(connection: Connection) -> None:
    """Gives the planner fresh statistics of the links."""
    _sql.analyze_links(connection)


def are_being_read(connection: Connection, account: UUID) -> bool:
    """Whether a sync reads links of this portal just now."""
    # the name that `Job.alone` gives the lock of a sync
    return is_held(connection, f"{account} {NAME}")


def note_due(connection: Connection, account: UUID, owners: Sequence[Owner]) -> None:
    """Lets the next sync read the contacts of these owners, by stamping their rows as just stored."""
    for owner_type, stamp in _STAMP.items():
        ids = sorted(owner.id for owner in owners if owner.entity_type == owner_type)
        if ids:
            stamp(connection, account=account, ids=ids)


def _reader(owner_type: str) -> str:
    return f"contact_links:{owner_type}"
