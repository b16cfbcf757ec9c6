"""Prometheus metrics that name no portal: inbound events, the database, and totals over all portals."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from b24_pipeline.errors import B24Error
from b24_pipeline.store.checks.health import PortalHealth
from b24_pipeline.web.events.receiver import Receiver

# anybody may ask for the totals, so asking often must not cost the database anything
REMEMBERED_SECONDS = 5.0
# a counter that appears with its first count has no increase then, and an alert would miss it
_FROM_THE_START = {"landed": 0, "not_stored": 0}


class RememberedHealth:
    """The portals' health, read from the database at most every REMEMBERED_SECONDS.

    `read` raises B24Error where the database cannot be used.
    """

    def __init__(self, read: Callable[[], Sequence[PortalHealth]]) -> None:
        self._read = read
        self._lock = threading.Lock()
        self._known: tuple[float, Sequence[PortalHealth] | None] = (float("-inf"), None)

    def portals(self) -> Sequence[PortalHealth] | None:
        """Every portal, None where the database could not be read."""
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


class EventGauges(Collector):
    """Counts answers to inbound events by their code, and the events that wait for a commit."""

    def __init__(self, receiver: Receiver) -> None:
        self._receiver = receiver

    def collect(self) -> Iterator[Metric]:
        """The metrics as they are now (the registry calls it)."""
        answers = CounterMetricFamily(
            "b24_events", "Inbound events by the answer that they got.", labels=["answer"]
        )
        for code, count in (_FROM_THE_START | dict(self._receiver.receipts)).items():
            answers.add_metric([code], count)
        yield answers
        yield GaugeMetricFamily(
            "b24_events_uncommitted", "Inbound events that wait for a commit.", value=self._receiver.waiting
        )


class PortalTotals(Collector):
    """Totals over all portals; without the database only `b24_database_up` 0."""

    def __init__(self, known: RememberedHealth) -> None:
        self._known = known

    def collect(self) -> Iterator[Metric]:
        """The metrics as they are now (the registry calls it)."""
        portals = self._known.portals()
        yield GaugeMetricFamily("b24_database_up", "1 while the database answers.", value=portals is not None)
        if portals is None:
            return
        counted = GaugeMetricFamily("b24_portals", "Portals by their status.", labels=["status"])
        for status, count in Counter(portal.status for portal in portals).items():
            counted.add_metric([status], count)
        yield counted
        yield GaugeMetricFamily(
            "b24_portals_lag_seconds",
            "Seconds since the moment up to which the copy of every connected portal is complete.",
            value=max((portal.lag_seconds or 0.0 for portal in _connected(portals)), default=0.0),
        )
        yield GaugeMetricFamily(
            "b24_portals_events_due",
            "Landed events of all portals that wait to be drained.",
            value=sum(portal.events_due for portal in portals),
        )
        yield GaugeMetricFamily(
            "b24_portals_stages_wrong",
            "Stages of all portals that differ, and neither a later change nor a repair explains it.",
            value=sum(portal.stages_wrong for portal in portals if portal.stages_checked_at),
        )

    def describe(self) -> Iterator[Metric]:
        """A name for the registry, which asks when it registers: the database is left alone."""
        yield GaugeMetricFamily("b24_database_up", "1 while the database answers.")


def _connected(portals: Sequence[PortalHealth]) -> Iterator[PortalHealth]:
    return (portal for portal in portals if portal.status == "connected")
