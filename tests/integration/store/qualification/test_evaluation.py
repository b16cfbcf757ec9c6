"""Who is qualified: the rules one by one, what a change costs, and what it changes."""

from __future__ import annotations

import json
import random
from typing import Any
from uuid import UUID

import psycopg
import pytest

from b24_pipeline.errors import ConditionRefused
from b24_pipeline.store.database.migrations import migrate
from b24_pipeline.store.database.warehouse import Warehouse
from b24_pipeline.store.qualification import evaluation
from b24_pipeline.store.qualification.conditions import Condition
from tests.conftest import Server
from tests.support.data.qualifying import (
    CREATED,
    ROWS,
    age,
    condition,
    evaluate,
    matched,
    moment,
    put,
    qualified,
    store,
)
from tests.support.installation import account, execute, fetch

YES, NO = True, False
NOT_TRUE: list[Any] = ["0", "N", False, 0, None, "", "y", "yes", 2, [], ["0"], {}]
NOT_CHOSEN: list[Any] = ["9010", "90", 902, [], [[]], ["902", "9"], None, False, ""]
NOT_HOT: list[Any] = ["Горячий ", "очень горячий", "горячий клиент", None, [], ""]
# kind of field, what is wanted, the value as the portal sends it, whether it fulfils
RULES: list[tuple[str, str | None, Any, bool]] = [
    *(("boolean", None, value, YES) for value in ("1", "Y", True, 1)),
    *(("boolean", None, value, NO) for value in NOT_TRUE),
    *(("enumeration", "901", value, YES) for value in ("901", 901, ["901"], ["900", "901"], [901, 902])),
    *(("enumeration", "901", value, NO) for value in NOT_CHOSEN),
    *(("enumeration", "007", value, value == "007") for value in ("7", 7, "007")),
    *(("string", "Горячий", value, YES) for value in ("Горячий", "горячий", "ГОРЯЧИЙ", ["x", "гОРЯЧИЙ"])),
    *(("string", "Горячий", value, NO) for value in NOT_HOT),
    *(("string", "a.b*[c]\\d^$ (e|f) -_ё", value, YES) for value in ("A.B*[C]\\D^$ (E|F) -_Ё",)),
    ("string", "a.b", "axb", NO),
    ("string", "straße 🔥 №5", "STRAßE 🔥 №5", YES),
    ("string", "42", 42, YES),
    ("string", "42", [41, 42], YES),
    ("string", "false", False, NO),
    ("string", "line", "line\n", NO),
    ("string", "two\nlines", "TWO\nLINES", YES),
]


@pytest.fixture
def portal(warehouse: Warehouse) -> UUID:
    made: UUID = account(warehouse)
    return made


def rows(warehouse: Warehouse) -> list[dict[str, Any]]:
    return fetch(warehouse, f"{ROWS} order by entity_type, entity_id")


def check_rules(warehouse: Warehouse) -> None:
    """Each rule with a portal of its own, as its condition is the portal's."""
    for number, (kind, wanted, value, expected) in enumerate(RULES):
        portal = account(warehouse, f"rule{number}")
        put(warehouse, portal, "deal", 1, {"UF_A": value})
        put(warehouse, portal, "deal", 2, {"UF_B": value})
        store(warehouse, portal, condition("UF_A", kind, wanted))
        evaluate(warehouse, portal)
        assert qualified(warehouse, portal) == ({("deal", 1): "UF_A"} if expected else {}), RULES[number]


def test_each_kind_of_field_by_its_rule(each_warehouse: Warehouse | None) -> None:
    """Boolean, enumeration and string, single and multiple, as numbers and as texts; missing matches nothing."""
    if each_warehouse is not None:
        check_rules(each_warehouse)


def test_letter_case_is_ignored_whatever_the_database_speaks(server: Server) -> None:
    """A database of locale C knows no Cyrillic capitals; the rules hold all the same."""
    with psycopg.connect(server.url, autocommit=True) as connection:
        connection.execute("create database in_c template template0 encoding 'UTF8' locale 'C'")
    warehouse = Warehouse(server.of("in_c"))
    migrate(warehouse)
    assert fetch(warehouse, "select lower('Ж') as letter") == [{"letter": "Ж"}]
    check_rules(warehouse)
    warehouse.close()
    server.drop(server.of("in_c"))


def test_no_condition_means_not_qualified(warehouse: Warehouse, portal: UUID) -> None:
    """And costs no row."""
    put(warehouse, portal, "deal", 1, {"UF_A": "1"})
    evaluate(warehouse, portal)
    assert rows(warehouse) == []


def test_any_condition_suffices_and_the_first_is_told(warehouse: Warehouse, portal: UUID) -> None:
    """matched_field is the first of the list that is fulfilled, wherever the others stand."""
    store(warehouse, portal, condition("UF_A", "boolean"), condition("UF_B", "string", "x"))
    put(warehouse, portal, "deal", 1, {"UF_A": "1", "UF_B": "x"})
    put(warehouse, portal, "deal", 2, {"UF_A": "0", "UF_B": "X"})
    put(warehouse, portal, "deal", 3, {"UF_A": "0", "UF_B": "y"})
    evaluate(warehouse, portal)
    assert qualified(warehouse, portal) == {("deal", 1): "UF_A", ("deal", 2): "UF_B"}


