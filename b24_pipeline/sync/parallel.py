"""Work on several portals side by side, where an error of one stops no other."""

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
from b24_pipeline.sync.tuning import tuned

PORTALS_AT_ONCE = 4

T = TypeVar("T")


def each_portal(
    connections: Connections,
    portals: Sequence[Portal],
    options: Options,
    work: Callable[[Job], T],
    failed: Callable[[Portal, B24Error], T],
) -> list[T]:
    """Does the work for every portal, at most PORTALS_AT_ONCE at a time; returns one result a portal, in order.

    `failed` makes the result of a portal whose work raised an error; the others go on.
    """

    def one_portal(portal: Portal) -> T:
        try:
            with (
                explained(portal.name, "working on it"),
                opened(connections, portal, options) as job,
                tuned(),
            ):
                return work(job)
        except B24Error as error:
            return failed(portal, error)

    with ThreadPoolExecutor(max(1, min(PORTALS_AT_ONCE, len(portals)))) as pool:
        return list(pool.map(one_portal, portals))


@contextmanager
def opened(connections: Connections, portal: Portal, options: Options) -> Iterator[Job]:
    """A job of this portal, whose client is closed at the end."""
    with connections.client(portal) as client:
        yield Job(portal, client, connections.warehouse, options)
