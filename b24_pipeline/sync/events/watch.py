"""Events that do not come: noticed by what polling finds, and bound again.

Bitrix24 does not say that a handler was unbound, that an address cannot be
reached from its cloud, or that an outgoing webhook was deleted. Polling goes
on all the while, so nothing is missed; it is only late.
"""

from __future__ import annotations

from b24_pipeline.errors import PortalError
from b24_pipeline.log import logger
from b24_pipeline.store.events import arrivals as store
from b24_pipeline.store.events.arrivals import Arrivals
from b24_pipeline.sync.events.bindings import bind, check
from b24_pipeline.sync.job import Job


def watch_events(job: Job) -> Arrivals:
    """Counts changes that no event announced; binds again what a silent portal has lost.

    Asks the portal only where it is silent. Raises DatabaseError; what the
    portal answers is logged, for a sync has worked without events.
    """
    arrivals = job.transact(store.look)
    if arrivals.silent_since:
        logger("events").warning(
            "changes came that no event had announced",
            portal=job.portal.name,
            unannounced=arrivals.unannounced,
        )
        mend_bindings(job, arrivals)
    return arrivals


def check_bindings(job: Job) -> list[str]:
    """Binds what an administrator has unbound, whether it was noticed or not; returns those events."""
    arrivals = job.transact(store.look)
    return mend_bindings(job, arrivals)


def mend_bindings(job: Job, arrivals: Arrivals) -> list[str]:
    """Events that were not bound any more, and are again. Only an application can bind, so else there are none."""
    if job.portal.connected_by != "oauth" or arrivals.handler_url is None:
        return []
    try:
        missing = check(job.client, arrivals.handler_url, job.portal.entity_type)
        if missing:
            bind(job.client, job.portal, arrivals.handler_url, job.warehouse)
    except PortalError as error:
        logger("events").warning("events cannot be bound again", portal=job.portal.name, error=str(error))
        return []
    if missing:
        logger("events").warning("events were bound again", portal=job.portal.name, events=len(missing))
    return missing
