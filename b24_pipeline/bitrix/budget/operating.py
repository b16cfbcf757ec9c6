"""The operating time of each method: slow down early, wait at the limit, stop nothing else.

A method that ran too long in the last ten minutes is refused until
`operating_reset_at` (docs/bitrix24-rest.md, section 3.2). Between processes all
moments are "seconds from now", so that no two clocks have to agree.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

WINDOW_SECONDS = 600.0


@dataclass(frozen=True, slots=True)
class Operating:
    """What is known of one method: run time used; until its reset and its release, from now (0: past)."""

    seconds: float = 0.0
    reset_in: float = 0.0
    blocked_for: float = 0.0


class OperatingStore(Protocol):
    """A store in which processes share what they know of a bucket's methods."""

    def read(self, bucket: str) -> Mapping[str, Operating]:
        """What is known of every method of a bucket."""

    def write(self, bucket: str, method: str, operating: Operating) -> None:
        """Stores what is known of a method; a block that ends later stays."""


class MemoryOperatingStore:
    """An OperatingStore for a single process: it keeps nothing."""

    def read(self, bucket: str) -> Mapping[str, Operating]:
        return {}

    def write(self, bucket: str, method: str, operating: Operating) -> None:
        return None


@dataclass(frozen=True, slots=True)
class OperatingRules:
    """The cloud's limit is not published; 480 s is the documentation's figure (section 3.2)."""

    limit_seconds: float = 480.0
    slow_from: float = 0.7
    ban_seconds: float = 300.0
    refresh_seconds: float = 1.0
    worth_writing_seconds: float = 1.0


@dataclass(slots=True)
class _Method:
    """One method as this process sees it; moments by its monotonic clock."""

    seconds: float = 0.0
    reset_at: float = 0.0
    blocked_until: float = 0.0
    per_request: float = 0.5
    next_free: float = 0.0
    written: float = 0.0

    def wait(self, now: float, limit: float) -> float:
        """Seconds until this method may run again."""
        used_up = self.reset_at if self.seconds >= limit else 0.0
        return max(self.blocked_until, used_up, self.next_free) - now

    def spread(self, now: float, rules: OperatingRules) -> None:
        """Leave the rest of the limit to the rest of the window, beginning at a share of the limit."""
        left = rules.limit_seconds - self.seconds
        if left > 0 and self.seconds >= rules.slow_from * rules.limit_seconds and self.reset_at > now:
            window = self.reset_at - now
            self.next_free = now + min(self.per_request * window / left, window)

    def learn(self, known: Operating, now: float) -> None:
        """Take over what another process has written, where it is worse than what we know.

        No portal counts or blocks for longer than WINDOW_SECONDS, whatever is stored.
        """
        if known.blocked_for > 0:
            self.blocked_until = max(self.blocked_until, now + min(known.blocked_for, WINDOW_SECONDS))
        if known.reset_in > 0 and known.seconds > self.seconds:
            self.seconds, self.reset_at = known.seconds, now + min(known.reset_in, WINDOW_SECONDS)

    def shared(self, now: float) -> Operating:
        return Operating(self.seconds, max(self.reset_at - now, 0.0), max(self.blocked_until - now, 0.0))


class OperatingTime:
    """The operating time of the methods of one bucket. Thread-safe."""

    def __init__(
        self,
        bucket: str,
        store: OperatingStore,
        rules: OperatingRules | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._bucket = bucket
        self._store = store
        self._rules = rules or OperatingRules()
        self._clock = clock
        self._methods: dict[str, _Method] = {}
        self._read_at: float | None = None
        self._lock = threading.Lock()

    def take(self, methods: Iterable[str]) -> float:
        """Returns 0 where these methods may run now, else the seconds to wait before asking again."""
        with self._lock:
            now = self._clock()
            self._refresh(now)
            known = [self._methods[name] for name in methods if name in self._methods]
            wait = max((method.wait(now, self._rules.limit_seconds) for method in known), default=0.0)
            if wait > 0:
                return wait
            for method in known:
                method.spread(now, self._rules)
            return 0.0

    def held(self, methods: Iterable[str]) -> set[str]:
        """Those of these methods that may not run now."""
        with self._lock:
            now = self._clock()
            self._refresh(now)
            known = {name: self._methods[name] for name in methods if name in self._methods}
            return {name for name, method in known.items() if method.wait(now, self._rules.limit_seconds) > 0}

    def spent(self, name: str, seconds: float, reset_in: float | None) -> None:
        """Takes what an answer reported; it is written to the store only when it has changed by enough to matter."""
        with self._lock:
            now = self._clock()
            method = self._methods.setdefault(name, _Method())
            if seconds > method.seconds > 0:
                method.per_request = 0.7 * method.per_request + 0.3 * (seconds - method.seconds)
            method.seconds = seconds
            method.reset_at = now + min(WINDOW_SECONDS if reset_in is None else reset_in, WINDOW_SECONDS)
            if abs(seconds - method.written) > self._rules.worth_writing_seconds:
                method.written = seconds
                self._store.write(self._bucket, name, method.shared(now))

    def blocked(self, name: str, reset_in: float | None) -> None:
        """Blocks a refused method until the reset that it names, else the last one known, else for five minutes."""
        with self._lock:
            now = self._clock()
            method = self._methods.setdefault(name, _Method())
            known = method.reset_at - now if reset_in is None else reset_in
            # Known only once: if the method is refused after its reset too, the longer ban is on.
            method.reset_at = 0.0
            block = max(known, 1.0) if known > 0 else self._rules.ban_seconds
            method.blocked_until = now + min(block, WINDOW_SECONDS)
            self._store.write(self._bucket, name, method.shared(now))

    def _refresh(self, now: float) -> None:
        if self._read_at is not None and now - self._read_at < self._rules.refresh_seconds:
            return
        self._read_at = now
        for name, known in self._store.read(self._bucket).items():
            self._methods.setdefault(name, _Method()).learn(known, now)
