"""Works on several portals side by side, so that one that fails, or does not answer, stops no other."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from time import monotonic
from types import TracebackType
from typing import Generic, Self, TypeVar

from b24_pipeline.errors import B24Error, PortalPaused
from b24_pipeline.store.portals.portal import Portal
from b24_pipeline.sync.connections import Connections
from b24_pipeline.sync.failures import explained
from b24_pipeline.sync.job import Job
from b24_pipeline.sync.options import Options
from b24_pipeline.sync.tuning import tuned_interpreter

PORTALS_AT_ONCE = 4
"""Portals that are worked on at once; one core decodes what four of them send."""

MOST_AT_ONCE = 16
"""The same with those that are silent: each of them holds a thread and a connection, and no core."""

SILENT_SECONDS = 15.0
"""A portal that has sent nothing for so long gives up its place among PORTALS_AT_ONCE."""

LOOK_SECONDS = 1.0
STOP_SECONDS = 5.0
"""How long an interrupted pool waits for its threads; none of them can store half a page."""

T = TypeVar("T")


class _Place:
    """One portal that is worked on, and when it was heard last."""

    def __init__(self, portal: Portal) -> None:
        self.portal = portal
        self.begun_at = monotonic()
        self.job: Job | None = None

    @property
    def is_silent(self) -> bool:
        heard = self.job.client.usage.answered_at if self.job else self.begun_at
        return monotonic() - max(heard, self.begun_at) > SILENT_SECONDS


class PortalPool(Generic[T]):
    """Does a work for portals side by side, each in a thread of its own, PORTALS_AT_ONCE that answer at a time.

    `work` gets the job of a portal; `failed` makes the result of a portal whose work raised an error. For one
    thread: add portals, and ask for those that ended. Leaving the block waits for all that were begun; leaving it by an
    error or an interrupt stops them.
    """

    def __init__(
        self,
        connections: Connections,
        options: Options,
        work: Callable[[Job], T],
        failed: Callable[[Portal, B24Error], T],
    ) -> None:
        self._connections = connections
        self._options = options
        self._work = work
        self._failed = failed
        self._threads = ThreadPoolExecutor(MOST_AT_ONCE)
        self._waiting: deque[Portal] = deque()
        self._running: dict[Future[T], _Place] = {}
        self._is_stopped = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            self._stop()
        self._threads.shutdown(wait=kind is None, cancel_futures=True)

    def _stop(self) -> None:
        """Has calls to portals end, so that whoever interrupts us waits for no portal."""
        self._is_stopped = True
        for place in list(self._running.values()):
            if place.job:
                place.job.client.stop()
        wait(self._running, STOP_SECONDS)

    def add(self, portal: Portal) -> None:
        """Has this portal worked on as soon as there is a place."""
        self._waiting.append(portal)
        self._begin()

    @property
    def unfinished(self) -> list[Portal]:
        """The portals that were added and have not ended."""
        return [place.portal for place in self._running.values()] + list(self._waiting)

    @property
    def has_silent(self) -> bool:
        """Whether a portal is worked on that does not answer."""
        return any(place.is_silent for place in self._running.values())

    def ended(self, timeout: float | None = None) -> list[tuple[Portal, T]]:
        """The portals that ended since the last call, with their results.

        Waits for the first of them, at most `timeout` seconds; empty if none ended, or none is left.
        """
        until = None if timeout is None else monotonic() + timeout
        while self.unfinished:
            self._begin()
            left = LOOK_SECONDS if until is None else max(0.0, min(LOOK_SECONDS, until - monotonic()))
            done = wait(self._running, left, FIRST_COMPLETED).done
            if done:
                return [(self._running.pop(future).portal, future.result()) for future in done]
            if until is not None and monotonic() >= until:
                break
        return []

    def _begin(self) -> None:
        while self._waiting and len(self._running) < MOST_AT_ONCE and self._has_place():
            place = _Place(self._waiting.popleft())
            self._running[self._threads.submit(self._work_on, place)] = place

    def _has_place(self) -> bool:
        answering = [place for place in self._running.values() if not place.is_silent]
        return len(answering) < PORTALS_AT_ONCE

    def _work_on(self, place: _Place) -> T:
        portal = place.portal
        try:
            with (
                explained(portal.name, "working on it"),
                opened_job(self._connections, portal, self._options) as job,
                tuned_interpreter(),
            ):
                place.job = job
                if self._is_stopped:
                    job.client.stop()
                return self._work(job)
        except B24Error as error:
            return self._failed(portal, error)


def each_portal(
    connections: Connections,
    portals: Sequence[Portal],
    options: Options,
    work: Callable[[Job], T],
    failed: Callable[[Portal, B24Error], T],
) -> list[T]:
    """Does the work for every portal, side by side; returns a result for each, in order.

    `failed` makes the result of a portal whose work raised an error; the others go on.
    """
    results: dict[str, T] = {}
    with PortalPool(connections, options, work, failed) as pool:
        for portal in portals:
            pool.add(portal)
        while pool.unfinished:
            results |= {portal.name: result for portal, result in pool.ended()}
    return [results[portal.name] for portal in portals]


@contextmanager
def opened_job(connections: Connections, portal: Portal, options: Options) -> Iterator[Job]:
    """A job of this portal; its client is closed when the block ends. Raises PortalPaused."""
    if portal.is_held:
        raise PortalPaused(portal.name)
    with connections.client(portal) as client:
        yield Job(portal, client, connections.warehouse, options)
