"""Typed views of custom fields: their types, and how they follow the catalogue."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import psycopg
import pytest
from psycopg.types.json import Jsonb

from b24_pipeline.errors import ModelError
from b24_pipeline.store.crm.directories import replace_fields
from b24_pipeline.store.database.vault import Vault
from b24_pipeline.store.database.warehouse import Warehouse
from b24_pipeline.store.marts.custom_fields import keep_views, schema_of
from b24_pipeline.store.portals.portal import Portal
from b24_pipeline.store.portals.portals import Portals
from tests.support.installation import KEY, account, execute, fetch

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


def field(name: str, kind: str = "string", place: int = 1, **more: Any) -> dict[str, Any]:
    """A row of the catalogue."""
    return {
        "entity_type": "deal",
        "field_name": name,
        "field_type": kind,
        "label": f"Label of {name}",
        "is_multiple": False,
        "is_required": False,
        "is_read_only": False,
        "is_custom": True,
        "status_type": None,
        "enumeration_values": [],
        "portal_field_id": place,
    } | more


class Acme:
    """A portal with a catalogue and deals."""

    def __init__(self, warehouse: Warehouse, name: str = "acme") -> None:
        self.warehouse = warehouse
        self.portals = Portals(warehouse, Vault(KEY))
        self.id: UUID = account(warehouse, name)
        self.name = name

    @property
    def portal(self) -> Portal:
        return next(one for one in self.portals.all() if one.id == self.id)

    def catalogue(self, *fields: dict[str, Any]) -> bool:
        with self.warehouse.connect() as connection:
            replace_fields(connection, self.id, fields)
        return keep_views(self.warehouse, self.portal.id)

    def deal(self, number: int, custom: dict[str, Any], **more: Any) -> None:
        execute(
            self.warehouse,
            "insert into bitrix24_deals (user_account_id, id, custom_fields, is_recurring, deleted_at)"
            " values (%s, %s, %s, %s, %s)",
            self.id,
            number,
            Jsonb(custom),
            more.get("is_recurring"),
            more.get("deleted_at"),
        )

    def rows(self, columns: str = "*") -> list[dict[str, Any]]:
        with self.warehouse.connect() as connection:
            schema = schema_of(connection, self.name)
        return fetch(
            self.warehouse, f'select {columns} from "{schema}".deal_custom_fields order by entity_id'
        )

    def comments(self) -> dict[str, str]:
        found = fetch(
            self.warehouse,
            "select attname, col_description(attrelid, attnum) as about from pg_attribute"
            " where attrelid = 'analytics_acme.deal_custom_fields'::regclass",
        )
        return {row["attname"]: row["about"] for row in found}


def schemas(warehouse: Warehouse) -> list[str]:
    """The schemas of custom fields."""
    found = fetch(warehouse, "select nspname from pg_namespace where starts_with(nspname, 'analytics_')")
    return [row["nspname"] for row in found]


@pytest.fixture
def acme(warehouse: Warehouse) -> Acme:
    return Acme(warehouse)


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


def test_a_field_more_keeps_rights_and_views_of_others(acme: Acme) -> None:
    """New columns come last, within the same view; another type or a field less make a new one, with both kept."""
    acme.catalogue(field("UF_A"), field("UF_B", place=2))
    execute(acme.warehouse, "create view own as select uf_a from analytics_acme.deal_custom_fields")
    execute(acme.warehouse, "grant select on analytics_acme.deal_custom_fields to public")
    look = (
        "select oid, has_table_privilege('pg_monitor', oid, 'select') as reads"
        " from pg_class where oid = 'analytics_acme.deal_custom_fields'::regclass"
    )
    before = fetch(acme.warehouse, look)
    acme.catalogue(field("UF_A"), field("UF_B", place=2), field("UF_C", place=3))
    assert fetch(acme.warehouse, look) == before
    acme.catalogue(field("UF_A"), field("UF_C", "double", place=3))
    after = fetch(acme.warehouse, look)
    assert (after[0]["oid"] != before[0]["oid"], after[0]["reads"]) == (True, True)
    acme.deal(1, {"UF_A": "x", "UF_C": "1.50"})
    assert acme.rows() == [{"entity_id": 1, "uf_a": "x", "uf_c": Decimal("1.50")}]
    assert fetch(acme.warehouse, "select * from own") == [{"uf_a": "x"}]


def test_a_view_of_others_that_does_not_fit_is_named_once(acme: Acme) -> None:
    """Ours stay as they were; it is not tried again at every event, but when the catalogue is another."""
    acme.catalogue(field("UF_A"), field("UF_B", place=2))
    execute(acme.warehouse, "create view own as select uf_a from analytics_acme.deal_custom_fields")
    with pytest.raises(ModelError, match=r"deal_custom_fields: .* view public\.own does not fit"):
        acme.catalogue(field("UF_B", place=2))
    assert not keep_views(acme.warehouse, acme.portal.id)
    acme.deal(1, {"UF_A": "x"})
    assert acme.rows() == [{"entity_id": 1, "uf_a": "x", "uf_b": None}]
    execute(acme.warehouse, "drop view own")
    assert acme.catalogue(field("UF_B", place=2, label="Other"))
    assert acme.rows() == [{"entity_id": 1, "uf_b": None}]


def test_after_an_hour_it_is_tried_again(acme: Acme) -> None:
    """Somebody may have changed the view that stood in the way."""
    acme.catalogue(field("UF_A"), field("UF_B", place=2))
    execute(acme.warehouse, "create view own as select uf_a from analytics_acme.deal_custom_fields")
    with pytest.raises(ModelError):
        acme.catalogue(field("UF_B", place=2))
    execute(acme.warehouse, "drop view own")
    execute(
        acme.warehouse, "update bitrix24_custom_field_views set problem_at = now() - interval '61 minutes'"
    )
    assert keep_views(acme.warehouse, acme.portal.id)


def test_a_renamed_portal_takes_its_schema_along(acme: Acme) -> None:
    """Views and rights stay, the name follows."""
    acme.catalogue(field("UF_A"))
    execute(acme.warehouse, "create view own as select uf_a from analytics_acme.deal_custom_fields")
    execute(acme.warehouse, "update user_accounts set name = 'Acme.RU'")
    assert keep_views(acme.warehouse, acme.portal.id)
    assert [name[:-8] for name in schemas(acme.warehouse)] == ["analytics_acme_ru_"]
    acme.deal(1, {"UF_A": "x"})
    assert fetch(acme.warehouse, "select * from own") == [{"uf_a": "x"}]


def test_a_purged_portal_leaves_no_schema(acme: Acme) -> None:
    """Disconnected it keeps them, as it keeps its data."""
    acme.catalogue(field("UF_A"))
    acme.portals.remove("acme", purge=False)
    assert acme.rows() == []
    acme.portals.remove("acme", purge=True)
    assert schemas(acme.warehouse) == []
    assert fetch(acme.warehouse, "select * from bitrix24_custom_field_views") == []


def test_what_a_deleted_account_left_is_cleared_by_the_next_portal(acme: Acme) -> None:
    """Also where the account was deleted by hand."""
    acme.catalogue(field("UF_A"))
    execute(acme.warehouse, "delete from user_accounts")
    Acme(acme.warehouse, "other").catalogue(field("UF_B"))
    assert schemas(acme.warehouse) == ["analytics_other"]


def test_a_schema_of_somebody_else_is_left_alone(acme: Acme) -> None:
    """Nothing is made in it, and the message says what to do."""
    execute(acme.warehouse, "create schema analytics_acme")
    with pytest.raises(ModelError, match="analytics_acme, which is there already"):
        acme.catalogue(field("UF_A"))
    assert fetch(acme.warehouse, "select to_regclass('analytics_acme.deal_custom_fields') as made") == [
        {"made": None}
    ]


def test_dropped_views_come_back(acme: Acme) -> None:
    """A schema that was dropped by hand is made again."""
    acme.catalogue(field("UF_A"))
    execute(acme.warehouse, "drop schema analytics_acme cascade")
    assert keep_views(acme.warehouse, acme.portal.id)
    assert acme.rows() == []


def test_a_long_reader_is_not_in_the_way_for_long(acme: Acme, database_url: str) -> None:
    """Where somebody reads a view, its change is left for the next time instead of keeping readers waiting."""
    acme.catalogue(field("UF_A"))
    with reading(database_url):
        with pytest.raises(psycopg.errors.LockNotAvailable):
            acme.catalogue(field("UF_A"), field("UF_B", place=2))
        assert acme.rows() == []
    assert keep_views(acme.warehouse, acme.portal.id)


@contextmanager
def reading(url: str) -> Iterator[None]:
    """An analyst's open transaction that has read a view."""
    with psycopg.connect(url) as connection:
        connection.execute("select * from analytics_acme.deal_custom_fields")
        yield


def test_portals_with_awkward_names_have_schemas_of_their_own(warehouse: Warehouse) -> None:
    """Capitals, dots, Cyrillic and 63 characters: each gets its views, none another's."""
    names = ["acme", "ACME", "a.cme", "a-cme", "Ромашка", "ромашка", "ж" * 63, "ж" * 62 + "я", "x" * 63, "42"]
    for number, name in enumerate(names):
        one = Acme(warehouse, name)
        one.catalogue(field("UF_A"))
        one.deal(number, {"UF_A": name})
    assert [Acme.rows(_found(warehouse, name))[0]["uf_a"] for name in names] == names


def _found(warehouse: Warehouse, name: str) -> Acme:
    found = Acme.__new__(Acme)
    found.warehouse, found.name = warehouse, name
    return found
