"""Limits how often events may make us ask the authorization server who sent them.

Whoever knows a portal's `member_id` could make us ask about any token. So the same token
is asked about once in a while only, and each portal has a limit of its own: forged events
must not use up what other portals need.
"""

from __future__ import annotations

import hashlib
import threading
import time

from limits import parse as parse_limit
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

PAUSE_SECONDS = 5.0
MOST_OF_A_PORTAL = parse_limit("60/minute")
MOST_REMEMBERED = 10_000


class ProofLimit:
    """Counts the questions of one process; any number of threads may use it."""

    def __init__(self) -> None:
        self._asked: dict[str, float] = {}  # digest of a pair -> when it was asked about
        self._limiter = MovingWindowRateLimiter(MemoryStorage())
        self._guard = threading.Lock()

    def may_ask(self, member_id: str, application_token: str) -> bool:
        """Whether the authorization server may be asked about this pair now; if so, it counts as asked."""
        pair = hashlib.sha256(f"{member_id} {application_token}".encode()).hexdigest()
        now = time.monotonic()
        with self._guard:
            if len(self._asked) >= MOST_REMEMBERED:
                self._asked.clear()
            if now - self._asked.get(pair, -PAUSE_SECONDS) < PAUSE_SECONDS:
                return False
            self._asked[pair] = now
        return self._limiter.hit(MOST_OF_A_PORTAL, member_id)
