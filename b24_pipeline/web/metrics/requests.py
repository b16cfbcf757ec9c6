"""Prometheus metrics of HTTP requests."""

from __future__ import annotations

from functools import cache

from prometheus_client import CollectorRegistry, Counter, Histogram

_METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"))
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0)


class Requests:
    """Counts requests by route, method and status, and measures how many seconds they took."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._answered = Counter(
            "b24_http_requests", "Requests answered.", ("route", "method", "status"), registry=registry
        )
        self._seconds = Histogram(
            "b24_http_request_seconds",
            "Seconds until a request was answered.",
            ("route",),
            registry=registry,
            buckets=_SECONDS,
        )

    def count(self, route: str, method: str, status: int, seconds: float) -> None:
        """Counts one request; a method that HTTP does not know is counted as `other`."""
        answered, taken = self._series(route, method if method in _METHODS else "other", status)
        answered.inc()
        taken.observe(seconds)

    @cache  # noqa: B019  one entry a route, method and status; this object lives as long as the process
    def _series(self, route: str, method: str, status: int) -> tuple[Counter, Histogram]:
        return self._answered.labels(route, method, str(status)), self._seconds.labels(route)
