"""Limits how often events may make us ask the authorization server who sent them.

Anybody can send an event with invented tokens, and each new one is a question to a server that is not ours. What
costs nothing is looked at first: whether the server has refused the token before, and how many refused ones the
same sender, or events of the same portal, have brought lately. The limit over all is a bucket in the database, which
every process of the service shares.
"""

from __future__ import annotations

import threading
import time
from hashlib import sha256

from limits import parse as parse_limit
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

from b24_pipeline.bitrix.budget.shared import LeakyBucketSupport

MOST_REFUSED_OF_A_SENDER = parse_limit("10/minute")
MOST_OF_A_PORTAL = parse_limit("60/minute")
SECONDS_A_QUESTION = 0.5
"""Over all processes and senders a question every half second, in the long run."""
BURST = 60
"""As many may be asked at once after a quiet time."""
REFUSED_SECONDS = 600.0
MOST_REMEMBERED = 10_000
_BUCKET = "questions about tokens of events"


class ProofLimit:
    """Decides whether the authorization server may be asked; any number of threads may use it.

    `storage`: where the bucket is that all processes share.
    """

    def __init__(self, storage: LeakyBucketSupport) -> None:
        self._storage = storage
        self._refused: dict[str, float] = {}  # digest of a token -> when the server refused it
        self._limiter = MovingWindowRateLimiter(MemoryStorage())
        self._guard = threading.Lock()

    def was_refused(self, *tokens: str) -> bool:
        """Whether the server has refused one of these tokens lately; it would refuse it again."""
        now = time.monotonic()
        with self._guard:
            return any(
                now - self._refused.get(_digest(token), -REFUSED_SECONDS) < REFUSED_SECONDS
                for token in tokens
            )

    def may_ask(self, sender: str, member_id: str) -> bool:
        """Whether the server may be asked about an event from this address; if so, it counts as asked."""
        return (
            self._limiter.test(MOST_REFUSED_OF_A_SENDER, sender)
            and self._limiter.hit(MOST_OF_A_PORTAL, member_id)
            and self._storage.pour(_BUCKET, SECONDS_A_QUESTION, BURST * SECONDS_A_QUESTION) is not None
        )

    def note_refused(self, sender: str, *tokens: str) -> None:
        """Remembers tokens that the server has refused, and who brought them."""
        self._limiter.hit(MOST_REFUSED_OF_A_SENDER, sender)
        now = time.monotonic()
        with self._guard:
            if len(self._refused) >= MOST_REMEMBERED:
                self._refused.clear()
            self._refused.update(dict.fromkeys(map(_digest, tokens), now))


def _digest(token: str) -> str:
    return sha256(token.encode()).hexdigest()
