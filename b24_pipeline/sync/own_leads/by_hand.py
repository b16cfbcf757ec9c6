"""Links an own lead as a person says, and matches it at once; every later matching keeps to that."""

from __future__ import annotations

from typing import Literal
from uuid import UUID

from b24_pipeline.store.database.warehouse import Connection, Warehouse
from b24_pipeline.store.own_leads import links, matches
from b24_pipeline.store.own_leads.links import LinkedTo
from b24_pipeline.store.portals.portal import Portal
from b24_pipeline.sync.own_leads.match_copy import phone_reader
from b24_pipeline.sync.own_leads.qualify import mark_own_leads

Wanted = LinkedTo | Literal["nothing", "by_phone"]


def link_by_hand(warehouse: Warehouse, portal: Portal, own_lead: UUID, wanted: Wanted) -> None:
    """Links it to a lead or deal or to nothing, or leaves it to the matching again. Raises UsageError."""

    def work(connection: Connection) -> None:
        matches.lock_matching(connection, portal.id)
        links.hold(connection, portal.id, own_lead)
        if wanted == "nothing":
            links.unlink(connection, portal.id, own_lead)
        elif wanted == "by_phone":
            links.withdraw(connection, portal.id, own_lead)
        else:
            links.link(connection, portal.id, own_lead, wanted)
        matches.begin(connection)
        matches.add_unread(connection, portal.id, phone_reader(portal))
        matches.add_leads(connection, portal.id, [own_lead])
        matches.match(connection, portal.id, matches.counted(connection, portal.id).entity_type)

    warehouse.transact(work)
    mark_own_leads(warehouse, portal)
