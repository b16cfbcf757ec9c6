"""Whether a failed request is repeated, and after how long (docs/bitrix24-rest.md, section 8).

This is the only retry loop of the package. Everything repeated here is a
read: a write after a timeout may have happened.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

import stamina

from b24_pipeline.errors import (
    OperatingLimit,
    PortalTimeout,
    PortalUnreachable,
    RequestLimit,
    ServerFault,
    TokenExpired,
    UnreadableAnswer,
)

T = TypeVar("T")

Repeats = Mapping[type[Exception], int]

# How often each kind may be repeated; a kind that is not here is raised at once.
USUAL: Repeats = {
    RequestLimit: 10,
    OperatingLimit: 4,
    ServerFault: 3,
    PortalTimeout: 1,
    PortalUnreachable: 3,
    UnreadableAnswer: 3,
    # The token was refreshed and is called expired still: the portal's clock, or one of its servers, is behind.
    TokenExpired: 2,
}

# For a caller that can ask for less at a time: a heavy batch is not sent again as it was (trap 30).
SHRINKING: Repeats = {**USUAL, ServerFault: 1, PortalTimeout: 0, UnreadableAnswer: 1}


@dataclass(frozen=True, slots=True)
class Waits:
    """Seconds between attempts: doubling from `first` to `longest`, each plus up to `jitter`."""

    first: float = 1.0
    longest: float = 30.0
    jitter: float = 0.5


@dataclass(slots=True)
class RetryDecision:
    """Decides whether one call is repeated: counts its failures by kind."""

    repeats: Repeats
    failures: Counter[type[Exception]] = field(default_factory=Counter)

    def __call__(self, error: Exception) -> bool | float:
        kind = next((kind for kind in type(error).__mro__ if kind in self.repeats), None)
        if kind is None:
            return False
        self.failures[kind] += 1
        if self.failures[kind] > self.repeats[kind]:
            return False
        # The budget knows when the method is free again, and waits there.
        return 0.0 if isinstance(error, OperatingLimit) else True


def with_retries(attempt: Callable[[], T], repeats: Repeats, waits: Waits) -> T:
    """Calls `work` until it succeeds, or fails in a way that repeating does not mend."""
    return stamina.RetryingCaller(
        attempts=None,
        timeout=None,
        wait_initial=waits.first,
        wait_max=waits.longest,
        wait_jitter=waits.jitter,
    )(RetryDecision(repeats), attempt)
