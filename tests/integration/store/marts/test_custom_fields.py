"""Typed views of custom fields: values, rows, labels and names."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from b24_pipeline.store.database.warehouse import Warehouse
from tests.integration.store.marts.conftest import Acme, field

WORDS = [{"id": "44", "value": "Hot 🔥"}, {"id": "46", "value": "It's 100% \\cold"}]
DATA: dict[str, tuple[str, bool, list[tuple[Any, Any]]]] = {
    "UF_STRING": (
        "string",
        False,
        [("a", "a"), (7, "7"), ("", None), (False, None), (["x"], None), ({}, None)],
    ),
    "UF_WHOLE": (
        "integer",
        False,
        [("5", 5), (-5, -5), ("5.5", None), ("1" * 25, None), ("x", None), ([], None)],
    ),
    "UF_NUMBER": (
        "double",
        False,
        [("0.10", Decimal("0.10")), (2.5, Decimal("2.5")), ("1,5", None), ("NaN", None)],
    ),
    "UF_FLAG": (
        "boolean",
        False,
        [("1", True), ("0", False), (True, True), ("Y", True), ("maybe", None), ("", None)],
    ),
    "UF_DAY": (
        "date",
        False,
        [
            ("2024-02-29T03:00:00+03:00", date(2024, 2, 29)),
            ("2023-02-29", None),
            ("0000-00-00", None),
            ("soon", None),
        ],
    ),
    "UF_TIME": (
        "datetime",
        False,
        [
            ("2024-02-29T01:00:00+03:00", datetime(2024, 2, 28, 22, tzinfo=UTC)),
            ("2024-02-30T01:00:00+03:00", None),
            ("2024-02-29T25:00:00+03:00", None),
            ("2024-02-29T01:00:00", None),
        ],
    ),
    "UF_LIST": ("enumeration", False, [("44", "Hot 🔥"), (46, "It's 100% \\cold"), ("45", None), ("", None)]),
    "UF_LISTS": (
        "enumeration",
        True,
        [(["46", "44"], ["It's 100% \\cold", "Hot 🔥"]), ("44", ["Hot 🔥"]), (["45"], None), (False, None)],
    ),
    "UF_DAYS": (
        "date",
        True,
        [(["2024-02-29", "", "x", "2024-03-01"], [date(2024, 2, 29), date(2024, 3, 1)])],
    ),
    "UF_FILE": ("file", False, [({"id": 5}, {"id": 5}), ([], None), (False, None)]),
    "UF_APP": ("rest_12_slider", False, [([1, {"a": None}], [1, {"a": None}]), ("a", "a"), (None, None)]),
    "UF_MASTER": ("employee", False, [("12", 12), ("", None)]),
}


@pytest.mark.parametrize("name", DATA)
def test_values_have_their_types_and_what_does_not_fit_is_null(
    each_warehouse: Warehouse | None, name: str
) -> None:
    """Every form in which the portal sends a value, and forms that a field had before its type changed."""
    if each_warehouse is None:
        return
    acme = Acme(each_warehouse)
    kind, is_multiple, values = DATA[name]
    acme.catalogue(
        field(name, kind, is_multiple=is_multiple, enumeration_values=WORDS if "LIST" in name else [])
    )
    for number, (value, _) in enumerate(values):
        acme.deal(number, {name: value})
    acme.deal(99, {})
    read = [row[name.lower()] for row in acme.rows()]
    assert read == [*(expected for _, expected in values), None]
    assert [type(one) for one in read] == [*(type(expected) for _, expected in values), type(None)]


def test_money_is_an_amount_and_a_currency(acme: Acme) -> None:
    """Every digit of the amount is kept; without an amount there is no currency."""
    acme.catalogue(field("UF_FEE", "money"), field("UF_FEES", "money", 2, is_multiple=True))
    acme.deal(1, {"UF_FEE": "1000000.10|RUB", "UF_FEES": ["1|EUR", "2|USD"]})
    acme.deal(2, {"UF_FEE": "|RUB", "UF_FEES": False})
    acme.deal(3, {"UF_FEE": "5", "UF_FEES": "7|KZT"})
    assert [tuple(row.values()) for row in acme.rows()] == [
        (1, Decimal("1000000.10"), "RUB", [Decimal(1), Decimal(2)], ["EUR", "USD"]),
        (2, None, None, None, None),
        (3, Decimal(5), None, [Decimal(7)], ["KZT"]),
    ]


def test_rows_are_entities_alive_of_this_portal(acme: Acme) -> None:
    """Deleted deals, templates of recurring ones and other portals' are left out, as in the marts."""
    other = Acme(acme.warehouse, "other")
    acme.catalogue(field("UF_A"))
    other.catalogue(field("UF_B"))
    acme.deal(1, {"UF_A": "one"})
    acme.deal(2, {"UF_A": "two"}, deleted_at=datetime.now(UTC))
    acme.deal(3, {"UF_A": "three"}, is_recurring=True)
    other.deal(1, {"UF_A": "not ours"})
    assert acme.rows() == [{"entity_id": 1, "uf_a": "one"}]
    assert other.rows() == [{"entity_id": 1, "uf_b": None}]


def test_labels_are_comments_and_follow_the_catalogue(acme: Acme) -> None:
    """A label that changes changes the comment; nothing is done where nothing has changed."""
    assert acme.catalogue(field("UF_A", label="Площадь, м²"))
    assert acme.comments()["uf_a"] == "Площадь, м²"
    assert not acme.catalogue(field("UF_A", label="Площадь, м²"))
    assert acme.catalogue(field("UF_A", label="It's 100%"))
    assert acme.comments()["uf_a"] == "It's 100%"


def test_names_that_collide_are_told_apart(acme: Acme) -> None:
    """Every field has a column, also where names differ in capitals only or are those of our own columns."""
    names = [
        "UF_A",
        "UF_a",
        "UF_" + "X" * 70,
        "UF_" + "X" * 71,
        "UF_FEE",
        "UF_FEE_AMOUNT",
        'UF_"; drop',
        "UF_%s",
    ]
    acme.catalogue(*(field(one, "money" if one == "UF_FEE" else "string", n) for n, one in enumerate(names)))
    acme.deal(1, dict.fromkeys(names, "5|RUB"))
    (row,) = acme.rows()
    assert len(row) == len(names) + 2
    assert row["uf_fee_amount"] == "5|RUB"
    assert set(row.values()) == {1, "5|RUB", "RUB", Decimal(5)}
