"""Prometheus metrics of inbound events and of the state of each portal."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from b24_pipeline.errors import B24Error
from b24_pipeline.store.checks.health import PortalHealth
from b24_pipeline.web.events.receiver import Receiver

# anybody may ask for the metrics, so asking often must not cost the database anything
REMEMBERED_SECONDS = 5.0

Figure = Callable[[PortalHealth], float | None]
_GAUGES: tuple[tuple[str, str, Figure], ...] = (
    ("b24_portal_connected", "1 while the portal is connected.", lambda portal: portal.status == "connected"),
    (
        "b24_portal_lag_seconds",
        "Seconds since the moment up to which the copy of the portal is complete.",
        lambda portal: portal.lag_seconds,
    ),
    ("b24_portal_events_due", "Landed events that wait to be drained.", lambda portal: portal.events_due),
    (
        "b24_portal_events_due_seconds",
        "Seconds that the oldest of them has waited.",
        lambda portal: portal.due_seconds,
    ),
    (
        "b24_portal_events_retried",
        "Landed events whose last drain failed and is tried again.",
        lambda portal: portal.events_retried,
    ),
    ("b24_portal_events_failed", "Landed events that were given up.", lambda portal: portal.events_failed),
    (
        "b24_portal_unannounced",
        "Changes found by polling that no event announced.",
        lambda portal: portal.unannounced,
    ),
    (
        "b24_portal_silent",
        "1 while too many changes come without an event.",
        lambda portal: portal.silent_since is not None,
    ),
    (
        "b24_portal_budget_seconds",
        "Seconds that the next request would wait for the request budget.",
        lambda portal: portal.budget_seconds,
    ),
    (
        "b24_portal_stages_checked",
        "Stages whose counts were compared with the portal in the last check.",
        lambda portal: portal.stages_checked if portal.stages_checked_at else None,
    ),
    (
        "b24_portal_stages_wrong",
        "Stages of the last check that differ, and neither a later change nor a repair explains it.",
        lambda portal: portal.stages_wrong if portal.stages_checked_at else None,
    ),
    (
        "b24_portal_not_synced",
        "Entities that were never read completely.",
        lambda portal: len(portal.not_synced),
    ),
)


class EventGauges(Collector):
    """Counts answers to inbound events by their code, and the events that wait for a commit."""

    def __init__(self, receiver: Receiver) -> None:
        self._receiver = receiver

    def collect(self) -> Iterator[Metric]:
        """The metrics as they are now (the registry calls it)."""
        answers = CounterMetricFamily(
            "b24_events", "Inbound events by the answer that they got.", labels=["answer"]
        )
        for code, count in tuple(self._receiver.receipts.items()):
            answers.add_metric([code], count)
        yield answers
        yield GaugeMetricFamily(
            "b24_events_uncommitted", "Inbound events that wait for a commit.", value=self._receiver.waiting
        )


class PortalGauges(Collector):
    """The state of each portal, read from the database at most every REMEMBERED_SECONDS.

    `read` returns the portals' health, and raises B24Error where the database cannot be used.
    """

    def __init__(self, read: Callable[[], Sequence[PortalHealth]]) -> None:
        self._read = read
        self._lock = threading.Lock()
        self._known: tuple[float, Sequence[PortalHealth] | None] = (float("-inf"), None)

    def collect(self) -> Iterator[Metric]:
        """The metrics as they are now; without the database only `b24_database_up` 0 (the registry calls it)."""
        portals = self._portals()
        yield GaugeMetricFamily("b24_database_up", "1 while the database answers.", value=portals is not None)
        for name, text, figure in _GAUGES:
            yield _gauge(name, text, figure, portals or ())

    def describe(self) -> Iterator[Metric]:
        """A name for the registry, which asks when it registers: the database is left alone."""
        yield GaugeMetricFamily("b24_database_up", "1 while the database answers.")

    def _portals(self) -> Sequence[PortalHealth] | None:
        with self._lock:
            moment, portals = self._known
            if time.monotonic() - moment > REMEMBERED_SECONDS:
                portals = self._read_or_none()
                self._known = (time.monotonic(), portals)
            return portals

    def _read_or_none(self) -> Sequence[PortalHealth] | None:
        try:
            return self._read()
        except B24Error:
            return None


def _gauge(name: str, text: str, figure: Figure, portals: Sequence[PortalHealth]) -> Metric:
    gauge = GaugeMetricFamily(name, text, labels=["portal"])
    for portal in portals:
        value = figure(portal)
        if value is not None:
            gauge.add_metric([portal.name], value)
    return gauge
