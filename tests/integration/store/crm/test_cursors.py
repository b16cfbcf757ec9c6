"""Cursors and loads under way."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from b24_pipeline.bitrix.lists.ranges import IdRange
from b24_pipeline.store.crm import cursors
from b24_pipeline.store.crm.cursors import Cursor, Load
from b24_pipeline.store.database.warehouse import Warehouse
from tests.support.installation import account, execute

NOW = datetime(2026, 9, 21, 10, tzinfo=UTC)


def disjoint(edges: list[int], open_end: bool) -> tuple[IdRange, ...]:
    """Ranges that do not touch, the last one open if wanted."""
    ordered = sorted(set(edges))
    pairs = [IdRange(low, high) for low, high in zip(ordered[::2], ordered[1::2], strict=False)]
    return (*pairs, IdRange(ordered[-1] + 1, None)) if open_end and ordered else tuple(pairs)


def test_load_round_trips_with_its_ranges(warehouse: Warehouse) -> None:
    """What was noted is what a killed load goes on with, an open end included."""
    portal = account(warehouse)

    @settings(max_examples=40, deadline=None, derandomize=True)
    @given(st.lists(st.integers(0, 2**62), max_size=8), st.booleans())
    def round_trips(edges: list[int], open_end: bool) -> None:
        load = Load("full", disjoint(edges, open_end), NOW)
        with warehouse.connect() as connection:
            cursors.begin(connection, portal, "lead", load)
            assert cursors.load_under_way(connection, portal, "lead", "full") == load

    round_trips()


def test_load_is_found_by_its_scope_alone(each_warehouse: Warehouse | None) -> None:
    """A full load and a backfill are under way side by side; an ended one is gone."""
    if each_warehouse is None:
        return
    portal = account(each_warehouse)
    with each_warehouse.connect() as connection:
        cursors.begin(connection, portal, "lead", Load("full", (IdRange(0, None),), NOW))
        cursors.begin(connection, portal, "lead", Load("backfill", (IdRange(0, 7),), NOW))
        cursors.note_left(connection, portal, "lead", "full", [IdRange(5, 9), IdRange(20, 30)])
        under_way = cursors.load_under_way(connection, portal, "lead", "full")
        assert under_way
        assert under_way.open_ranges == (IdRange(5, 9), IdRange(20, 30))
        cursors.end(connection, portal, "lead", "full")
        assert cursors.load_under_way(connection, portal, "lead", "full") is None
        assert cursors.load_under_way(connection, portal, "lead", "backfill")
        assert cursors.load_under_way(connection, portal, "deal", "backfill") is None


def test_load_with_nothing_left_is_still_under_way(warehouse: Warehouse) -> None:
    """Killed between the last page and the end, a load has only its end to do."""
    portal = account(warehouse)
    with warehouse.connect() as connection:
        cursors.begin(connection, portal, "lead", Load("full", (), NOW))
        assert cursors.load_under_way(connection, portal, "lead", "full") == Load("full", (), NOW)


def test_load_of_last_week_is_begun_anew(warehouse: Warehouse) -> None:
    """Too much was deleted since."""
    portal = account(warehouse)
    with warehouse.connect() as connection:
        cursors.begin(connection, portal, "lead", Load("full", (IdRange(0, 7),), NOW))
    execute(warehouse, "update bitrix24_loads set started_at = now() - interval '8 days'")
    with warehouse.connect() as connection:
        assert cursors.load_under_way(connection, portal, "lead", "full") is None


def test_cursor_is_empty_before_the_first_sync(warehouse: Warehouse) -> None:
    """No watermark, and ids from the beginning."""
    with warehouse.connect() as connection:
        assert cursors.cursor_of(connection, account(warehouse), "lead") == Cursor()


@pytest.mark.parametrize("step", [timedelta(hours=-1), timedelta(0), timedelta(hours=1)])
def test_watermark_never_moves_back(warehouse: Warehouse, step: timedelta) -> None:
    """A portal whose clock went back must not make us forget."""
    portal = account(warehouse)
    with warehouse.connect() as connection:
        cursors.advance(connection, portal, "lead", watermark=NOW, last_id=10)
        cursors.advance(
            connection, portal, "lead", watermark=NOW + step, last_id=10 + int(step.total_seconds())
        )
        found = cursors.cursor_of(connection, portal, "lead")
    assert found == Cursor(max(NOW, NOW + step), max(10, 10 + int(step.total_seconds())))


def test_cursor_keeps_what_is_not_told(warehouse: Warehouse) -> None:
    """A watermark may move without an id, and an id without a watermark."""
    portal = account(warehouse)
    with warehouse.connect() as connection:
        cursors.advance(connection, portal, "lead_history", last_id=7)
        cursors.advance(connection, portal, "lead_history", watermark=NOW)
        assert cursors.cursor_of(connection, portal, "lead_history") == Cursor(NOW, 7)
