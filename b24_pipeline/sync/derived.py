"""Updates what is derived from the copy row by row, after every sync and drain.

Each update keeps a bookmark of how far it has read the copy. One that fails goes
on from its bookmark the next time, and the rows that were stored stay stored.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from b24_pipeline.errors import B24Error
from b24_pipeline.log import logger
from b24_pipeline.store.database.warehouse import Warehouse
from b24_pipeline.store.marts.custom_fields import keep_views
from b24_pipeline.store.portals.portal import Portal
from b24_pipeline.sync.failures import explained
from b24_pipeline.sync.own_leads.match_copy import link_own_leads
from b24_pipeline.sync.own_leads.qualify import mark_own_leads, qualify

log = logger("sync")

DerivedUpdate: TypeAlias = Callable[[Warehouse, Portal], object]


def update_custom_field_views(warehouse: Warehouse, portal: Portal) -> bool:
    """Rebuilds the portal's views of custom fields if its field catalogue has changed; returns whether it did."""
    return keep_views(warehouse, portal.id)


# links of own leads come before what depends on them
DERIVED_UPDATES: tuple[DerivedUpdate, ...] = (
    update_custom_field_views,
    link_own_leads,
    qualify,
    mark_own_leads,
)


def update_derived(warehouse: Warehouse, portal: Portal) -> None:
    """Runs every update for a portal; one that fails is logged, goes on the next time, and stops no other."""
    for update in DERIVED_UPDATES:
        try:
            with explained(portal.name, f"running {update.__name__}"):
                update(warehouse, portal)
        except B24Error as error:
            log.warning(
                "left for the next time", portal=portal.name, update=update.__name__, error=str(error)
            )