def test_a_condition_is_looked_up_in_its_own_entity_type(warehouse: Warehouse, portal: UUID) -> None:
    """A field of leads says nothing of a deal; a contact's field speaks for its leads and its deals."""
    store(
        warehouse, portal, condition("UF_A", "boolean", of="lead"), condition("UF_C", "boolean", of="contact")
    )
    put(warehouse, portal, "contact", 5, {"UF_C": "1"})
    put(warehouse, portal, "contact", 6, {"UF_C": "1"}, deleted=True)
    put(warehouse, portal, "contact", 7, {"UF_A": "1"})
    for kind in ("lead", "deal"):
        put(warehouse, portal, kind, 1, {"UF_A": "1"})
        put(warehouse, portal, kind, 2, {"UF_C": "1"})
        for number, contact in ((3, 5), (4, 6), (5, 7), (6, 8)):
            put(warehouse, portal, kind, number, {}, contact=contact)
    evaluate(warehouse, portal)
    assert qualified(warehouse, portal) == {("lead", 1): "UF_A", ("lead", 3): "UF_C", ("deal", 3): "UF_C"}


def test_portals_do_not_see_one_another(warehouse: Warehouse, portal: UUID) -> None:
    """The same ids in another portal, its contacts and its conditions are of no concern."""
    other = account(warehouse, "globex")
    store(warehouse, portal, condition("UF_C", "boolean", of="contact"))
    store(warehouse, other, condition("UF_A", "boolean"))
    for one, contact in ((portal, "0"), (other, "1")):
        put(warehouse, one, "contact", 5, {"UF_C": contact})
        put(warehouse, one, "deal", 1, {"UF_A": "1"}, contact=5)
    evaluate(warehouse, portal)
    assert rows(warehouse) == []
    evaluate(warehouse, other)
    assert (qualified(warehouse, portal), qualified(warehouse, other)) == ({}, {("deal", 1): "UF_A"})


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


def own(warehouse: Warehouse) -> list[bool]:
    return [row["is_qualified"] for row in fetch(warehouse, "select is_qualified from leads order by name")]


def link(warehouse: Warehouse, name: str, lead: int | None, deal: int | None) -> None:
    execute(
        warehouse,
        "update leads set bitrix24_lead_id = %s, bitrix24_deal_id = %s, loaded_at = clock_timestamp()"
        " where name = %s",
        *(lead, deal, name),
    )


def test_own_leads_follow_their_lead_or_deal(warehouse: Warehouse, portal: UUID) -> None:
    """Qualified if one of both is; another link, another value and other conditions are followed."""
    store(warehouse, portal, condition("UF_A", "boolean"), condition("UF_A", "boolean", of="lead"))
    for kind in ("lead", "deal"):
        put(warehouse, portal, kind, 1, {"UF_A": "1"})
        put(warehouse, portal, kind, 2, {"UF_A": "0"})
    other = account(warehouse, "globex")
    for name, where in (("a", portal), ("b", portal), ("c", portal), ("d", portal), ("e", other)):
        execute(warehouse, "insert into leads (user_account_id, name) values (%s, %s)", where, name)
    for name, lead, deal in (("a", 1, 2), ("b", 2, 1), ("c", 2, 2), ("e", 1, 1)):
        link(warehouse, name, lead, deal)
    evaluate(warehouse, portal)
    assert own(warehouse) == [YES, YES, NO, NO, NO]
    age(warehouse)
    link(warehouse, "a", 2, 2)
    link(warehouse, "d", None, 1)
    evaluate(warehouse, portal)
    assert own(warehouse) == [NO, YES, NO, YES, NO]
    age(warehouse)
    put(warehouse, portal, "deal", 1, {"UF_A": "0"})
    put(warehouse, portal, "lead", 2, {"UF_A": "1"})
    evaluate(warehouse, portal)
    assert own(warehouse) == [YES, YES, YES, NO, NO]
    age(warehouse)
    store(warehouse, portal)
    evaluate(warehouse, portal)
    assert own(warehouse) == [NO] * 5


def test_own_leads_that_stay_are_not_touched(warehouse: Warehouse, portal: UUID) -> None:
    """Their stamp is what other readers go by."""
    store(warehouse, portal, condition("UF_A", "boolean"))
    put(warehouse, portal, "deal", 1, {"UF_A": "1"})
    execute(warehouse, "insert into leads (user_account_id, name) values (%s, 'a')", portal)
    link(warehouse, "a", None, 1)
    evaluate(warehouse, portal)
    before = fetch(warehouse, "select loaded_at from leads")
    assert warehouse.transact(lambda connection: evaluation.mark_own_leads(connection, portal)) == 0
    assert fetch(warehouse, "select loaded_at from leads") == before


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
