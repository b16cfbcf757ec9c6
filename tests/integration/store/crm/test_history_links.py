"""Where each move came from: known when it is stored, where it came last; else as soon as all have come."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest

from b24_pipeline.entities.moves import MoveRow
from b24_pipeline.store.crm import history
from b24_pipeline.store.database.copying import lines
from b24_pipeline.store.database.warehouse import Warehouse
from tests.support.installation import account, execute, fetch

START = datetime(2026, 9, 1, 10, tzinfo=UTC)
LINKED = "select count(*) as n from bitrix24_status_history where is_linked"


@pytest.fixture
def portal(warehouse: Warehouse) -> UUID:
    made: UUID = account(warehouse)
    return made


def move(number: int, deal: int, stage: str, hours: int, category: int | None = 0) -> MoveRow:
    moved_at = (START + timedelta(hours=hours)).isoformat()
    return str(number), str(deal), "2", None if category is None else str(category), stage, moved_at


def store(warehouse: Warehouse, portal: UUID, *moves: MoveRow) -> int:
    with warehouse.connect() as connection:
        return history.append(connection, portal, "deal", lines(portal, moves))


def link(warehouse: Warehouse, portal: UUID, since: datetime | None = None) -> int:
    with warehouse.connect() as connection:
        return history.link(connection, portal, "deal", since)


def moves(warehouse: Warehouse) -> dict[int, tuple[Any, ...]]:
    """From which stage and pipeline each move came, by its id in the portal."""
    found = fetch(
        warehouse, "select history_id, from_status_id, from_category_id from bitrix24_status_history"
    )
    return {row["history_id"]: (row["from_status_id"], row["from_category_id"]) for row in found}


def stamps(warehouse: Warehouse) -> dict[int, datetime]:
    found = fetch(warehouse, "select history_id, loaded_at from bitrix24_status_history")
    return {row["history_id"]: row["loaded_at"] for row in found}


def expected(stored: list[MoveRow]) -> dict[int, tuple[Any, ...]]:
    """The same as `moves`, found by sorting."""
    before: dict[Any, tuple[Any, ...]] = {}
    found = {}
    for number, deal, _, category, stage, _ in sorted(
        stored, key=lambda one: (datetime.fromisoformat(str(one[5])), int(str(one[0])))
    ):
        found[int(str(number))] = before.get(deal, (None, None))
        before[deal] = stage, category and int(category)
    return found


def test_moves_in_order_are_written_once(warehouse: Warehouse, portal: UUID) -> None:
    """Page after page they are linked when they are stored: nothing is left to do, and no stamp changes."""
    store(warehouse, portal, move(1, 7, "NEW", 0), move(2, 8, "NEW", 0), move(3, 7, "A", 1))
    store(warehouse, portal, move(4, 7, "C4:B", 2, category=4), move(5, 8, "A", 2, category=None))
    store(warehouse, portal, move(6, 8, "WON", 2))
    assert moves(warehouse) == {
        1: (None, None),
        2: (None, None),
        3: ("NEW", 0),
        4: ("A", 0),
        5: ("NEW", 0),
        6: ("A", None),
    }
    before = stamps(warehouse)
    assert link(warehouse, portal) == 0
    assert link(warehouse, portal, START) == 0
    assert stamps(warehouse) == before


def test_move_that_comes_in_between_waits_and_is_stamped_when_it_is_linked(
    warehouse: Warehouse, portal: UUID
) -> None:
    """It and the move after it get a new stamp, so that whatever follows the copy sees them; no other move does."""
    store(warehouse, portal, move(1, 7, "NEW", 0), move(3, 7, "WON", 2), move(4, 7, "LOSE", 3))
    before = stamps(warehouse)
    store(warehouse, portal, move(2, 7, "A", 1))
    assert fetch(warehouse, LINKED) == [{"n": 3}]
    assert link(warehouse, portal) == 2
    after = stamps(warehouse)
    assert {number for number in before if after[number] > before[number]} == {3}
    assert after[2] > max(before.values())
    assert (moves(warehouse)[2], moves(warehouse)[3]) == (("NEW", 0), ("A", 0))


@pytest.mark.parametrize("seed", range(5))
def test_pages_may_come_in_any_order(warehouse: Warehouse, portal: UUID, seed: int) -> None:
    """Several ranges of ids are read at once, and pages overlap: in the end each move knows the one before it."""
    rng = random.Random(seed)
    made = [
        move(
            number,
            rng.randrange(20),
            f"S{rng.randrange(5)}",
            number // 4 + rng.randrange(3),
            rng.randrange(2),
        )
        for number in range(1, 301)
    ]
    pages = [made[start : start + 30] for start in range(0, 300, 25)]
    rng.shuffle(pages)
    assert sum(store(warehouse, portal, *page) for page in pages) == 300
    link(warehouse, portal)
    assert moves(warehouse) == expected(made)
    assert fetch(warehouse, LINKED) == [{"n": 300}]


def test_page_twice_in_a_row_changes_nothing(warehouse: Warehouse, portal: UUID) -> None:
    """What is known is not stored again, and stays linked as it was."""
    page = [move(1, 7, "NEW", 0), move(2, 7, "A", 1), move(2, 7, "A", 1), move(3, 7, "B", 2)]
    assert store(warehouse, portal, *page) == 3
    before = stamps(warehouse)
    assert store(warehouse, portal, *page) == 0
    assert link(warehouse, portal) == 0
    assert moves(warehouse) == {1: (None, None), 2: ("NEW", 0), 3: ("A", 0)}
    assert stamps(warehouse) == before


def test_inferred_move_is_linked_when_it_is_stored(warehouse: Warehouse, portal: UUID) -> None:
    """It comes after the last known one, or is the first."""
    store(warehouse, portal, move(1, 7, "A", 0))
    for number in (7, 8):
        execute(
            warehouse,
            "insert into bitrix24_deals (user_account_id, id, stage_id, category_id, moved_time) "
            "values (%s, %s, 'C4:B', 4, %s)",
            *(portal, number, START + timedelta(hours=1)),
        )
    with warehouse.connect() as connection:
        assert history.infer(connection, portal, "deal", None) == 2
        assert history.link(connection, portal, "deal") == 0
    found = fetch(
        warehouse,
        "select entity_id, from_status_id, from_category_id from bitrix24_status_history "
        "where source = 'inferred' and is_linked order by entity_id",
    )
    assert [tuple(row.values()) for row in found] == [(7, "A", 0), (8, None, None)]


@contextmanager
def uncommitted(warehouse: Warehouse, portal: UUID, *moves: MoveRow) -> Iterator[psycopg.Connection]:
    with warehouse.connect() as connection:
        history.append(connection, portal, "deal", lines(portal, moves))
        history.link(connection, portal, "deal")
        yield connection


def test_moves_stored_by_two_processes_at_once_are_linked_in_the_end(
    warehouse: Warehouse, portal: UUID
) -> None:
    """Neither saw the other's move when it stored its own: the next look at what came lately does."""
    store(warehouse, portal, move(3, 7, "NEW", 0))
    before = fetch(warehouse, "select clock_timestamp() as moment")[0]["moment"]
    with uncommitted(warehouse, portal, move(5, 7, "WON", 2)):
        store(warehouse, portal, move(4, 7, "A", 1))
    assert moves(warehouse)[5] == ("NEW", 0)
    assert link(warehouse, portal, before) == 1
    assert moves(warehouse) == {3: (None, None), 4: ("NEW", 0), 5: ("A", 0)}
