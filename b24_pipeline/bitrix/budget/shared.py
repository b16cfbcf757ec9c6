"""The budget of a portal: waits for its request bucket and for the operating time of its methods."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Sequence
from collections.abc import Set as AbstractSet
from typing import Protocol

from b24_pipeline.bitrix.budget.bucket import (
    PLANS,
    LeakyBucketLimit,
    LeakyBucketStrategy,
    LeakyBucketSupport,
    MemoryBudgetStorage,
    parse_rate,
)
from b24_pipeline.bitrix.budget.operating import (
    MemoryOperatingStore,
    Operating,
    OperatingRules,
    OperatingStore,
    OperatingTime,
)
from b24_pipeline.errors import BudgetExhausted, RequestLimit

__all__ = [
    "PLANS",
    "Budget",
    "LeakyBucketLimit",
    "LeakyBucketStrategy",
    "LeakyBucketSupport",
    "MemoryBudgetStorage",
    "MemoryOperatingStore",
    "Operating",
    "OperatingRules",
    "OperatingStore",
    "SharedBudget",
    "memory_budget",
    "parse_rate",
]

# Longer than the longest ban (5-10 min), so that a run outlives one.
LONGEST_WAIT_SECONDS = 900.0


class Budget(Protocol):
    """What the client asks before each request, and reports to after it."""

    def acquire(self, methods: Sequence[str]) -> None:
        """Waits until one request with these methods may be sent. Raises BudgetExhausted."""

    def held(self, methods: Iterable[str]) -> set[str]:
        """Those of these methods, in lower case, that have to wait for operating time."""

    def refused(self, error: RequestLimit) -> None:
        """Takes a refusal with 503: the portal's bucket is full, whatever ours says."""

    def spent(self, method: str, operating: float, reset_at: float | None, now_portal: float | None) -> None:
        """Takes a method's operating seconds, and when they begin to be forgiven, in the portal's Unix time."""

    def blocked(self, method: str, reset_at: float | None) -> None:
        """Takes a refusal with 429 of one method; `reset_at` is in Unix time, None where it is not known."""


class SharedBudget:
    """The budget of one bucket, shared with all who use the same storage and the same store."""

    def __init__(
        self,
        strategy: LeakyBucketStrategy,
        limit: LeakyBucketLimit,
        bucket: str,
        operating_store: OperatingStore | None = None,
        sleep: Callable[[float], None] = time.sleep,
        rules: OperatingRules | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._strategy = strategy
        self._limit = limit
        self._bucket = bucket
        self._sleep = sleep
        self._operating = OperatingTime(bucket, operating_store or MemoryOperatingStore(), rules, clock)

    def acquire(self, methods: Sequence[str]) -> None:
        self._wait_for_methods({method.lower() for method in methods})
        wait = self._strategy.reserve(self._limit, self._bucket, longest=LONGEST_WAIT_SECONDS)
        if math.isinf(wait):
            raise BudgetExhausted(
                self._bucket,
                f"the next request would have to wait for more than {LONGEST_WAIT_SECONDS:.0f} s, because so many "
                "others wait; try again later",
            )
        if wait > 0:
            self._sleep(wait)

    def held(self, methods: Iterable[str]) -> set[str]:
        return self._operating.held({method.lower() for method in methods})

    def refused(self, error: RequestLimit) -> None:
        self._strategy.overflow(self._limit, self._bucket)

    def spent(self, method: str, operating: float, reset_at: float | None, now_portal: float | None) -> None:
        known = reset_at is not None and now_portal is not None
        self._operating.spent(method.lower(), operating, max(reset_at - now_portal, 0.0) if known else None)  # type: ignore[operator]

    def blocked(self, method: str, reset_at: float | None) -> None:
        self._operating.blocked(method.lower(), None if reset_at is None else reset_at - time.time())

    def _wait_for_methods(self, methods: AbstractSet[str]) -> None:
        waited = 0.0
        while (wait := self._operating.take(methods)) > 0:
            waited += wait
            if waited > LONGEST_WAIT_SECONDS:
                raise BudgetExhausted(
                    self._bucket,
                    f"operating time stayed used up ({', '.join(sorted(methods))}); try again later",
                )
            self._sleep(wait)


def memory_budget(bucket: str, rate: str = "standard") -> SharedBudget:
    """A budget for one process, by a plan's name or in the notation of B24_RATE_LIMIT."""
    return SharedBudget(LeakyBucketStrategy(MemoryBudgetStorage()), parse_rate(rate), bucket)
