"""Evaluating again: first times, changed conditions, and what is looked at."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

import pytest

from b24_pipeline.errors import ConditionRefused
from b24_pipeline.store.database.warehouse import Warehouse
from tests.integration.store.qualification.conftest import NO, YES, rows
from tests.support.data.qualifying import (
    CREATED,
    age,
    condition,
    evaluate,
    link,
    moment,
    put,
    qualified,
    store,
)
from tests.support.installation import execute, fetch


def test_first_time_is_kept(warehouse: Warehouse, portal: UUID) -> None:
    """When the row was modified that first fulfilled it; lost and regained, deleted and restored, it stays."""
    store(warehouse, portal, condition("UF_A", "boolean"))
    for day, value, deleted, expected in (
        (1, "0", False, None),
        (3, "1", False, YES),
        (5, "1", False, YES),
        (7, "0", False, NO),
        (8, "1", False, YES),
        (9, "1", True, NO),
        (9, "1", False, YES),
    ):
        put(warehouse, portal, "deal", 1, {"UF_A": value}, day=day, deleted=deleted)
        evaluate(warehouse, portal)
        found = [
            (row["is_qualified"], row["matched_field"], row["first_qualified_at"]) for row in rows(warehouse)
        ]
        assert found == ([] if expected is None else [(expected, "UF_A", moment(3))]), day


def test_any_contact_of_a_lead_or_deal_suffices(warehouse: Warehouse, portal: UUID) -> None:
    """The main one or another; whoever loses the contact, or whose contact is deleted, is qualified no more."""
    store(warehouse, portal, condition("UF_C", "boolean", of="contact"))
    put(warehouse, portal, "contact", 5, {"UF_C": "0"}, day=4)
    put(warehouse, portal, "contact", 6, {"UF_C": "1"}, day=6)
    put(warehouse, portal, "contact", 7, {"UF_C": "1"}, day=5)
    for kind in ("lead", "deal"):
        put(warehouse, portal, kind, 1, {}, contact=5)
    evaluate(warehouse, portal)
    age(warehouse)
    assert qualified(warehouse, portal) == {}
    link(warehouse, portal, "deal", 1, 5, 6, 7)
    evaluate(warehouse, portal)
    assert qualified(warehouse, portal) == {("deal", 1): "UF_C"}
    assert [row["first_qualified_at"] for row in rows(warehouse)] == [moment(5)]
    age(warehouse)
    link(warehouse, portal, "deal", 1, 5)
    link(warehouse, portal, "lead", 1, 5, 7)
    evaluate(warehouse, portal)
    assert qualified(warehouse, portal) == {("lead", 1): "UF_C"}
    age(warehouse)
    put(warehouse, portal, "contact", 7, {"UF_C": "1"}, day=8, deleted=True)
    evaluate(warehouse, portal)
    assert qualified(warehouse, portal) == {}
    age(warehouse)
    put(warehouse, portal, "contact", 7, {"UF_C": "1"}, day=9)
    evaluate(warehouse, portal)
    assert qualified(warehouse, portal) == {("lead", 1): "UF_C"}


def test_first_time_by_a_contact_is_the_contact_s(warehouse: Warehouse, portal: UUID) -> None:
    """When the contact was modified, but not before there was the deal."""
    store(warehouse, portal, condition("UF_C", "boolean", of="contact"))
    put(warehouse, portal, "contact", 5, {"UF_C": "1"}, day=4)
    put(warehouse, portal, "contact", 6, {"UF_C": "1"}, day=-40)
    put(warehouse, portal, "deal", 1, {}, contact=5, day=9)
    put(warehouse, portal, "deal", 2, {}, contact=6, day=9)
    evaluate(warehouse, portal)
    assert [row["first_qualified_at"] for row in rows(warehouse)] == [moment(4), CREATED]


def test_conditions_changed_past_us_are_noticed(warehouse: Warehouse, portal: UUID) -> None:
    """Whoever changes them, and however: with the next evaluation everything is as if they had always been so."""
    for number in range(1, 5):
        put(warehouse, portal, "deal", number, {"UF_A": str(number % 2), "UF_B": str(number)}, day=number)
    store(warehouse, portal, condition("UF_A", "boolean"))
    evaluate(warehouse, portal)
    age(warehouse)
    store(warehouse, portal, condition("UF_B", "enumeration", "2"), condition("UF_B", "enumeration", "3"))
    evaluate(warehouse, portal)
    assert [tuple(row.values())[1:] for row in rows(warehouse)] == [
        (1, NO, None, None),
        (2, YES, "UF_B", moment(2)),
        (3, YES, "UF_B", moment(3)),
    ]
    store(warehouse, portal)
    evaluate(warehouse, portal)
    assert {row["is_qualified"] for row in rows(warehouse)} == {NO}
    store(warehouse, portal, condition("UF_A", "boolean"))
    evaluate(warehouse, portal)
    assert qualified(warehouse, portal) == {("deal", 1): "UF_A", ("deal", 3): "UF_A"}


def test_a_condition_that_is_added_moves_no_first_time(warehouse: Warehouse, portal: UUID) -> None:
    """Who fulfilled one that is still there, fulfilled it then; with one taken away the old times mean nothing."""
    a, b = condition("UF_A", "boolean"), condition("UF_B", "boolean")
    store(warehouse, portal, a)
    put(warehouse, portal, "deal", 1, {"UF_A": "1", "UF_B": "1"}, day=1)
    put(warehouse, portal, "deal", 2, {"UF_A": "1"}, day=1)
    evaluate(warehouse, portal)
    put(warehouse, portal, "deal", 1, {"UF_A": "1", "UF_B": "1"}, day=6)
    put(warehouse, portal, "deal", 2, {}, day=6)
    evaluate(warehouse, portal)
    store(warehouse, portal, b, a)
    evaluate(warehouse, portal)
    kept = [(row["is_qualified"], row["matched_field"], row["first_qualified_at"]) for row in rows(warehouse)]
    assert kept == [(YES, "UF_B", moment(1)), (NO, "UF_A", moment(1))]
    store(warehouse, portal, b)
    evaluate(warehouse, portal)
    anew = [(row["is_qualified"], row["matched_field"], row["first_qualified_at"]) for row in rows(warehouse)]
    assert anew == [(YES, "UF_B", moment(6)), (NO, None, None)]


def test_names_for_people_change_nothing(warehouse: Warehouse, portal: UUID) -> None:
    """A number or an option's name completed later is the same condition: nothing is evaluated anew."""
    store(warehouse, portal, condition("UF_A", "enumeration", "2"))
    evaluate(warehouse, portal)
    put(warehouse, portal, "deal", 1, {"UF_A": "2"})
    age(warehouse)
    named = condition("UF_A", "enumeration", "2", number=7).model_copy(update={"enum_value": "Yes"})
    execute(warehouse, "update bitrix24_bookmarks set loaded_upto = now()")
    store(warehouse, portal, named)
    evaluate(warehouse, portal)
    assert rows(warehouse) == []  # the deal is older than what is looked at again


