"""Works on several portals side by side, so that an error of one portal stops no other."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

from b24_pipeline.errors import B24Error
from b24_pipeline.store.portals.portal import Portal
from b24_pipeline.sync.connections import Connections
from b24_pipeline.sync.failures import explained
from b24_pipeline.sync.job import Job
from b24_pipeline.sync.options import Options
from b24_pipeline.sync.tuning import tuned_interpreter

PORTALS_AT_ONCE = 4

T = TypeVar("T")


def each_portal(
    connections: Connections,
    portals: Sequence[Portal],
    options: Options,
    work: Callable[[Job], T],
    failed: Callable[[Portal, B24Error], T],
) -> list[T]:
    """Does the work for every portal, at most PORTALS_AT_ONCE at a time; returns a result for each, in order.

    `failed` makes the result of a portal whose work raised an error; the others go on.
    """

    def work_on(portal: Portal) -> T:
        try:
            with (
                explained(portal.name, "working on it"),
                opened_job(connections, portal, options) as job,
                tuned_interpreter(),
            ):
                return work(job)
        except B24Error as error:
            return failed(portal, error)

    with ThreadPoolExecutor(max(1, min(PORTALS_AT_ONCE, len(portals)))) as pool:
        return list(pool.map(work_on, portals))


@contextmanager
def opened_job(connections: Connections, portal: Portal, options: Options) -> Iterator[Job]:
    """A job of this portal; its client is closed when the block ends."""
    with connections.client(portal) as client:
        yield Job(portal, client, connections.warehouse, options)
