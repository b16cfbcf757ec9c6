"""The sync log: killed syncs are told apart from running ones, and old rows go."""

from __future__ import annotations

from typing import Any

import pytest

from b24_pipeline.store.crm import sync_log
from b24_pipeline.store.database.warehouse import Warehouse
from tests.support.installation import account, execute, fetch

ROW = """
insert into bitrix24_sync_log (
    user_account_id, entity_type, sync_type, sync_status, rows_changed, started_at, finished_at
)
values (
    %s, 'deal', %s, %s, %s, now() - %s * interval '1 minute',
    case when %s then now() - %s * interval '1 minute' end
)
"""
DAY = 24 * 60


def add(warehouse: Warehouse, number: Any, kind: str, status: str, changed: int, minutes: int) -> None:
    ended = status != "running"
    execute(warehouse, ROW, number, kind, status, changed, minutes, ended, minutes)


def test_a_sync_that_was_killed_is_noted_by_the_next(warehouse: Warehouse) -> None:
    """Only what began before anybody could still wait for the lock is taken for killed."""
    number = account(warehouse, "acme")
    add(warehouse, number, "full", "running", 0, 30)
    add(warehouse, number, "incremental", "running", 0, 2)
    warehouse.transact(sync_log.close_killed, number, "deal", seconds=660)
    found = fetch(warehouse, "select sync_status, error_code from bitrix24_sync_log order by id")
    assert found == [
        {"sync_status": "failed", "error_code": "Killed"},
        {"sync_status": "running", "error_code": None},
    ]


@pytest.mark.parametrize(
    ("status", "changed", "age", "stays"),
    [
        ("success", 0, 8 * DAY, False),
        ("success", 5, 8 * DAY, True),
        ("failed", 0, 8 * DAY, True),
        ("success", 5, 200 * DAY, False),
        ("success", 0, 6 * DAY, True),
        ("running", 0, 8 * DAY, True),
        ("running", 0, 200 * DAY, False),  # killed, and of an entity that no lock keeps
    ],
)
def test_old_rows_that_say_nothing_go(
    warehouse: Warehouse, status: str, changed: int, age: int, stays: bool
) -> None:
    """Idle syncs stay a week, others half a year, and the last of each kind for ever."""
    number = account(warehouse, "acme")
    add(warehouse, number, "full", "success", 1, 400 * DAY)
    add(warehouse, number, "incremental", status, changed, age)
    add(warehouse, number, "incremental", "success", 0, 9 * DAY)
    warehouse.transact(sync_log.prune, days=7, kept_days=180, most=100)
    assert len(fetch(warehouse, "select id from bitrix24_sync_log")) == 2 + stays
