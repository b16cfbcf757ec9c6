"""Prometheus metrics of each portal, by its name: for whoever has the key."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from b24_pipeline.store.checks.health import PortalHealth
from b24_pipeline.web.metrics.totals import RememberedHealth

Figure = Callable[[PortalHealth], float | None]
_GAUGES: tuple[tuple[str, str, Figure], ...] = (
    ("b24_portal_connected", "1 while the portal is connected.", lambda portal: portal.status == "connected"),
    (
        "b24_portal_reauthorization_required",
        "1 while a person must authorize the portal again, or give it a new webhook credential.",
        lambda portal: portal.status == "reauthorization_required",
    ),
    (
        "b24_portal_closed",
        "1 while nothing is read since the portal says that it is closed or not paid; a person's own pause is 0.",
        lambda portal: portal.status == "paused" and not portal.is_held,
    ),
    (
        "b24_portal_lag_seconds",
        "Seconds since the moment up to which the copy of the portal is complete.",
        lambda portal: portal.lag_seconds,
    ),
    (
        "b24_portal_syncs_failed",
        "Entities whose last sync that has ended failed.",
        lambda portal: portal.syncs_failed,
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


class PortalGauges(Collector):
    """The state of each portal, by its name."""

    def __init__(self, known: RememberedHealth) -> None:
        self._known = known

    def collect(self) -> Iterator[Metric]:
        """The metrics as they are now; without the database there are no figures (the registry calls it)."""
        portals = self._known.portals() or ()
        for name, text, figure in _GAUGES:
            yield _gauge(name, text, figure, portals)

    def describe(self) -> Iterator[Metric]:
        """The names for the registry, which asks when it registers: the database is left alone."""
        for name, text, figure in _GAUGES:
            yield _gauge(name, text, figure, ())


def _gauge(name: str, text: str, figure: Figure, portals: Sequence[PortalHealth]) -> Metric:
    gauge = GaugeMetricFamily(name, text, labels=["portal"])
    for portal in portals:
        value = figure(portal)
        if value is not None:
            gauge.add_metric([portal.name], value)
    return gauge
