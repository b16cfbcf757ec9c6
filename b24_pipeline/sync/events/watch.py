"""Notices events that do not come, by the changes that polling finds, and binds them again.

Bitrix24 does not say that a handler was unbound, that its cloud cannot reach an
address, or that an outgoing webhook was deleted. Polling goes on meanwhile, so
nothing is missed; changes only come later.
"""

from __future__ import annotations

from b24_pipeline.errors import PortalError
from b24_pipeline.log import logger
from b24_pipeline.store.events import arrivals as store
from b24_pipeline.store.events.arrivals import Arrivals
from b24_pipeline.store.portals import entity_choice
from b24_pipeline.sync.events.bindings import bind, missing_events
from b24_pipeline.sync.job import Job


def watch_events(job: Job) -> Arrivals:
    """Counts the changes that no event announced, and binds missing events again if the portal is silent.

    A portal that is not silent is not asked. An error of the portal is logged and not raised, because a sync works
    without events. Raises DatabaseError.
    """
    arrivals = job.transact(store.count_unannounced)
    if arrivals.silent_since:
        logger("events").warning(
            "changes came that no event had announced",
            portal=job.portal.name,
            unannounced=arrivals.unannounced,
        )
        bind_missing_events(job, arrivals)
    return arrivals


def check_bindings(job: Job) -> list[str]:
    """Binds events that an administrator has unbound, also if the portal is not silent; returns those events."""
    arrivals = job.transact(store.count_unannounced)
    return bind_missing_events(job, arrivals)


def bind_missing_events(job: Job, arrivals: Arrivals) -> list[str]:
    """Binds the missing events of an application's portal again, and returns them; errors of the portal are logged."""
    if job.portal.connected_by != "oauth" or arrivals.handler_url is None:
        return []
    try:
        chosen = job.transact(entity_choice.chosen)
        missing = missing_events(job.client, arrivals.handler_url, job.portal.entity_type, chosen)
        if missing:
            bind(job.client, job.portal, arrivals.handler_url, job.warehouse)
    except PortalError as error:
        logger("events").warning("events cannot be bound again", portal=job.portal.name, error=str(error))
        return []
    if missing:
        logger("events").warning("events were bound again", portal=job.portal.name, events=len(missing))
    return missing
