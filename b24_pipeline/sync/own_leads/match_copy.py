"""Matches own ad leads within our copy, after every sync and drain, without any request."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from time import monotonic

from b24_pipeline.store.crm import sync_log
from b24_pipeline.store.database import bookmarks
from b24_pipeline.store.database.warehouse import Connection, Warehouse
from b24_pipeline.store.own_leads import crm_phones, matches
from b24_pipeline.store.own_leads.crm_phones import PhoneReader
from b24_pipeline.store.own_leads.matches import Linked
from b24_pipeline.store.portals.portal import Portal
from b24_pipeline.sync.own_leads.phone_region import region_of
from b24_pipeline.sync.own_leads.phones import phones_of

OWN_LEAD = "own_lead"
MATCH = "match"

READING = 3
"""The way in which phones are read, and whose. Where it is a new one, all phones are read again."""

PHONES, MATCHES = "phones", "matches:"
"""Bookmarks of how far the copy was read: by the index of phones, and by matching for each counted entity type."""

_PHONES_NOW = f"{PHONES}:{READING}"


def link_own_leads(warehouse: Warehouse, portal: Portal) -> Linked:
    """Matches own leads that are new or that changes of the CRM concern; returns the numbers of links.

    A portal without own leads costs nothing: the phones of its CRM are indexed once it has an own lead.
    """
    return warehouse.transact(_link, portal)


def _link(connection: Connection, portal: Portal) -> Linked:
    if not matches.counted(connection, portal.id).has_own_leads:
        return Linked()
    started = monotonic()
    linked = match_changed(connection, portal)
    if linked.linked or linked.updated:
        log_match(connection, portal, linked, seconds=monotonic() - started)
    return linked


def match_changed(
    connection: Connection, portal: Portal, *, by_portal: bool = False, asked: Sequence[matches.Unfound] = ()
) -> Linked:
    """Matches new own leads, those that changes of the CRM concern, and those `asked`, in the caller's transaction.

    `asked` are own leads whose phones the portal was searched for; `by_portal` marks their matches as found by it.
    """
    upto = matches.lock_matching(connection, portal.id)
    entity_type = matches.counted(connection, portal.id).entity_type
    read = phone_reader(portal)
    reader = f"{MATCHES}{entity_type}"
    seen = _phones_seen_upto(connection, portal)
    touched = crm_phones.index_changed(connection, portal.id, seen, read)
    matches.begin(connection)
    matches.add_unread(connection, portal.id, read, again=seen == matches.NEVER)
    seen = matches.seen_upto(connection, portal.id, reader)
    matches.add_touched(connection, portal.id, seen, touched)
    ids = [own_lead.id for own_lead in asked]
    matches.add_leads(connection, portal.id, ids)
    linked = matches.match(connection, portal.id, entity_type, by_portal=by_portal, asked=ids)
    bookmarks.move(connection, portal.id, (_PHONES_NOW, reader), upto)
    bookmarks.forget(connection, portal.id, MATCHES, kept=(reader,))
    return linked


def _phones_seen_upto(connection: Connection, portal: Portal) -> datetime:
    """How far phones were read; NEVER where another version has read them meanwhile, in its way."""
    seen = matches.seen_upto(connection, portal.id, _PHONES_NOW)
    others = bookmarks.forget(connection, portal.id, PHONES, kept=(_PHONES_NOW,))
    return matches.NEVER if others else seen


def phone_reader(portal: Portal) -> PhoneReader:
    """A function that reads the phones of a text, one or several lines, in E.164 for the country of this portal."""
    region = region_of(portal.domain)

    def read(written: str | None) -> list[str]:
        lines = (written or "").split("\n")
        return list(dict.fromkeys(phone for line in lines for phone in phones_of(line, region)))

    return read


def log_match(
    connection: Connection,
    portal: Portal,
    linked: Linked,
    *,
    seconds: float,
    run_id: str | None = None,
    requests: int = 0,
    operating_seconds: float = 0.0,
) -> None:
    """Adds a row of a matching to the sync log, in the caller's transaction, which stores the matches too."""
    sync_log.note(
        connection,
        portal.id,
        OWN_LEAD,
        MATCH,
        run_id,
        rows_read=linked.looked_at,
        rows_changed=linked.linked + linked.updated,
        rows_deleted=0,
        values_set_aside=0,
        rows_left_out=0,
        requests=requests,
        operating_seconds=operating_seconds,
        seconds=seconds,
    )
