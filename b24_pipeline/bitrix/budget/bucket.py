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

from limits.limits import RateLimitItem, RateLimitItemPerSecond
from limits.storage import MemoryStorage, Storage
from limits.strategies import RateLimiter
from limits.util import WindowStats

from b24_pipeline.errors import SettingsError

PLANS = {"standard": "2/second burst 50", "enterprise": "5/second burst 250"}

# Requests arrive later than they are sent, and not all equally late: up to this much is forgiven.
JITTER_SECONDS = 0.5

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
        """How full, in seconds of leaking, our bucket may be: a little less than the portal's."""
        margin = math.ceil(self.leak_per_second * JITTER_SECONDS)
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
    def pour(self, key: str, seconds: float) -> float:
        """Adds an amount without a limit; returns the level after it."""

    @abstractmethod
    def pour_if_fits(self, key: str, seconds: float, allowance: float) -> bool:
        """Adds an amount if the level stays within the allowance; returns whether it did."""

    @abstractmethod
    def level(self, key: str) -> float:
        """The level now, in seconds; 0 for an empty bucket."""

    @abstractmethod
    def fill(self, key: str, seconds: float) -> None:
        """Raises the level to at least this many seconds."""


class MemoryBudgetStorage(MemoryStorage, LeakyBucketSupport):
    """Leaky buckets in the memory of one process."""

    STORAGE_SCHEME = ["b24+memory"]  # noqa: RUF012  declared so by limits

    def __init__(self, uri: str | None = None, wrap_exceptions: bool = False) -> None:
        super().__init__(uri, wrap_exceptions=wrap_exceptions)
        self._empty_at: dict[str, float] = {}
        self._lock = threading.Lock()

    def pour(self, key: str, seconds: float) -> float:
        with self._lock:
            return self._add(key, seconds)

    def pour_if_fits(self, key: str, seconds: float, allowance: float) -> bool:
        with self._lock:
            fits = self.level(key) + seconds <= allowance
            if fits:
                self._add(key, seconds)
            return fits

    def level(self, key: str) -> float:
        return max(self._empty_at.get(key, 0.0) - time.monotonic(), 0.0)

    def fill(self, key: str, seconds: float) -> None:
        with self._lock:
            self._empty_at[key] = time.monotonic() + max(self.level(key), seconds)

    def clear(self, key: str) -> None:
        self._empty_at.pop(key, None)
        super().clear(key)

    def reset(self) -> int | None:
        self._empty_at.clear()
        return super().reset()

    def _add(self, key: str, seconds: float) -> float:
        level = self.level(key) + seconds
        self._empty_at[key] = time.monotonic() + level
        return level


class LeakyBucketStrategy(RateLimiter):
    """A leaky bucket over any storage with LeakyBucketSupport."""

    storage: Storage

    def __init__(self, storage: Storage) -> None:
        if not isinstance(storage, LeakyBucketSupport):
            raise SettingsError(f"a {type(storage).__name__} cannot keep a leaky bucket")
        super().__init__(storage)
        self._buckets: LeakyBucketSupport = storage

    def reserve(self, item: LeakyBucketLimit, *identifiers: str) -> float:
        """Takes the next free moment; returns the seconds to wait until it.

        Whoever dies waiting has only wasted that moment.
        """
        level = self._buckets.pour(item.key_for(*identifiers), 1 / item.leak_per_second)
        return max(level - item.allowance_seconds, 0.0)

    def overflow(self, item: LeakyBucketLimit, *identifiers: str) -> None:
        """Fills the bucket up: the portal has refused a request because its own is full."""
        self._buckets.fill(item.key_for(*identifiers), item.full_seconds)

    def hit(self, item: RateLimitItem, *identifiers: str, cost: int = 1) -> bool:
        bucket = _leaky(item)
        return self._buckets.pour_if_fits(
            bucket.key_for(*identifiers), cost / bucket.leak_per_second, bucket.allowance_seconds
        )

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
