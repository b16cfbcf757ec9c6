"""The request bucket in memory, and the operating time of methods."""

from __future__ import annotations

import pytest
from limits.limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage

from b24_pipeline.bitrix.budget.shared import (
    LeakyBucketStrategy,
    MemoryBudgetStorage,
    Operating,
    OperatingRules,
    SharedBudget,
    parse_rate,
)
from b24_pipeline.errors import BudgetExhausted, RequestLimit, SettingsError


class Clock:
    """A clock that moves when somebody sleeps."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


class Store:
    """A store that two budgets share, ageing by their clock."""

    def __init__(self) -> None:
        self.known: dict[str, Operating] = {}

    def read(self, bucket: str) -> dict[str, Operating]:
        return self.known

    def write(self, bucket: str, method: str, operating: Operating) -> None:
        self.known[method] = operating


def budget_with(
    clock: Clock, store: Store | None = None, rate: str = "1000/second burst 5000"
) -> SharedBudget:
    strategy = LeakyBucketStrategy(MemoryBudgetStorage())
    return SharedBudget(strategy, parse_rate(rate), "acme", store, clock.sleep, OperatingRules(), clock)


@pytest.mark.parametrize(
    ("text", "leak", "burst"),
    [
        ("2/second burst 50", 2.0, 50),
        (" 0.5 / second  BURST 7 ", 0.5, 7),
        ("5 per second burst 250", 5.0, 250),
        ("standard", 2.0, 50),
        ("Enterprise", 5.0, 250),
    ],
)
def test_the_notation(text: str, leak: float, burst: int) -> None:
    """A rate and a burst, or a plan."""
    limit = parse_rate(text)
    assert (limit.leak_per_second, limit.burst) == (leak, burst)
    assert limit == parse_rate(f"{leak}/second burst {burst}")
    assert hash(limit) == hash(parse_rate(repr(limit)))


@pytest.mark.parametrize(
    "text", ["", "2/second", "2/minute burst 50", "0/second burst 5", "2/second burst 0", "x"]
)
def test_a_notation_that_cannot_be_read(text: str) -> None:
    """The message names the setting and shows what is expected."""
    with pytest.raises(SettingsError, match=r"B24_RATE_LIMIT.*2/second burst 50"):
        parse_rate(text)


def test_one_bucket_whatever_the_limit() -> None:
    """A changed limit must not open a second, empty bucket; two portals have two."""
    assert parse_rate("standard").key_for("acme", b"vpn") == parse_rate("enterprise").key_for("acme", "vpn")
    assert parse_rate("standard").key_for("acme") != parse_rate("standard").key_for("other")


def test_memory_strategy() -> None:
    """Burst less margin at once, then spaced; hit, test, stats, clear and overflow as expected."""
    strategy, limit = LeakyBucketStrategy(MemoryBudgetStorage()), parse_rate("0.1/second burst 5")
    assert [strategy.hit(limit, "a") for _ in range(4)] == [True, True, True, True]
    assert not strategy.test(limit, "a")
    assert strategy.reserve(limit, "a") == pytest.approx(10.0, abs=1.0)
    assert strategy.get_window_stats(limit, "a").remaining == 0
    strategy.clear(limit, "a")
    assert strategy.get_window_stats(limit, "a").remaining == 4
    strategy.overflow(limit, "a")
    assert strategy.reserve(limit, "a") == pytest.approx(20.0, abs=1.0)
    strategy.storage.reset()
    assert strategy.reserve(limit, "a") == 0.0


def test_other_storages_and_limits_are_refused() -> None:
    """A storage without buckets and a limit that counts windows are mistakes of the settings."""
    with pytest.raises(SettingsError, match="MemoryStorage"):
        LeakyBucketStrategy(MemoryStorage())
    with pytest.raises(SettingsError, match="leaky"):
        LeakyBucketStrategy(MemoryBudgetStorage()).hit(RateLimitItemPerMinute(5), "a")


def test_a_method_is_slowed_before_its_limit_and_held_at_it() -> None:
    """Below 70 % nothing waits; above it requests are spread; at the limit it waits for the reset."""
    clock = Clock()
    budget = budget_with(clock)
    budget.spent("crm.deal.list", 300.0, 1600.0, 1000.0)
    budget.acquire(["batch", "crm.deal.list"])
    budget.acquire(["crm.deal.list"])
    assert clock.slept == []
    budget.spent("crm.deal.list", 400.0, 1600.0, 1000.0)
    for _ in range(3):
        budget.acquire(["CRM.deal.list"])
    assert len(clock.slept) == 2
    assert all(1 < wait < 600 for wait in clock.slept)
    budget.spent("crm.deal.list", 481.0, 1100.0, 1000.0)
    budget.acquire(["crm.lead.list"])
    assert len(clock.slept) == 2
    budget.acquire(["crm.deal.list"])
    assert sum(clock.slept[2:]) == pytest.approx(100.0, abs=1.0)


def test_a_block_waits_for_the_known_reset_then_for_the_ban() -> None:
    """The 429 has no time of its own: the last reset seen, and if that was too early, five minutes."""
    clock = Clock()
    budget = budget_with(clock)
    budget.spent("crm.deal.list", 200.0, 1042.0, 1000.0)
    budget.blocked("crm.deal.list", None)
    budget.acquire(["crm.deal.list"])
    assert sum(clock.slept) == pytest.approx(42.0)
    budget.blocked("crm.deal.list", None)
    budget.acquire(["crm.deal.list"])
    assert sum(clock.slept) == pytest.approx(342.0)


def test_what_another_process_knows_counts() -> None:
    """A block is seen by a budget that never met it."""
    clock, store = Clock(), Store()
    budget_with(clock, store).blocked("crm.deal.list", None)
    other = budget_with(clock, store)
    store.known["crm.deal.list"] = Operating(480.0, 0.0, 7.0)
    other.acquire(["crm.lead.list"])
    assert clock.slept == []
    other._operating._store = Store()  # the row ages in the database; this one does not
    other.acquire(["crm.deal.list"])
    assert clock.slept == [7.0]


def test_writes_are_rare() -> None:
    """Small changes stay in the process."""
    clock, store = Clock(), Store()
    budget = budget_with(clock, store)
    budget.spent("m", 0.5, None, None)
    assert store.known == {}
    budget.spent("m", 1.6, None, None)
    budget.spent("m", 1.9, None, None)
    assert store.known["m"].seconds == 1.6


def test_a_budget_that_stays_empty_is_an_error() -> None:
    """Nobody waits for ever: past a quarter of an hour the caller is told, and why."""
    clock = Clock()
    slow = budget_with(clock, rate="0.001/second burst 1")
    slow.acquire(["m"])
    with pytest.raises(BudgetExhausted, match="acme"):
        slow.acquire(["m"])
    full = budget_with(clock)
    full.refused(RequestLimit("acme", "m", "QUERY_LIMIT_EXCEEDED", "", 503))
    full.acquire(["m"])
    assert clock.slept[-1] == pytest.approx(2.001, abs=0.05)
