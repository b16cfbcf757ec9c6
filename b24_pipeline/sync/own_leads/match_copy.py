"""Own ad leads follow the CRM: matched within our copy, after every sync and drain, without any request."""

from __future__ import annotations

from collections.abc import Sequence
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

PHONES, MATCHES = "phones", "matches:"
"""Readers of the copy: the index of phones, and matching for each choice of leads and deals."""


def link_own_leads(warehouse: Warehouse, portal: Portal) -> Linked:
    """Matches own leads that are new, and those that changes of the CRM concern.

    A portal without own leads costs nothing: the phones of its CRM are read when the first one is there.
    """
    return warehouse.transact(_link, portal)


def _link(connection: Connection, portal: Portal) -> Linked:
    if not matches.counted(connection, portal.id).has_own_leads:
        return Linked()
    started = monotonic()
    done = follow_copy(connection, portal)
    if done.linked or done.updated:
        note(connection, portal, done, seconds=monotonic() - started)
    return done


def follow_copy(
    connection: Connection, portal: Portal, *, by_portal: bool = False, asked: Sequence[matches.Unfound] = ()
) -> Linked:
    """The same in the caller's transaction, with own leads that were `asked` for; see `matches.match`."""
    upto = matches.take_turn(connection, portal.id)
    entity_type = matches.counted(connection, portal.id).entity_type
    read = reader_of(portal)
    reader = f"{MATCHES}{entity_type}"
    seen = matches.seen_upto(connection, portal.id, PHONES)
    touched = crm_phones.index_changed(connection, portal.id, seen, read)
    matches.begin(connection)
    matches.add_unread(connection, portal.id, read)
    seen = matches.seen_upto(connection, portal.id, reader)
    matches.add_touched(connection, portal.id, seen, touched)
    ids = [one.id for one in asked]
    matches.add_leads(connection, portal.id, ids)
    done = matches.match(connection, portal.id, entity_type, by_portal=by_portal, asked=ids)
    bookmarks.move(connection, portal.id, (PHONES, reader), upto)
    bookmarks.forget(connection, portal.id, MATCHES, kept=(reader,))
    return done


def reader_of(portal: Portal) -> PhoneReader:
    """Reads the phones of texts as people around this portal write them."""
    region = region_of(portal.domain)

    def read(written: str | None) -> list[str]:
        lines = (written or "").split("\n")
        return list(dict.fromkeys(phone for line in lines for phone in phones_of(line, region)))

    return read


def note(
    connection: Connection,
    portal: Portal,
    done: Linked,
    *,
    seconds: float,
    run_id: str | None = None,
    requests: int = 0,
    operating_seconds: float = 0.0,
) -> None:
    """The sync log's row of a matching, in its own transaction."""
    sync_log.note(
        connection,
        portal.id,
        OWN_LEAD,
        MATCH,
        run_id,
        rows_read=done.looked_at,
        rows_changed=done.linked + done.updated,
        rows_deleted=0,
        values_set_aside=0,
        requests=requests,
        operating_seconds=operating_seconds,
        seconds=seconds,
    )