def test_what_is_no_condition_is_told(warehouse: Warehouse, portal: UUID) -> None:
    """Stored by hand and unreadable: one line that names the portal, and what was evaluated stays."""
    store(warehouse, portal, condition("UF_A", "boolean"))
    put(warehouse, portal, "deal", 1, {"UF_A": "1"})
    evaluate(warehouse, portal)
    unreadable: tuple[list[Any], ...] = ([1], [{"field_name": "UF_A"}], [{}] * 4, ["x"])
    for wrong in unreadable:
        execute(warehouse, "update user_accounts set bitrix24_qualification_fields = %s", json.dumps(wrong))
        with pytest.raises(ConditionRefused, match="acme: bitrix24_qualification_fields cannot be read"):
            evaluate(warehouse, portal)
    assert qualified(warehouse, portal) == {("deal", 1): "UF_A"}


def test_only_what_changed_is_touched(warehouse: Warehouse, portal: UUID) -> None:
    """A row that stays as it is keeps its stamp, and one that was not stored again is not looked at."""
    store(warehouse, portal, condition("UF_A", "boolean"), condition("UF_C", "boolean", of="contact"))
    put(warehouse, portal, "contact", 5, {})
    for number in range(1, 9):
        put(warehouse, portal, "deal", number, {"UF_A": str(number % 2)}, contact=5 if number > 6 else None)
    evaluate(warehouse, portal)
    age(warehouse)
    stamps = "select entity_id, loaded_at from bitrix24_qualification order by entity_id"
    before = fetch(warehouse, stamps)
    execute(warehouse, "update bitrix24_deals set custom_fields = '{}' where id = 1")  # not stamped: not seen
    put(warehouse, portal, "deal", 3, {"UF_A": "1"}, day=9)
    evaluate(warehouse, portal)
    assert fetch(warehouse, stamps) == before
    put(warehouse, portal, "contact", 5, {"UF_C": "1"})
    evaluate(warehouse, portal)
    changed = {row["entity_id"] for row in fetch(warehouse, stamps) if row not in before}
    assert changed == {8}  # 7 is qualified by the first condition as before


def test_a_row_that_is_committed_late_is_found(warehouse: Warehouse, portal: UUID) -> None:
    """Stamped before the last evaluation, seen after it: within two minutes it is looked at."""
    store(warehouse, portal, condition("UF_A", "boolean"))
    evaluate(warehouse, portal)
    put(warehouse, portal, "deal", 1, {"UF_A": "1"})
    execute(warehouse, "update bitrix24_deals set loaded_at = loaded_at - interval '100 seconds'")
    evaluate(warehouse, portal)
    assert qualified(warehouse, portal) == {("deal", 1): "UF_A"}
