"""Entities as data and the tables say the same, and every value lands."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from b24_pipeline.entities import (
    CRM,
    DEAL,
    INVOICE,
    LEAD,
    QUOTE,
    USER,
    Entity,
    Kind,
    RowDecoder,
    smart_process,
)
from b24_pipeline.store.crm import merge, table_facts
from b24_pipeline.store.crm.merge import Target
from b24_pipeline.store.database.copying import lines
from b24_pipeline.store.database.warehouse import Warehouse
from tests.support.installation import account, fetch

SQL_TYPES = {
    Kind.TEXT: "text",
    Kind.INTEGER: "bigint",
    Kind.LINK: "bigint",
    Kind.MONEY: "numeric",
    Kind.FLAG: "boolean",
    Kind.TIMESTAMP: "timestamp with time zone",
    Kind.DATE: "date",
    Kind.JSON: "jsonb",
    Kind.FILE: "jsonb",
}
OF_EVERY_TABLE = {
    "user_account_id": "uuid",
    "custom_fields": "jsonb",
    "extra": "jsonb",
    "loaded_at": "timestamp with time zone",
    "deleted_at": "timestamp with time zone",
}


OF_SEVERAL_ENTITIES = {"entity_type": "text", "entity_type_id": "integer", "category_id": "bigint"}


@pytest.mark.parametrize(
    "entity", [*CRM, USER, INVOICE, smart_process(156), QUOTE], ids=lambda entity: entity.name
)
def test_columns_of_an_entity_are_those_of_its_table(warehouse: Warehouse, entity: Entity) -> None:
    """No column without a field, no field without a column, and the types are the same."""
    with warehouse.connect() as connection:
        found = {column.name: column.type for column in table_facts.columns(connection, entity.table)}
    told = {column.name: SQL_TYPES[column.kind] for column in entity.columns}
    told |= {name: "jsonb" for _, name in entity.gathered}
    told |= {name: OF_SEVERAL_ENTITIES[name] for name, _ in entity.constants}
    assert found == told | OF_EVERY_TABLE


def test_every_table_and_column_has_a_comment(warehouse: Warehouse) -> None:
    """Whoever opens the database finds out what it holds."""
    silent = fetch(
        warehouse,
        """
        select c.relname, a.attname
        from pg_class as c
        left join pg_attribute as a
            on c.oid = a.attrelid and a.attnum > 0 and not a.attisdropped
            and col_description(c.oid, a.attnum) is null
        where
            c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'v')
            and c.relname not like '%%yoyo%%'
            and (a.attname is not null or obj_description(c.oid, 'pg_class') is null)
        """,
    )
    assert silent == []
    functions = "select proname from pg_proc where pronamespace = 'public'::regnamespace"
    assert fetch(warehouse, f"{functions} and obj_description(oid, 'pg_proc') is null") == []


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats()
    | st.text(max_size=12)
    | st.sampled_from(
        [
            "0",
            "Y",
            "NaN",
            "1e99",
            "٣",
            "2026-W01-1",
            "0000-00-00",
            "0001-01-01T00:00:00+14:00",
            "0002-01-01T00:00:00+14:00",
            "9998-12-31T23:59:59-14:00",
            "9999-12-31T23:59:59-14:00",
            "2026-09-21T13:33:20+23:59",
            "2026-09-21T13:33:20.123456+00:00:30",
            "1582-10-10",
            "\ud83d",
            "\x00",
            "\\u0000",
            "\\.",
            "\\N",
        ]
    ),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
FIELDS = st.sampled_from([column.field for column in LEAD.columns if column.field != "ID"])
NAMES = FIELDS | st.text(max_size=70) | st.text(max_size=10).map("UF_CRM_".__add__)
ROWS = st.dictionaries(NAMES, JSON, max_size=6)


def land(warehouse: Warehouse, portal: Any, entity: Entity, rows: list[dict[str, Any]]) -> RowDecoder:
    """Decodes and merges rows as a load does."""
    decoder = RowDecoder(entity)
    target = Target(entity.table, portal, "Europe/Moscow")
    with warehouse.connect() as connection:
        merge.stage(
            connection,
            target,
            decoder.names,
            lines(target.account, decoder.rows([dict(row) for row in rows])),
        )
        merge.merge(connection, target, decoder.names)
    return decoder


def test_any_json_in_any_field_lands(warehouse: Warehouse) -> None:
    """Whatever a portal sends, the page commits, and each value is in its column, custom_fields or extra."""
    portal = account(warehouse)

    @settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True)
    @given(st.lists(ROWS, min_size=1, max_size=3))
    def lands(rows: list[dict[str, Any]]) -> None:
        numbered = [{**row, "ID": str(number)} for number, row in enumerate(rows, start=1)]
        land(warehouse, portal, LEAD, numbered)
        stored = {row["id"]: row for row in fetch(warehouse, "select * from bitrix24_leads")}
        for number, row in enumerate(rows, start=1):
            kept = stored[number]["custom_fields"].keys() | stored[number]["extra"].keys()
            for field, value in row.items():
                column = {one.field: one.name for one in LEAD.columns}.get(field)
                shown = (
                    field.encode("utf-8", "replace").decode().replace("\x00", "\ufffd").replace("?", "\ufffd")
                )
                arrived = column and stored[number][column] is not None
                means_nothing = column and value in (None, "", "0", 0, False, [], {})
                assert arrived or means_nothing or shown in {key.replace("?", "\ufffd") for key in kept}

    lands()


EXTREMES: list[Any] = [
    "x" * 1_000_000,
    {"k" * 100_000: 1},
    1.7976931348623157e308,
    5e-324,
    2**64 - 1,
    2**200,
    "1" * 100_000,
    [[[[[]]]]] * 1000,
]


def test_extreme_values_land(each_warehouse: Warehouse | None) -> None:
    """Very long, very large, very small and very deep, in a column, a custom field and an unknown one."""
    if each_warehouse is None:
        return
    rows = []
    for number, value in enumerate(EXTREMES, start=1):
        deep: Any = value
        for _ in range(600):
            deep = [deep]
        own = {"TITLE": value, "OPPORTUNITY": value, "UF_CRM_1": value, "UF_CRM_2": deep, "NEW": deep}
        rows.append({"ID": str(number), **own})
    land(each_warehouse, account(each_warehouse), DEAL, rows)
    stored = fetch(each_warehouse, "select * from bitrix24_deals order by id")
    assert [row["id"] for row in stored] == list(range(1, len(EXTREMES) + 1))
    for row in stored:
        assert set(row["custom_fields"]) == {"UF_CRM_1", "UF_CRM_2"}
        assert "NEW" in row["extra"]
        assert row["opportunity"] is not None or "OPPORTUNITY" in row["extra"]
