"""Moves: appended once, linked, inferred where they lack, never deleted."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from b24_pipeline.entities.moves import MoveRow
from b24_pipeline.store.crm import history
from b24_pipeline.store.database.copying import lines
from b24_pipeline.store.database.warehouse import Warehouse
from tests.support.installation import account, execute, fetch

START = datetime(2026, 9, 1, 10, tzinfo=UTC)


@pytest.fixture
def portal(warehouse: Warehouse) -> UUID:
    made: UUID = account(warehouse)
    return made


def at(hours: int) -> str:
    return (START + timedelta(hours=hours)).isoformat()


def move(number: int, deal: int, stage: str, hours: int, category: int | None = 0, kind: int = 2) -> MoveRow:
    return (
        str(number),
        str(deal),
        str(kind),
        None if category is None else str(category),
        stage,
        at(hours),
    )


def store(warehouse: Warehouse, portal: UUID, *moves: MoveRow) -> int:
    """Stores a page of moves; what came in between waits to be linked."""
    with warehouse.connect() as connection:
        return history.append(connection, portal, "deal", lines(portal, moves))


def link(warehouse: Warehouse, portal: UUID, since: datetime | None = None) -> int:
    with warehouse.connect() as connection:
        return history.link(connection, portal, "deal", since)


def append(warehouse: Warehouse, portal: UUID, *moves: MoveRow) -> int:
    added = store(warehouse, portal, *moves)
    link(warehouse, portal)
    return added


def infer(warehouse: Warehouse, portal: UUID, entity: str = "deal", since: datetime | None = None) -> int:
    with warehouse.connect() as connection:
        added = history.infer(connection, portal, entity, since)
        history.link(connection, portal, entity)
    return added


def put_deal(warehouse: Warehouse, portal: UUID, number: int, stage: str, hours: int, **own: Any) -> None:
    values = {
        "category_id": 0,
        "stage_semantic_id": "P",
        "is_recurring": False,
        "moved_time": at(hours),
    } | own
    execute(
        warehouse,
        f"insert into bitrix24_deals (user_account_id, id, stage_id, {', '.join(values)}) "
        f"values (%s, %s, %s, {', '.join(['%s'] * len(values))})",
        *(portal, number, stage, *values.values()),
    )


def moves(warehouse: Warehouse) -> list[tuple[Any, ...]]:
    """From and to, kind and source of each move, in their order."""
    found = fetch(
        warehouse,
        "select from_status_id, to_status_id, from_category_id, to_category_id, type_id, source "
        "from bitrix24_status_history order by entity_id, changed_at, history_id nulls last, id",
    )
    return [tuple(row.values()) for row in found]


def test_append_is_idempotent(each_warehouse: Warehouse | None) -> None:
    """The same page twice is stored once, and the portals do not mix."""
    if each_warehouse is None:
        return
    acme, other = account(each_warehouse), account(each_warehouse, "other")
    page = [move(1, 7, "NEW", 0), move(2, 7, "WON", 1)]
    assert append(each_warehouse, acme, *page) == 2
    assert append(each_warehouse, acme, *page, move(3, 8, "NEW", 2)) == 1
    assert append(each_warehouse, other, *page) == 2
    with each_warehouse.connect() as connection:
        assert history.highest_id(connection, acme, "deal") == 3
        assert history.highest_id(connection, acme, "lead") is None


def test_moves_are_linked_in_whatever_order_they_come(warehouse: Warehouse, portal: UUID) -> None:
    """Where a move came from is the one before it; one that comes late is put between."""
    append(warehouse, portal, move(1, 7, "NEW", 0), move(3, 7, "WON", 2))
    assert [one[:2] for one in moves(warehouse)] == [(None, "NEW"), ("NEW", "WON")]
    append(warehouse, portal, move(2, 7, "C4:A", 1, category=4, kind=5))
    assert [one[:4] for one in moves(warehouse)] == [
        (None, "NEW", None, 0),
        ("NEW", "C4:A", 0, 4),
        ("C4:A", "WON", 4, 0),
    ]


def test_moves_within_one_second_are_ordered_by_their_id(warehouse: Warehouse, portal: UUID) -> None:
    """Times are whole seconds; the portal's ids tell what came first."""
    append(warehouse, portal, move(5, 7, "B", 0), move(4, 7, "A", 0))
    assert [one[:2] for one in moves(warehouse)] == [(None, "A"), ("A", "B")]


