"""What is derived from the copy row by row, and follows it after every sync and drain.

A follower remembers by a bookmark how far it has read, so that one that fails
goes on from there the next time; the rows that were stored stay as they are.
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
from b24_pipeline.sync.own_leads.qualify import follow_own_leads, qualify

log = logger("sync")

Follower: TypeAlias = Callable[[Warehouse, Portal], object]


def follow_custom_fields(warehouse: Warehouse, portal: Portal) -> bool:
    """Makes the portal's views of custom fields anew where its field catalogue has changed."""
    return keep_views(warehouse, portal.id)


# what links own leads comes before what follows the links
FOLLOWERS: tuple[Follower, ...] = (follow_custom_fields, link_own_leads, qualify, follow_own_leads)


def follow(warehouse: Warehouse, portal: Portal) -> None:
    """Every follower catches up with what was stored of this portal."""
    for follower in FOLLOWERS:
        try:
            with explained(portal.name, f"running {follower.__name__}"):
                follower(warehouse, portal)
        except B24Error as error:
            log.warning(
                "left for the next time", portal=portal.name, follower=follower.__name__, error=str(error)
            )
