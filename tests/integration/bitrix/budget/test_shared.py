"""One bucket for many processes, in PostgreSQL."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from multiprocessing.context import ForkServerContext
from typing import Any

import psycopg
import pytest
from limits.storage import storage_from_string

from b24_pipeline.bitrix.auth.credentials import WebhookCredential
from b24_pipeline.bitrix.budget.shared import (
    LeakyBucketStrategy,
    Operating,
    OperatingRules,
    SharedBudget,
    parse_rate,
)
from b24_pipeline.bitrix.client import BitrixClient
from b24_pipeline.store.database.warehouse import Warehouse
from b24_pipeline.store.portals.budget import PostgresBudgetStorage, PostgresOperatingStore
from tests.support.servers.scripted_portal import ScriptedPortal


def connect_to(url: str) -> Callable[[], psycopg.Connection]:
    return lambda: psycopg.connect(url, autocommit=True)


@pytest.fixture
def storage(database_url: str) -> PostgresBudgetStorage:
    return PostgresBudgetStorage(database_url)


def test_a_burst_is_free_and_then_requests_are_spaced(storage: PostgresBudgetStorage) -> None:
    """The first requests up to the burst (less the margin) do not wait; each later one waits longer."""
    strategy, limit = LeakyBucketStrategy(storage), parse_rate("0.1/second burst 10")
    waits = [strategy.reserve(limit, "acme") for _ in range(11)]
    assert waits[:9] == [0.0] * 9
    assert waits[9:] == pytest.approx([10.0, 20.0], abs=2.0)


def test_the_strategy_speaks_the_language_of_limits(storage: PostgresBudgetStorage) -> None:
    """hit, test, get_window_stats and clear work as for every strategy of `limits`."""
    strategy, limit = LeakyBucketStrategy(storage), parse_rate("1/second burst 4")
    assert storage.check()
    assert strategy.get_window_stats(limit, "acme").remaining == 2
    assert [strategy.hit(limit, "acme") for _ in range(3)] == [True, True, False]
    assert not strategy.test(limit, "acme")
    strategy.clear(limit, "acme")
    assert strategy.test(limit, "acme")
    strategy.hit(limit, "acme")
    assert storage.reset() == 1


def test_the_storage_is_registered_with_limits(database_url: str) -> None:
    """`limits` finds the storage by the scheme of its URL."""
    assert isinstance(storage_from_string(database_url), PostgresBudgetStorage)


def test_a_refusal_fills_the_bucket_for_all(storage: PostgresBudgetStorage) -> None:
    """After a 503 nobody sends at once, however empty our bucket was."""
    strategy, limit = LeakyBucketStrategy(storage), parse_rate("2/second burst 50")
    strategy.overflow(limit, "acme")
    assert strategy.reserve(limit, "acme") == pytest.approx(2.5, abs=0.6)
    assert strategy.reserve(limit, "other") == 0.0


def test_reserving_costs_less_than_a_millisecond(database_url: str) -> None:
    """The budget is no bottleneck: well under a millisecond on a connection that is open."""
    connection = psycopg.connect(database_url, autocommit=True)

    class Kept:
        def __enter__(self) -> psycopg.Connection:
            return connection

        def __exit__(self, *_: object) -> None:
            pass

    strategy, limit = LeakyBucketStrategy(PostgresBudgetStorage(Kept)), parse_rate("2/second burst 50")
    strategy.reserve(limit, "acme")
    took = []
    for _ in range(200):
        started = time.perf_counter()
        strategy.reserve(limit, "acme")
        took.append(time.perf_counter() - started)
    connection.close()
    assert sorted(took)[100] < 0.001, f"median {sorted(took)[100] * 1e6:.0f} µs"


def test_operating_time_is_shared(database_url: str) -> None:
    """What one process learns of a method, another one knows; a longer block is never shortened."""
    store = PostgresOperatingStore(connect_to(database_url))
    store.write("acme", "crm.deal.list", Operating(100.0, 60.0, 30.0))
    store.write("acme", "crm.deal.list", Operating(120.0, 50.0, 0.0))
    known = store.read("acme")["crm.deal.list"]
    assert known.seconds == 120.0
    assert known.reset_in == pytest.approx(50.0, abs=3.0)
    assert known.blocked_for == pytest.approx(30.0, abs=3.0)
    assert store.read("other") == {}


def test_a_block_seen_by_one_process_holds_the_other(database_url: str) -> None:
    """A 429 in one process makes the method wait in the next one, and no other method."""
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        time.sleep(min(seconds, 1.1))

    budgets = [
        SharedBudget(
            LeakyBucketStrategy(PostgresBudgetStorage(database_url)),
            parse_rate("standard"),
            "acme",
            PostgresOperatingStore(connect_to(database_url)),
            sleep=sleep,
            rules=OperatingRules(ban_seconds=1.0),
        )
        for _ in range(2)
    ]
    budgets[0].blocked("crm.deal.list", None)
    budgets[1].acquire(["crm.lead.list"])
    assert slept == []
    budgets[1].acquire(["crm.deal.list"])
    assert slept
    assert 0 < slept[0] <= 1.0


def _hammer(database_url: str, webhook: str, rate: str, calls: int, outcome: Any) -> None:
    warehouse = Warehouse(database_url)
    strategy = LeakyBucketStrategy(PostgresBudgetStorage(warehouse.autocommit))
    budget = SharedBudget(strategy, parse_rate(rate), "acme")
    credential = WebhookCredential.parse(webhook, allowed=["127.0.0.1"])
    with BitrixClient(portal="acme", credential=credential, budget=budget) as client:

        def call_often() -> None:
            for _ in range(calls // 2):
                client.call("profile")

        threads = [threading.Thread(target=call_often) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        outcome.put((client.usage.requests, client.usage.rejected))
    warehouse.close()


@pytest.mark.parametrize(
    ("leak", "burst", "whole_seconds", "calls"),
    [
        (15.0, 60.0, False, 22),
        (15.0, 60.0, True, 22),
        *(
            pytest.param(leak, burst, whole_seconds, 36, marks=pytest.mark.slow)
            for leak, burst, whole_seconds in ((15.0, 60.0, False), (15.0, 60.0, True), (10.0, 24.0, True))
        ),
    ],
)
def test_many_processes_are_never_refused(
    database_url: str,
    processes: ForkServerContext,
    leak: float,
    burst: float,
    whole_seconds: bool,
    calls: int,
) -> None:
    """Four processes with two threads each use up one portal's bucket; the portal refuses nobody.

    Nor does one that leaks by whole seconds, and that requests reach late.
    """
    portal = ScriptedPortal()
    portal.bucket, portal.leaks_whole_seconds, portal.late = (leak, burst), whole_seconds, 0.6
    portal.methods["profile"] = lambda params: {"ID": "1"}
    with portal.serve() as webhook:
        outcome = processes.Queue()
        arguments = (database_url, webhook, f"{leak:g}/second burst {burst:g}", calls, outcome)
        workers = [processes.Process(target=_hammer, args=arguments) for _ in range(4)]
        for worker in workers:
            worker.start()
        results = [outcome.get(timeout=60) for _ in workers]
        for worker in workers:
            worker.join()
    assert sum(requests for requests, _ in results) == 4 * calls
    assert (portal.refused, sum(rejected for _, rejected in results)) == (0, 0)
    assert portal.peak > 1


def test_a_killed_waiter_wastes_only_its_slot(storage: PostgresBudgetStorage) -> None:
    """Whoever reserves and never sends delays the next one by one slot, and holds no lock."""
    strategy, limit = LeakyBucketStrategy(storage), parse_rate("0.1/second burst 2")
    strategy.reserve(limit, "acme")
    before = strategy.reserve(limit, "acme")
    strategy.reserve(limit, "acme")  # dies here
    assert strategy.reserve(limit, "acme") == pytest.approx(before + 20.0, abs=2.0)
