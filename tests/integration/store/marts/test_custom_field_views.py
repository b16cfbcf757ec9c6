"""Typed views of custom fields follow the catalogue, and leave what belongs to others."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal

import psycopg
import pytest

from b24_pipeline.errors import ModelError
from b24_pipeline.store.database.warehouse import Warehouse
from b24_pipeline.store.marts.custom_fields import keep_views
from tests.integration.store.marts.conftest import Acme, field
from tests.support.installation import execute, fetch


def schemas(warehouse: Warehouse) -> list[str]:
    """The schemas of custom fields."""
    found = fetch(
        warehouse,
        "select nspname from pg_namespace where starts_with(nspname, 'analytics_') and nspname <> 'analytics_build'",
    )
    return [row["nspname"] for row in found]


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
