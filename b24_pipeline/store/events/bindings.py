"""The events that a portal sends to us, and where: columns of `bitrix24_event_health`."""

from __future__ import annotations

from collections.abc import Sequence

from b24_pipeline.store.database import queries
from b24_pipeline.store.database.warehouse import Warehouse
from b24_pipeline.store.portals.portal import Portal

_sql = queries.load(__file__)


def note_bound(warehouse: Warehouse, portal: Portal, events: Sequence[str], handler_url: str) -> None:
    """Notes the events that the portal sends now, and the handler that they are sent to."""
    with warehouse.connect() as connection:
        _sql.note_bound(connection, id=portal.id, events=list(events), handler_url=handler_url)


def note_unbound(warehouse: Warehouse, portal: Portal) -> None:
    """Notes that the portal sends no events any more."""
    with warehouse.connect() as connection:
        _sql.note_unbound(connection, id=portal.id)


def handler_url(warehouse: Warehouse, portal: Portal) -> str | None:
    """The address to which the portal's events were bound last; None where they never were."""
    with warehouse.connect() as connection:
        found: str | None = _sql.handler_url(connection, id=portal.id)
    return found
