"""What we have bound in a portal: part of `bitrix24_event_health`."""

from __future__ import annotations

from collections.abc import Sequence

from b24_pipeline.store.database import queries
from b24_pipeline.store.database.warehouse import Warehouse
from b24_pipeline.store.portals.portal import Portal

_sql = queries.load(__file__)


def note_bound(warehouse: Warehouse, portal: Portal, events: Sequence[str], handler_url: str) -> None:
    """These events are sent to this handler now."""
    with warehouse.connect() as connection:
        _sql.note_bound(connection, id=portal.id, events=list(events), handler_url=handler_url)


def note_unbound(warehouse: Warehouse, portal: Portal) -> None:
    """No event is sent to us any more."""
    with warehouse.connect() as connection:
        _sql.note_unbound(connection, id=portal.id)


def handler_url(warehouse: Warehouse, portal: Portal) -> str | None:
    """Where the portal's events were sent to when they were bound last."""
    with warehouse.connect() as connection:
        found: str | None = _sql.handler_url(connection, id=portal.id)
    return found
