"""Counts what a client has used of its portal: requests, commands, operating seconds."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from time import monotonic

from b24_pipeline.bitrix.answers import Time


@dataclass(slots=True)
class Usage:
    """Counters of one client; read them at any time, add through the methods. Thread-safe.

    `operating_seconds` is run time in the portal, summed from the growth of
    what it reports; `rejected` counts its answers 503 for a full bucket; `answered_at` is when
    the portal answered last (`time.monotonic`), or when counting began.
    """

    requests: int = 0
    commands: int = 0
    operating_seconds: float = 0.0
    rejected: int = 0
    answered_at: float = field(default_factory=monotonic)
    _last: dict[str, tuple[float, float]] = field(default_factory=dict, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def sent(self, commands: int) -> None:
        """Count a request that is about to be sent, with its commands."""
        with self._lock:
            self.requests += 1
            self.commands += commands

    def answered(self) -> None:
        """Note that an answer, whatever it says, has just come."""
        self.answered_at = monotonic()

    def refused(self) -> None:
        """Count an answer 503 for a full bucket."""
        with self._lock:
            self.rejected += 1

    def reported(self, figures: Mapping[str, Time]) -> None:
        """Add the growth of each method's `operating` since its last report."""
        with self._lock:
            self.operating_seconds += sum(self._growth(method, time) for method, time in figures.items())

    def _growth(self, method: str, time: Time) -> float:
        finish, operating = time.finish or 0.0, time.operating or 0.0
        last = self._last.get(method)
        if last is None:
            # The first figure holds what others used before us.
            self._last[method] = finish, operating
            return min(operating, time.duration)
        if finish < last[0]:
            # Answers of parallel requests overtake each other; the later figure holds this one.
            return 0.0
        self._last[method] = finish, operating
        return max(operating - last[1], 0.0)
