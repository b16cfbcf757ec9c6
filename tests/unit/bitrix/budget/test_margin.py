"""The margin of our bucket, proved by simulation: whatever way the portal leaks, it refuses nothing that we grant.

No time passes in these tests: requests are granted by the strategy under a clock of the test, arrive late, and are
counted by a portal's bucket that leaks steadily or by whole seconds at any phase.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from b24_pipeline.bitrix.budget import bucket as module
from b24_pipeline.bitrix.budget.bucket import (
    JITTER_SECONDS,
    PLANS,
    LeakyBucketLimit,
    LeakyBucketStrategy,
    MemoryBudgetStorage,
    parse_rate,
)

RATES = [*PLANS.values(), "4/second burst 12", "2/second burst 10", "5/second burst 40", "10/second burst 30"]
PHASES = [None, *(phase / 10 for phase in range(10))]
"""Leaking steadily, or each whole second at this phase."""

Latency = Callable[[float, random.Random], float]
"""Seconds from the grant to the arrival at the portal, of a request granted at that moment."""

LATENCIES: dict[str, Latency] = {
    "none": lambda granted, chance: 0.0,
    "constant": lambda granted, chance: 0.4,
    "random": lambda granted, chance: chance.random() * JITTER_SECONDS,
    # the worst: all that was granted in a second arrives at its end
    "bunched": lambda granted, chance: math.ceil(granted / JITTER_SECONDS) * JITTER_SECONDS - granted,
    "bunched before a leak": lambda granted, chance: (
        math.ceil(granted / JITTER_SECONDS + 0.001) * JITTER_SECONDS - 0.001 - granted
    ),
    "slow network": lambda granted, chance: 3.0 + chance.random() * JITTER_SECONDS,
}


def greedy(_: random.Random) -> Iterator[float]:
    """As many requests as we grant, for minutes."""
    return iter([0.0] * 700)


def in_bursts(chance: random.Random) -> Iterator[float]:
    """Bursts of all sizes, with pauses that let the bucket empty or not."""
    now = 0.0
    for _ in range(60):
        now += chance.choice([0.2, 0.9, 1.0, 3.0, 20.0, 60.0])
        yield from [now] * chance.randrange(1, 60)


def trickling(chance: random.Random) -> Iterator[float]:
    """One request after the other, at about the portal's own rate."""
    now = 0.0
    for _ in range(500):
        now += chance.random()
        yield now


def granted(limit: LeakyBucketLimit, asked: Iterator[float]) -> list[float]:
    """When requests that are asked for at these moments are granted, by the strategy itself."""
    clock = [0.0]
    strategy = LeakyBucketStrategy(MemoryBudgetStorage(clock=lambda: clock[0]))
    grants = []
    for moment in asked:
        clock[0] = moment
        grants.append(moment + strategy.reserve(limit, "acme"))
    return grants


def refused(limit: LeakyBucketLimit, arrivals: list[float], phase: float | None) -> int:
    """How many of these requests a portal's bucket of the same plan refuses."""
    level, before, count = 0.0, 0.0, 0
    for arrival in sorted(arrivals):
        now = arrival if phase is None else math.floor(arrival - phase)
        level = max(level - max(now - before, 0.0) * limit.leak_per_second, 0.0)
        before = max(now, before)
        if level + 1 > limit.burst + 1e-6:
            count += 1
        else:
            level += 1
    return count


def refusals(limit: LeakyBucketLimit, latency: Latency, seed: int = 1) -> int:
    """Refusals over all kinds of demand and all phases of the portal's leak."""
    count = 0
    for demand in (greedy, in_bursts, trickling):
        chance = random.Random(seed)
        grants = granted(limit, demand(chance))
        arrivals = [moment + latency(moment, chance) for moment in grants]
        count += sum(refused(limit, arrivals, phase) for phase in PHASES)
    return count


@pytest.mark.parametrize("latency", LATENCIES)
@pytest.mark.parametrize("rate", RATES)
def test_portal_refuses_nothing_that_we_grant(rate: str, latency: str) -> None:
    """Each plan, each way to leak, each latency, each kind of demand."""
    assert refusals(parse_rate(rate), LATENCIES[latency]) == 0


@pytest.mark.parametrize(("step", "jitter"), [(0.0, 0.5), (0.0, 1.0), (1.0, 0.0)])
@pytest.mark.parametrize("rate", RATES)
def test_smaller_margin_would_not_do(
    monkeypatch: pytest.MonkeyPatch, rate: str, step: float, jitter: float
) -> None:
    """The simulation sees refusals where the margin leaves out either of its two parts."""
    monkeypatch.setattr(module, "STEP_SECONDS", step)
    monkeypatch.setattr(module, "JITTER_SECONDS", jitter)
    assert sum(refusals(parse_rate(rate), latency) for latency in LATENCIES.values()) > 0


@settings(deadline=None, max_examples=200)
@given(
    rate=st.sampled_from(RATES),
    phase=st.one_of(st.none(), st.floats(0, 1, exclude_max=True)),
    gaps=st.lists(st.floats(0, 3), min_size=1, max_size=150),
    late=st.lists(st.floats(0, JITTER_SECONDS), min_size=150, max_size=150),
)
def test_any_demand_and_any_delay_within_the_margin(
    rate: str, phase: float | None, gaps: list[float], late: list[float]
) -> None:
    """Property: whenever requests come, and however late each arrives within the margin, none is refused."""
    limit, now, asked = parse_rate(rate), 0.0, []
    for gap in gaps:
        now += gap if gap > 1 else 0.0
        asked.append(now)
    grants = granted(limit, iter(asked))
    arrivals = [moment + delay for moment, delay in zip(grants, late, strict=False)]
    assert refused(limit, arrivals, phase) == 0


@pytest.mark.parametrize(
    ("rate", "at_once", "most_seconds"),
    [("standard", 46, 2.0), ("enterprise", 240, 2.0), ("4/second burst 12", 4, 2.0)],
)
def test_margin_costs_two_seconds_of_a_run(rate: str, at_once: int, most_seconds: float) -> None:
    """Fewer requests leave at once; from then on the rate is the portal's own, so a run ends two seconds later."""
    limit = parse_rate(rate)
    grants = granted(limit, iter([0.0] * 1000))
    assert sum(moment < 1e-6 for moment in grants) == at_once
    ideal = (1000 - limit.burst) / limit.leak_per_second
    assert grants[-1] - ideal == pytest.approx(most_seconds, abs=0.01)
