"""The runner: order, kinds of models, comments."""

from __future__ import annotations

from typing import Any

import pytest

from b24_pipeline.models import build, load_project
from b24_pipeline.store.database.warehouse import Warehouse
from tests.integration.models.conftest import BASE, Small
from tests.support.data import model_data


def test_a_table_keeps_its_identity_and_writes_only_what_differs(small: Small) -> None:
    """Rights and views of analysts survive, and an unchanged row is not written."""
    small.build()
    small.run("create view analysts_own as select name from analytics.base")
    before = small.rows("select 'analytics.base'::regclass::oid, xmin from analytics.base where id = 1")
    small.run("update numbers set name = 'two' where id = 2")
    small.run("delete from numbers where id = 3")
    (base, _) = small.build()
    assert (base.action, base.rows, base.changed) == ("replaced", 2, 3)
    assert before == small.rows(
        "select 'analytics.base'::regclass::oid, xmin from analytics.base where id = 1"
    )
    assert small.rows("select name from analysts_own order by 1") == [("1",), ("two",)]


def test_a_view_of_ours_that_does_not_fit_any_more_is_built_anew(small: Small) -> None:
    """Where the project changes both, the view follows its table."""
    small.model("top", "{{ config(materialized='view') }} select name from {{ ref('base') }}")
    small.build()
    small.model("base", BASE.replace(", name", ""))
    small.model("top", "{{ config(materialized='view') }} select id from {{ ref('base') }}")
    small.build()
    assert len(small.rows("select id from analytics.top")) == 3


@pytest.mark.parametrize("first, second", [("view", "table"), ("table", "view")])
def test_a_model_may_change_between_view_and_table(small: Small, first: str, second: str) -> None:
    """Its dependents stay."""
    for materialized in (first, second):
        small.model("base", BASE.replace("unique_key='id'", f"materialized='{materialized}'"))
        small.build()
        assert len(small.rows("select id from analytics.top")) == 3


def test_rows_that_share_a_key_are_all_kept(small: Small) -> None:
    """A wrong unique_key must not hide rows: the test of uniqueness has to find them."""
    small.run("insert into numbers values (1, '1')")
    small.describe("not_null")
    small.build()
    assert small.build()[0].rows == 4


def test_comments_are_those_of_schema_yml(small: Small) -> None:
    """Descriptions become SQL comments, and follow when they change."""
    small.build()
    described = (
        "select obj_description('analytics.base'::regclass), col_description('analytics.base'::regclass, 1)"
    )
    assert small.rows(described) == [("It's a base.", "A number.")]


@pytest.mark.parametrize(
    "select, expected", [("base", ["base"]), ("+top", ["base", "top"]), (None, ["base", "top"])]
)
def test_a_selection_is_built_in_order(small: Small, select: str | None, expected: list[str]) -> None:
    """Only what is named, upstream first."""
    assert [model.name for model in small.build(select=select)] == expected


def test_the_oldest_postgresql_builds_everything(oldest_server: Any) -> None:
    """PostgreSQL 15, the oldest that we support, knows all that the models use."""
    if oldest_server is None:
        return
    url = oldest_server.fresh()
    warehouse = Warehouse(url)
    with warehouse.connect() as conn:
        model_data.populate(conn, 4, entities=10)
    result = build(warehouse.connect, load_project())
    again = build(warehouse.connect, load_project())
    warehouse.close()
    oldest_server.drop(url)
    assert all(test.passed for test in result.tests + again.tests if test.severity == "error")
