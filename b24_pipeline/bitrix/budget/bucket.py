"""The request bucket of a portal, as a strategy and a storage for `limits`.

The bucket leaks at a steady rate and holds a burst (docs/bitrix24-rest.md, section 3.1).
It is kept as one moment in time: when it will have run empty. The strategies of `limits`
itself count windows.
"""

from __future__ import annotations

import math
import re
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable

from limits.limits import RateLimitItem, RateLimitItemPerSecond
from limits.storage import MemoryStorage, Storage
from limits.strategies import RateLimiter
from limits.util import WindowStats

from b24_pipeline.errors import SettingsError

PLANS = {"standard": "2/second burst 50", "enterprise": "5/second burst 250"}

STEP_SECONDS = 1.0
"""The portal may leak by whole seconds, at any phase: what we count as leaked may be there for this much longer."""

JITTER_SECONDS = 1.0
"""Requests arrive later than they are granted, and not all equally late: up to this much is forgiven."""

_RATE = re.compile(r"\s*(\d+(?:\.\d+)?)\s*(?:/|\s*per\s+)\s*second\s+burst\s+(\d+)\s*", re.IGNORECASE)


class LeakyBucketLimit(RateLimitItemPerSecond):
    """`2/second burst 50`: fifty requests at once, two a second from then on."""

    __slots__ = ("leak_per_second",)

    def __init__(self, leak_per_second: float, burst: int) -> None:
        super().__init__(burst, 1, "B24")
        self.leak_per_second = leak_per_second

    @property
    def burst(self) -> int:
        return self.amount

    @property
    def allowance_seconds(self) -> float:
        """How full, in seconds of leaking, our bucket may be.

        In any window the portal sees at most what we grant in a window that is JITTER_SECONDS longer, and leaks at
        least what we count for one that is STEP_SECONDS shorter. With so much less than its burst it never overflows.
        """
        margin = math.ceil(self.leak_per_second * (STEP_SECONDS + JITTER_SECONDS))
        return max(self.burst - margin, 1) / self.leak_per_second

    @property
    def full_seconds(self) -> float:
        return self.burst / self.leak_per_second

    def key_for(self, *identifiers: bytes | str | int | float) -> str:
        """One bucket a portal: a changed limit must not open a second, empty one."""
        return "/".join(part.decode() if isinstance(part, bytes) else str(part) for part in identifiers)

    def __eq__(self, value: object) -> bool:
        return isinstance(value, LeakyBucketLimit) and repr(self) == repr(value)

    def __hash__(self) -> int:
        return hash((self.leak_per_second, self.burst))

    def __repr__(self) -> str:
        return f"{self.leak_per_second:g}/second burst {self.burst}"


def parse_rate(text: str) -> LeakyBucketLimit:
    """Reads the notation of B24_RATE_LIMIT, or the name of a plan. Raises SettingsError."""
    match = _RATE.fullmatch(PLANS.get(text.strip().lower(), text))
    if match is None or float(match[1]) <= 0 or int(match[2]) < 1:
        raise SettingsError(
            f"B24_RATE_LIMIT is {text!r}; expected a rate and a burst, e.g. '2/second burst 50'"
        )
    return LeakyBucketLimit(float(match[1]), int(match[2]))


class LeakyBucketSupport(ABC):
    """The operations that LeakyBucketStrategy needs of a storage. All amounts are seconds of leaking."""

    @abstractmethod
    def pour(self, key: str, seconds: float, most: float) -> float | None:
        """Adds an amount if the level stays at `most` or below; returns the level after it, None if not added."""

    @abstractmethod
    def level(self, key: str) -> float:
        """The level now, in seconds; 0 for an empty bucket."""

    @abstractmethod
    def fill(self, key: str, seconds: float) -> None:
        """Raises the level to at least this many seconds."""


class MemoryBudgetStorage(MemoryStorage, LeakyBucketSupport):
    """Leaky buckets in the memory of one process."""

    STORAGE_SCHEME = ["b24+memory"]  # noqa: RUF012  declared so by limits

    def __init__(
        self,
        uri: str | None = None,
        wrap_exceptions: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(uri, wrap_exceptions=wrap_exceptions)
        self._clock = clock
        self._empty_at: dict[str, float] = {}
        self._lock = threading.Lock()

    def pour(self, key: str, seconds: float, most: float) -> float | None:
        with self._lock:
            level = self.level(key) + seconds
            if level > most:
                return None
            self._empty_at[key] = self._clock() + level
            return level

    def level(self, key: str) -> float:
        return max(self._empty_at.get(key, 0.0) - self._clock(), 0.0)

    def fill(self, key: str, seconds: float) -> None:
        with self._lock:
            self._empty_at[key] = self._clock() + max(self.level(key), seconds)

    def clear(self, key: str) -> None:
        self._empty_at.pop(key, None)
        super().clear(key)

    def reset(self) -> int | None:
        self._empty_at.clear()
        return super().reset()


class LeakyBucketStrategy(RateLimiter):
    """A leaky bucket over any storage with LeakyBucketSupport."""

    storage: Storage

    def __init__(self, storage: Storage) -> None:
        if not isinstance(storage, LeakyBucketSupport):
            raise SettingsError(f"a {type(storage).__name__} cannot keep a leaky bucket")
        super().__init__(storage)
        self._buckets: LeakyBucketSupport = storage

    def reserve(self, item: LeakyBucketLimit, *identifiers: str, longest: float = math.inf) -> float:
        """Takes the next free moment; returns the seconds to wait until it.

        Infinity, and nothing taken, where that would be more than `longest`. Whoever dies waiting has only wasted
        that moment.
        """
        most = item.allowance_seconds + longest
        level = self._buckets.pour(item.key_for(*identifiers), 1 / item.leak_per_second, most)
        return math.inf if level is None else max(level - item.allowance_seconds, 0.0)

    def overflow(self, item: LeakyBucketLimit, *identifiers: str) -> None:
        """Fills the bucket up: the portal has refused a request because its own is full."""
        self._buckets.fill(item.key_for(*identifiers), item.full_seconds)

    def hit(self, item: RateLimitItem, *identifiers: str, cost: int = 1) -> bool:
        bucket = _leaky(item)
        key, seconds = bucket.key_for(*identifiers), cost / bucket.leak_per_second
        return self._buckets.pour(key, seconds, bucket.allowance_seconds) is not None

    def test(self, item: RateLimitItem, *identifiers: str, cost: int = 1) -> bool:
        bucket = _leaky(item)
        level = self._buckets.level(bucket.key_for(*identifiers))
        return level + cost / bucket.leak_per_second <= bucket.allowance_seconds

    def get_window_stats(self, item: RateLimitItem, *identifiers: str) -> WindowStats:
        """The moment when the bucket will be empty, and how many requests fit now."""
        bucket = _leaky(item)
        level = self._buckets.level(bucket.key_for(*identifiers))
        free = max(bucket.allowance_seconds - level, 0.0) * bucket.leak_per_second
        return WindowStats(time.time() + level, int(free + 1e-6))


def _leaky(item: RateLimitItem) -> LeakyBucketLimit:
    if not isinstance(item, LeakyBucketLimit):
        raise SettingsError(f"{item!r} is no leaky bucket; expected e.g. '2/second burst 50'")
    return item
