"""The database's clock is put back by an hour: nobody waits for it to catch up, and nothing is overlooked."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from b24_pipeline.bitrix.budget.shared import (
    LeakyBucketStrategy,
    MemoryBudgetStorage,
    Operating,
    SharedBudget,
    parse_rate,
)
from b24_pipeline.errors import BudgetExhausted, StateExpired
from b24_pipeline.store.crm import cursors
from b24_pipeline.store.database import bookmarks
from b24_pipeline.store.database.warehouse import Warehouse
from b24_pipeline.store.events import backlog
from b24_pipeline.store.portals.budget import PostgresBudgetStorage, PostgresOperatingStore
from b24_pipeline.store.portals.oauth_states import Begun, OAuthStates
from tests.support.installation import account, execute, fetch

STANDARD = parse_rate("standard")


def put_back(warehouse: Warehouse, table: str, *columns: str) -> None:
    """As if the clock had been put back by an hour: what is stored lies an hour later."""
    moved = ", ".join(f"{column} = {column} + interval '1 hour'" for column in columns)
    execute(warehouse, f"update {table} set {moved}")


@pytest.mark.parametrize("used", [1, 40, 60])
def test_bucket_is_no_fuller_than_when_it_was_used_last(warehouse: Warehouse, used: int) -> None:
    """Whoever comes next waits as if no time had passed, not for an hour."""
    strategy = LeakyBucketStrategy(PostgresBudgetStorage(warehouse.autocommit))
    for _ in range(used):
        strategy.reserve(STANDARD, "acme")
    put_back(warehouse, "bitrix24_budget", "tat", "updated_at")
    fair = max((used + 1) / 2 - STANDARD.allowance_seconds, 0.0)
    assert strategy.reserve(STANDARD, "acme") == pytest.approx(fair, abs=0.4)
    assert strategy.reserve(STANDARD, "acme") == pytest.approx(max(fair, 0.0) + 0.5 * (fair > 0), abs=0.6)
    put_back(warehouse, "bitrix24_budget", "tat", "updated_at")
    assert strategy.get_window_stats(STANDARD, "acme").reset_time > 0
    strategy.overflow(STANDARD, "acme")
    assert strategy.reserve(STANDARD, "acme") <= max(STANDARD.full_seconds, fair + 1) + 0.5


def test_waiting_in_vain_fills_no_bucket(warehouse: Warehouse) -> None:
    """Who is told that it would take too long takes no place: the others' waits do not grow by that."""
    slow = parse_rate("0.001/second burst 1")
    budget = SharedBudget(
        LeakyBucketStrategy(PostgresBudgetStorage(warehouse.autocommit)), slow, "acme", sleep=lambda _: None
    )
    budget.acquire(["m"])
    before = fetch(warehouse, "select tat from bitrix24_budget")
    for _ in range(5):
        with pytest.raises(BudgetExhausted, match="more than 900 s"):
            budget.acquire(["m"])
    assert fetch(warehouse, "select tat from bitrix24_budget") == before


def test_method_is_held_no_longer_than_it_was(warehouse: Warehouse) -> None:
    """Neither a block nor a reset moves an hour away, and a new block counts."""
    store = PostgresOperatingStore(warehouse.autocommit)
    store.write("acme", "crm.deal.list", Operating(100.0, 60.0, 30.0))
    put_back(warehouse, "bitrix24_operating", "reset_at", "blocked_until", "updated_at")
    known = store.read("acme")["crm.deal.list"]
    assert [known.reset_in, known.blocked_for] == pytest.approx([60.0, 30.0], abs=2)
    store.write("acme", "crm.deal.list", Operating(100.0, 50.0, 0.0))
    known = store.read("acme")["crm.deal.list"]
    assert [known.reset_in, known.blocked_for] == pytest.approx([50.0, 30.0], abs=2)


def test_what_is_stored_holds_a_method_for_one_window_at_most() -> None:
    """Whatever a store says."""

    class Store:
        def read(self, bucket: str) -> dict[str, Operating]:
            return {"m": Operating(480.0, 9999.0, 9999.0)}

        def write(self, *_: Any) -> None:
            pass

    slept: list[float] = []
    now = [0.0]

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        now[0] += seconds
        budget._operating._store = Empty()

    class Empty(Store):
        def read(self, bucket: str) -> dict[str, Operating]:
            return {}

    strategy = LeakyBucketStrategy(MemoryBudgetStorage())
    budget = SharedBudget(strategy, STANDARD, "acme", Store(), sleep, clock=lambda: now[0])
    budget.acquire(["m"])
    assert sum(slept) <= 601


@pytest.fixture
def portal(warehouse: Warehouse) -> UUID:
    made: UUID = account(warehouse)
    return made


def test_events_that_landed_before_are_due_at_once(warehouse: Warehouse, portal: UUID) -> None:
    """One that has failed waits for the longest pause at most."""
    insert = (
        "insert into bitrix24_webhook_events (member_id, user_account_id, event, entity_type, entity_id, attempts) "
        "values ('m', %s, 'ONCRMDEALUPDATE', 'deal', %s, 0)"
    )
    execute(warehouse, insert, portal, 1)
    put_back(warehouse, "bitrix24_webhook_events", "next_try_at", "received_at")
    assert warehouse.transact(backlog.is_due)
    execute(
        warehouse,
        "update bitrix24_webhook_events set attempts = 1, next_try_at = next_try_at + interval '5 s'",
    )
    assert warehouse.transact(backlog.due_accounts) == {portal}
    for seconds, due in ((20, False), (1279, False), (-1, True)):
        execute(
            warehouse,
            "update bitrix24_webhook_events set received_at = now() - interval '1 day', "
            "next_try_at = clock_timestamp() + make_interval(secs => %s)",
            seconds,
        )
        assert warehouse.transact(backlog.is_due) is due


def test_state_of_an_authorization_lives_no_longer(warehouse: Warehouse) -> None:
    """It was begun before the clock was put back: begin again."""
    states = OAuthStates(warehouse)
    states.begin("n", Begun("acme", "acme.bitrix24.com", "both"), "digest", seconds=600)
    put_back(warehouse, "bitrix24_oauth_states", "expires_at")
    with pytest.raises(StateExpired):
        states.use("n", "digest", seconds=600)


def test_bookmark_and_cursor_go_back_with_the_clock(warehouse: Warehouse, portal: UUID) -> None:
    """A reader of the copy begins anew; a cursor by our own clock may be set to an earlier moment."""
    with warehouse.connect() as connection:
        began = bookmarks.hold(connection, portal, "reader")
        bookmarks.move(connection, portal, ["reader"], began.started_at)
        cursors.note_done(connection, portal, "deal_inference", began.started_at)
    with warehouse.connect() as connection:
        assert bookmarks.hold(connection, portal, "reader").loaded_upto == began.started_at
    put_back(warehouse, "bitrix24_bookmarks", "loaded_upto")
    put_back(warehouse, "bitrix24_cursors", "watermark")
    with warehouse.connect() as connection:
        again = bookmarks.hold(connection, portal, "reader")
        assert again.loaded_upto is None
        cursors.note_done(connection, portal, "deal_inference", again.started_at)
        found = cursors.cursor_of(connection, portal, "deal_inference").watermark
        assert found == again.started_at
        cursors.note_done(connection, portal, "deal_inference", began.started_at)
        assert cursors.cursor_of(connection, portal, "deal_inference").watermark == found
