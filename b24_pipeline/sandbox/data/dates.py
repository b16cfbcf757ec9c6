"""When entities came to be, and the ids that they got."""

from __future__ import annotations

import numpy as np

from b24_pipeline.sandbox.data.journeys import Ints

MONTHS_SECONDS = 730 * 86400


def creation_times(rng: np.random.Generator, count: int, now: int) -> Ints:
    """Ascending Unix seconds over 24 months before `now`, growing: later months are busier."""
    share = np.sqrt(rng.random(count))
    times: Ints = np.sort(now - MONTHS_SECONDS + (share * (MONTHS_SECONDS - 60)).astype(np.int64))
    return times


def identifiers(rng: np.random.Generator, count: int, start: int) -> Ints:
    """Ascending ids with gaps: mostly neighbours, some holes, seldom a wide one."""
    gaps = rng.choice([1, 2, 5, 60], count, p=[0.84, 0.12, 0.035, 0.005])
    return start + np.cumsum(gaps)