def test_entity_without_any_move_gets_its_first(warehouse: Warehouse, portal: UUID) -> None:
    """Imported entities may have no history at all."""
    put_deal(warehouse, portal, 7, "EXECUTING", 1)
    assert infer(warehouse, portal) == 1
    assert moves(warehouse) == [(None, "EXECUTING", None, 0, 1, "inferred")]
    assert infer(warehouse, portal) == 0


@pytest.mark.parametrize(
    ("stage", "own", "kind"),
    [
        ("B", {}, 2),
        ("WON", {"stage_semantic_id": "S"}, 3),
        ("LOSE", {"stage_semantic_id": "F"}, 3),
        ("C4:NEW", {"category_id": 4}, 5),
        ("A", {"category_id": 4}, 5),
    ],
)
def test_entity_that_stands_elsewhere_gets_a_move(
    warehouse: Warehouse, portal: UUID, stage: str, own: dict[str, Any], kind: int
) -> None:
    """By stage or by pipeline, at the time when it was moved there; of the kind that it was."""
    append(warehouse, portal, move(1, 7, "A", 0))
    put_deal(warehouse, portal, 7, stage, 5, **own)
    assert infer(warehouse, portal) == 1
    assert moves(warehouse)[-1] == ("A", stage, 0, own.get("category_id", 0), kind, "inferred")
    assert infer(warehouse, portal) == 0


@pytest.mark.parametrize(
    ("stage", "hours", "own"),
    [
        ("A", 5, {}),
        ("B", -1, {}),
        ("B", 0, {}),
        ("B", 5, {"is_recurring": True}),
        ("B", 5, {"deleted_at": "2026-09-02"}),
        ("B", 5, {"moved_time": None}),
    ],
    ids=["stands there", "older", "same second", "template", "deleted", "no time"],
)
def test_nothing_is_inferred_without_need(
    warehouse: Warehouse, portal: UUID, stage: str, hours: int, own: dict[str, Any]
) -> None:
    """An entity that was read before its last move is behind, not ahead; templates and the deleted do not move."""
    append(warehouse, portal, move(1, 7, "A", 0))
    put_deal(warehouse, portal, 7, stage, hours, **own)
    assert infer(warehouse, portal) == 0
    assert len(moves(warehouse)) == 1


def test_real_move_after_an_inferred_one_is_one_visit(warehouse: Warehouse, portal: UUID) -> None:
    """The portal's own row for what was inferred stands beside it, with the same stage in a row."""
    append(warehouse, portal, move(1, 7, "A", 0))
    put_deal(warehouse, portal, 7, "B", 5)
    infer(warehouse, portal)
    append(warehouse, portal, move(2, 7, "B", 5))
    assert infer(warehouse, portal) == 0
    assert [(one[0], one[1], one[5]) for one in moves(warehouse)] == [
        (None, "A", "history"),
        ("A", "B", "history"),
        ("B", "B", "inferred"),
    ]


def test_lead_has_pipeline_0(warehouse: Warehouse, portal: UUID) -> None:
    """Leads are inferred by their status alone."""
    execute(
        warehouse,
        "insert into bitrix24_leads (user_account_id, id, status_id, status_semantic_id, moved_time) "
        "values (%s, 1, 'JUNK', 'F', now())",
        portal,
    )
    assert infer(warehouse, portal, "lead") == 1
    assert moves(warehouse) == [(None, "JUNK", None, 0, 1, "inferred")]
    assert infer(warehouse, portal, "deal") == 0


def test_only_what_was_touched_since_is_looked_at(warehouse: Warehouse, portal: UUID) -> None:
    """After the first time, entities that changed or got moves are enough."""
    put_deal(warehouse, portal, 7, "A", 0)
    put_deal(warehouse, portal, 8, "A", 0)
    with warehouse.connect() as connection:
        now = history.now(connection)
    assert infer(warehouse, portal, since=now) == 0
    execute(warehouse, "update bitrix24_deals set loaded_at = clock_timestamp() where id = 7")
    assert infer(warehouse, portal, since=now) == 1
    append(warehouse, portal, move(1, 8, "Z", -5))
    assert infer(warehouse, portal, since=now) == 1


def test_a_move_of_an_unknown_pipeline_is_of_the_deals_own(warehouse: Warehouse, portal: UUID) -> None:
    """No second move is inferred where only the pipeline of the known one was not told; another stage is."""
    append(warehouse, portal, move(1, 7, "C4:WON", 1, category=None))
    put_deal(warehouse, portal, 7, "C4:WON", 2, category_id=4)
    assert infer(warehouse, portal) == 0
    execute(warehouse, "update bitrix24_deals set stage_id = 'C4:LOSE', moved_time = %s", at(3))
    assert infer(warehouse, portal) == 1
