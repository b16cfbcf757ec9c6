"""Evaluating by change gives the same as evaluating anew."""

from __future__ import annotations

import random
from typing import Any
from uuid import UUID

import pytest

from b24_pipeline.store.database.warehouse import Warehouse
from b24_pipeline.store.qualification.conditions import Condition
from tests.integration.store.qualification.conftest import rows
from tests.support.data.qualifying import (
    age,
    condition,
    evaluate,
    matched,
    put,
    qualified,
    store,
)
from tests.support.installation import execute

VALUES: list[Any] = [
    "1",
    "0",
    1,
    True,
    "Y",
    "",
    None,
    ["1"],
    ["2", "1"],
    [],
    False,
    "Да",
    "ДА",
    ["нет", "да"],
    2,
]
KINDS = [("boolean", None), ("enumeration", "1"), ("enumeration", "2"), ("string", "да"), ("string", "1")]


class Randomly:
    """A portal that changes at random, with what must come out of it."""

    def __init__(self, warehouse: Warehouse, portal: UUID, seed: int) -> None:
        self.warehouse, self.portal, self.chance = warehouse, portal, random.Random(seed)
        self.rows: dict[tuple[str, int], tuple[dict[str, Any], int | None, bool]] = {}
        self.conditions: list[Condition] = []

    def change(self) -> None:
        kind, number = self.chance.choice(["lead", "deal", "contact"]), self.chance.randrange(1, 9)
        fields = {
            name: self.chance.choice(VALUES)
            for name in ("UF_A", "UF_B", "UF_C")
            if self.chance.random() < 0.7
        }
        contact = self.chance.choice([None, self.chance.randrange(1, 11)])
        deleted = self.chance.random() < 0.15
        self.rows[kind, number] = (fields, contact, deleted)
        put(self.warehouse, self.portal, kind, number, fields, contact=contact, deleted=deleted)

    def change_conditions(self) -> None:
        self.conditions = [
            condition(
                self.chance.choice(["UF_A", "UF_B", "UF_C"]),
                *self.chance.choice(KINDS),
                self.chance.choice(["lead", "deal", "contact"]),
            )
            for _ in range(self.chance.randrange(4))
        ]
        store(self.warehouse, self.portal, *self.conditions)

    def expected(self) -> dict[tuple[str, int], str]:
        found = {}
        for (kind, number), (fields, contact, deleted) in self.rows.items():
            about, _, gone = self.rows.get(("contact", contact or 0), ({}, None, True))
            field = matched(self.conditions, kind, fields, None if gone else about)
            if field and not deleted and kind != "contact":
                found[kind, number] = field
        return found


@pytest.mark.parametrize("seed", range(4))
def test_by_change_is_what_evaluating_anew_gives(warehouse: Warehouse, portal: UUID, seed: int) -> None:
    """After random changes of rows, contacts and conditions: as counted by hand, and as counted from nothing."""
    world = Randomly(warehouse, portal, seed)
    for step in range(25):
        for _ in range(world.chance.randrange(1, 6)):
            world.change()
        if step % 8 == 0:
            world.change_conditions()
        evaluate(warehouse, portal)
        assert qualified(warehouse, portal) == world.expected()
        if world.chance.random() < 0.5:
            age(warehouse)
    by_change = rows(warehouse)
    execute(warehouse, "update bitrix24_bookmarks set conditions = '[]'")
    evaluate(warehouse, portal)
    assert rows(warehouse) == by_change
    execute(warehouse, "delete from bitrix24_qualification")
    execute(warehouse, "update bitrix24_bookmarks set conditions = '[]'")
    evaluate(warehouse, portal)
    assert qualified(warehouse, portal) == world.expected()
