"""Portals that a person has paused: nothing is asked of them until a person lets them go on."""

from __future__ import annotations

from b24_pipeline.errors import UsageError
from b24_pipeline.store.database import queries
from b24_pipeline.store.database.warehouse import Warehouse
from b24_pipeline.store.portals.portal import Portal

_sql = queries.load(__file__)


def pause(warehouse: Warehouse, portal: Portal) -> None:
    """Has nothing asked of the portal until a person lets it go on; what works on it now ends its work.

    Its events are kept meanwhile. Raises UsageError where it is not connected.
    """
    with warehouse.connect() as connection:
        if not _sql.pause(connection, id=portal.id):
            raise UsageError(
                f"{portal.name} is {portal.status.replace('_', ' ')}; only a connected portal can be paused"
            ).of_case("not_connected_to_pause")


def resume(warehouse: Warehouse, portal: Portal) -> None:
    """Lets a portal go on that a person has paused. Raises UsageError where nobody has."""
    with warehouse.connect() as connection:
        if not _sql.resume(connection, id=portal.id):
            raise UsageError(
                f"nobody has paused {portal.name}: it is {portal.status.replace('_', ' ')}"
            ).of_case("not_paused")
