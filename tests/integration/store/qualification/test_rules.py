"""Who is qualified: the rules one by one."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import psycopg

from b24_pipeline.store.database.migrations import migrate
from b24_pipeline.store.database.warehouse import Warehouse
from tests.conftest import Server
from tests.integration.store.qualification.conftest import NO, YES, rows
from tests.support.data.qualifying import (
    condition,
    evaluate,
    put,
    qualified,
    store,
)
from tests.support.installation import account, fetch

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
