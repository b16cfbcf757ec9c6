"""The leaky bucket a source address and the operating time a method (docs/bitrix24-rest.md, section 3.1, 3.2)."""

from __future__ import annotations

from collections import defaultdict, deque
from dataclasses import dataclass

from b24_pipeline.sandbox.config import Limits

_BUCKETS = 10


class RequestBucket:
    """One bucket for each source address; a refused request adds nothing."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._levels: dict[str, tuple[float, float]] = {}
        self.highest = 0.0

    def admit(self, source: str, now: float) -> bool:
        """Count one request, whatever its batch holds; False when the bucket is full."""
        if self._limits.burst is None:
            return True
        level, since = self._levels.get(source, (0.0, now))
        level = max(0.0, level - (now - since) * self._limits.leak_per_second)
        admitted = level + 1 <= self._limits.burst
        level += 1 if admitted else 0
        self._levels[source] = (level, now)
        self.highest = max(self.highest, level)
        return admitted


@dataclass(frozen=True)
class MethodUsage:
    """What a `time` block tells: seconds used in the window, and when the oldest fall out."""

    seconds: float
    reset_at: int


class OperatingWindow:
    """Seconds a method has run in ten buckets that together are the window."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._slice = limits.operating_window_seconds / _BUCKETS
        self._buckets: dict[str, deque[tuple[int, float]]] = defaultdict(deque)
        self._banned_until: dict[str, float] = {}
        self.totals: dict[str, float] = defaultdict(float)

    def blocked(self, method: str, now: float) -> bool:
        """Whether the next call is refused; a ban clears the buckets."""
        limit = self._limits.operating_limit_seconds
        if limit is None:
            return False
        if now < self._banned_until.get(method, 0.0):
            return True
        over = self.usage(method, now).seconds > limit
        if over and self._limits.ban_seconds is not None:
            self._banned_until[method] = now + self._limits.ban_seconds
            self._buckets[method].clear()
        return over

    def record(self, method: str, seconds: float, now: float) -> None:
        """Adds the seconds that a call took."""
        self.totals[method] += seconds
        if seconds <= self._limits.operating_floor_seconds:
            return
        current, buckets = int(now // self._slice), self._buckets[method]
        if buckets and buckets[-1][0] == current:
            seconds += buckets.pop()[1]
        buckets.append((current, seconds))

    def usage(self, method: str, now: float) -> MethodUsage:
        """Seconds used and the Unix second of the next release, or of a ban's end."""
        current, buckets = int(now // self._slice), self._buckets[method]
        while buckets and buckets[0][0] <= current - _BUCKETS:
            buckets.popleft()
        oldest = buckets[0][0] if buckets else current
        ban = self._banned_until.get(method, 0.0)
        release = (oldest + _BUCKETS) * self._slice
        return MethodUsage(sum(spent for _, spent in buckets), int(ban if ban > now else release) + 1)
