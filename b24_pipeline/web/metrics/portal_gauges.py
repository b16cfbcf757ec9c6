"""What `/metrics` tells beside requests: inbound events, and the state of each portal."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from b24_pipeline.errors import B24Error
from b24_pipeline.store.checks.health import PortalHealth
from b24_pipeline.web.events.receiver import Receiver

# anybody may ask for the figures, so that asking often must cost the database nothing
REMEMBERED_SECONDS = 5.0

Figure = Callable[[PortalHealth], float | None]
_GAUGES: tuple[tuple[str, str, Figure], ...] = (
    ("b24_portal_connected", "1 while the portal is connected.", lambda one: one.status == "connected"),
    (
        "b24_portal_lag_seconds",
        "How old the moment is up to which it is complete.",
        lambda one: one.lag_seconds,
    ),
    ("b24_portal_events_due", "Landed events that wait to be drained.", lambda one: one.events_due),
    ("b24_portal_events_due_seconds", "How long the first of them has waited.", lambda one: one.due_seconds),
    ("b24_portal_events_retried", "Events whose drain has failed before.", lambda one: one.events_retried),
    ("b24_portal_events_failed", "Events that were given up.", lambda one: one.events_failed),
    (
        "b24_portal_unannounced",
        "Changes found by polling that no event announced.",
        lambda one: one.unannounced,
    ),
    ("b24_portal_silent", "1 while too many of them were found.", lambda one: one.silent_since is not None),
    ("b24_portal_budget_seconds", "How long the next request would wait.", lambda one: one.budget_seconds),
    (
        "b24_portal_stages_checked",
        "Stages counted beside the portal in the last check.",
        lambda one: one.stages_checked if one.stages_checked_at else None,
    ),
    (
        "b24_portal_stages_wrong",
        "Of these, those that differ by no later change and could not be repaired.",
        lambda one: one.stages_wrong if one.stages_checked_at else None,
    ),
    ("b24_portal_not_synced", "Entities never proved complete.", lambda one: len(one.not_synced)),
)


class EventFigures(Collector):
    """Answers to inbound events by their code, and how many wait for a commit."""

    def __init__(self, receiver: Receiver) -> None:
        self._receiver = receiver

    def collect(self) -> Iterator[Metric]:
        """Prometheus asks."""
        answers = CounterMetricFamily(
            "b24_events", "Inbound events by what became of them.", labels=["answer"]
        )
        for code, count in tuple(self._receiver.receipts.items()):
            answers.add_metric([code], count)
        yield answers
        yield GaugeMetricFamily(
            "b24_events_uncommitted", "Events that wait for a commit.", value=self._receiver.waiting
        )


class PortalFigures(Collector):
    """The state of each portal. `look` reads it from the database, and raises B24Error where it cannot."""

    def __init__(self, look: Callable[[], Sequence[PortalHealth]]) -> None:
        self._look = look
        self._looking = threading.Lock()
        self._known: tuple[float, Sequence[PortalHealth] | None] = (float("-inf"), None)

    def collect(self) -> Iterator[Metric]:
        """Prometheus asks; without the database only that is told."""
        portals = self._portals()
        yield GaugeMetricFamily("b24_database_up", "1 while the database answers.", value=portals is not None)
        for name, text, figure in _GAUGES:
            yield _gauge(name, text, figure, portals or ())

    def describe(self) -> Iterator[Metric]:
        """Without asking the database."""
        yield GaugeMetricFamily("b24_database_up", "1 while the database answers.")

    def _portals(self) -> Sequence[PortalHealth] | None:
        with self._looking:
            moment, portals = self._known
            if time.monotonic() - moment > REMEMBERED_SECONDS:
                portals = self._looked()
                self._known = (time.monotonic(), portals)
            return portals

    def _looked(self) -> Sequence[PortalHealth] | None:
        try:
            return self._look()
        except B24Error:
            return None


def _gauge(name: str, text: str, figure: Figure, portals: Sequence[PortalHealth]) -> Metric:
    gauge = GaugeMetricFamily(name, text, labels=["portal"])
    for portal in portals:
        value = figure(portal)
        if value is not None:
            gauge.add_metric([portal.name], value)
    return gauge
