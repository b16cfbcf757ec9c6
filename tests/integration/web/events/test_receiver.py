"""A database that is away, hangs or refuses: what the sender is answered, and what lands."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from b24_pipeline.errors import DatabaseUnavailable
from b24_pipeline.store.database.warehouse import Warehouse
from b24_pipeline.store.events.landing import Landing
from b24_pipeline.web.events import receiver as receiving
from tests.integration.web.events.conftest import landed, post
from tests.support import installation
from tests.support.data.events import body, may_send
from tests.support.installation import execute
from tests.support.servers.serving import receiver_of, served

BUSY_SECONDS = 3.0
"""An answer comes after 0.9 s at most; a busy machine adds to that."""


class Away:
    """A landing table that nobody can reach."""

    def land(self, _events: Any) -> None:
        raise DatabaseUnavailable("away")


class Stuck:
    """A database that answers nothing."""

    def __init__(self) -> None:
        self.released = threading.Event()

    def land(self, _events: Any) -> None:
        self.released.wait(20)


def test_a_database_that_is_away_is_told_at_once(warehouse: Warehouse, account: UUID) -> None:
    """503 and counted, never 200."""
    receiver = receiver_of(warehouse, landing=Away())
    with served(receiver) as url:
        started = time.monotonic()
        assert post(url, body()).status_code == 503
        assert time.monotonic() - started < BUSY_SECONDS
    assert receiver.receipts == {"not_stored": 1}
    assert account


def test_a_database_that_hangs_costs_a_second(
    warehouse: Warehouse, account: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Everybody is answered, and what waits is bounded."""
    monkeypatch.setattr(receiving, "MOST_WAITING_PER_PORTAL", 5)
    stuck = Stuck()
    receiver = receiver_of(warehouse, landing=stuck)
    with served(receiver) as url, ThreadPoolExecutor(12) as senders:
        answers = list(senders.map(lambda number: post(url, body(number=number)), range(12)))
        assert {answer.status_code for answer in answers} == {503}
        assert max(answer.elapsed for answer in answers) < timedelta(seconds=BUSY_SECONDS)
        assert receiver.waiting <= 5
        stuck.released.set()
    assert account


def test_locked_table_is_no_200(warehouse: Warehouse, account: UUID, url: str) -> None:
    """Its sender is answered within a second, and nothing lands afterwards."""
    with warehouse.connect() as other:
        other.execute("lock table bitrix24_webhook_events")
        started = time.monotonic()
        assert post(url, body()).status_code == 503
        assert time.monotonic() - started < BUSY_SECONDS
    time.sleep(1)
    assert landed(warehouse) == []
    assert post(url, body()).status_code == 200
    assert account


def test_events_that_arrive_together_share_commits(warehouse: Warehouse, account: UUID) -> None:
    """What comes while a commit is under way goes with the next one."""
    sizes: list[int] = []

    class Counting(Landing):
        def land(self, events: Any) -> None:
            sizes.append(len(events))
            time.sleep(0.05)
            Landing.land(self, events)

    with (
        served(receiver_of(warehouse, landing=Counting(warehouse))) as url,
        ThreadPoolExecutor(20) as senders,
    ):
        answers = list(senders.map(lambda number: post(url, body(number=number)).status_code, range(1, 101)))
    assert answers == [200] * 100
    assert sum(sizes) == 100
    assert len(sizes) < 50
    assert {row["entity_id"] for row in landed(warehouse)} == set(range(1, 101))
    assert account


def test_one_that_the_database_refuses_does_not_cost_the_others(warehouse: Warehouse, account: UUID) -> None:
    """Such as an event of a portal that was purged a moment ago."""
    other = installation.account(warehouse, "globex")
    may_send(warehouse, other, member="b" * 32, token="another-token-of-globex")
    receiver = receiver_of(warehouse)
    with served(receiver) as url:
        assert post(url, body(number=1)).status_code == 200
        execute(warehouse, "delete from user_accounts where id = %s", other)
        with ThreadPoolExecutor(2) as senders:
            mine = senders.submit(post, url, body(number=2))
            theirs = senders.submit(
                post, url, body(number=3, member="b" * 32, token="another-token-of-globex")
            )
            assert (mine.result().status_code, theirs.result().status_code) == (200, 503)
    assert [row["entity_id"] for row in landed(warehouse)] == [1, 2]
    assert account
