"""The marts of creatives, campaigns and key stages against an independent computation on random data."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pytest

from b24_pipeline.models import build, load_project
from b24_pipeline.store.database.warehouse import Warehouse
from tests.conftest import Server
from tests.support.data import model_data
from tests.support.expected import creative_figures
from tests.support.expected.model_figures import frame
from tests.support.frames import tuples

CREATIVE = ["portal", "entity_type", "creative_id", "direction_id"]
UTM = ["portal", "entity_type", "utm_campaign", "utm_content"]
STAGE = ["category_id", "status_id"]


@pytest.fixture(scope="module", params=[1, *(pytest.param(seed, marks=pytest.mark.slow) for seed in (2, 3))])
def conn(request: pytest.FixtureRequest, server: Server) -> Iterator[psycopg.Connection[Any]]:
    """A database with random data, changed after a first build, so that what is kept up by change is looked at."""
    url = server.fresh()
    warehouse = Warehouse(url)
    with warehouse.connect() as conn:
        model_data.populate(conn, request.param)
    build(warehouse.connect, load_project())
    with warehouse.connect() as conn:
        model_data.change(conn, request.param)
    build(warehouse.connect, load_project())
    with warehouse.connect() as conn:
        yield conn
    warehouse.close()
    server.drop(url)


def rows(conn: psycopg.Connection[Any], mart: str, key: list[str]) -> dict[tuple[Any, ...], dict[str, Any]]:
    found = frame(conn, f"select * from analytics.{mart}").to_dict("records")
    by_key = {tuple(row[name] for name in key): row for row in found}
    assert len(by_key) == len(found)
    return {key: {str(name): value for name, value in row.items()} for key, row in by_key.items()}


def is_rounded(found: Decimal, expected: float) -> bool:
    return abs(float(found) - expected) <= 0.005 + 1e-9


def test_creative_funnel_is_the_one_counted_by_hand(conn: psycopg.Connection[Any]) -> None:
    """Every stage of every creative, empty ones included, with count, share and how many are qualified."""
    expected = creative_figures.creative_funnel(conn)
    found = rows(conn, "creative_funnel_stats", [*CREATIVE, *STAGE])
    assert set(found) == set(expected)
    for key, (count, qualified, percentage) in expected.items():
        row = found[key]
        assert (row["count"], row["qualified"]) == (count, qualified), key
        assert is_rounded(row["percentage"], percentage), key
    assert any(key[2] is None and row["count"] for key, row in found.items())
    assert any(row["qualified"] for row in found.values())
    assert any(not row["count"] for row in found.values())


def test_creative_stats_are_those_counted_by_hand(conn: psycopg.Connection[Any]) -> None:
    """A deal of several own leads is the earliest one's alone, and no two currencies are added."""
    expected = creative_figures.creative_stats(conn)
    found = rows(conn, "creative_stats", CREATIVE)
    assert set(found) == set(expected)
    for key, figures in expected.items():
        row, revenue = found[key], figures.pop("revenue")
        assert {name: row[name] for name in figures} == figures, key
        by_currency = {name: Decimal(str(amount)) for name, amount in row["revenue_by_currency"].items()}
        assert by_currency == revenue, key
        assert row["revenue"] == (sum(revenue.values()) if len(revenue) < 2 else None), key
        assert row["currency_id"] == next(
            (name for name in revenue if len(revenue) == 1 and name != "XXX"), None
        )
    assert any(row["matched"] > row["entities"] > 0 for row in found.values())
    assert any(row["revenue"] for row in found.values())


def test_deals_of_before_and_after_the_ad_are_all_that_the_creatives_have(
    conn: psycopg.Connection[Any],
) -> None:
    """The query of docs/queries.md tells them apart, and loses and doubles none."""
    page = (Path(__file__).parents[3] / "docs" / "queries.md").read_text("utf-8")
    (query,) = re.findall(r"^## What did our own ads bring .*?```sql\n(.*?)```", page, re.M | re.S)
    with conn.transaction(force_rollback=True):
        conn.execute("update bitrix24_deals set date_create = '2099-06-01' where mod(id, 2) = 0")
        found = frame(conn, query)
    assert found["new_deals"].iloc[-1] > 0 and found["older_deals"].iloc[-1] > 0
    apart = {
        (row["portal"], row["creative_name"]): (
            row["new_deals"] + row["older_deals"],
            row["new_won"] + row["older_won"],
        )
        for row in found.to_dict("records")[:-1]
    }
    together = conn.execute(
        "select portal, creative_name, sum(entities)::int, sum(won)::int from analytics.creative_stats"
        " where entity_type = 'deal' group by 1, 2 having sum(entities) > 0"
    ).fetchall()
    assert apart == {(portal, creative): (deals, won) for portal, creative, deals, won in together}


def test_utm_funnel_is_the_one_counted_by_hand(conn: psycopg.Connection[Any]) -> None:
    """By campaign and content of the CRM's entities; an empty text is none."""
    expected = creative_figures.utm_funnel(conn)
    found = rows(conn, "utm_funnel_stats", [*UTM, *STAGE])
    assert set(found) == set(expected)
    for key, (count, qualified, percentage) in expected.items():
        row = found[key]
        assert (row["count"], row["qualified"]) == (count, qualified), key
        assert is_rounded(row["percentage"], percentage), key


def test_key_stages_are_counted_as_by_hand(conn: psycopg.Connection[Any]) -> None:
    """From every move that is known, by creative and month of creation in the portal's zone."""
    expected = creative_figures.key_stages(conn)
    key = ["portal", "direction_id", "key_stage_index", *STAGE, "creative_id", "month"]
    found = rows(conn, "key_stage_stats", key)
    assert {key: (row["total_leads"], row["reached"]) for key, row in found.items()} == expected
    for row in found.values():
        assert is_rounded(row["rate"], 100 * row["reached"] / row["total_leads"])
    assert len({row["month"] for row in found.values()}) >= 2
    assert any(row["reached"] for row in found.values())


def test_key_stages_keep_the_names_that_they_had(conn: psycopg.Connection[Any]) -> None:
    """A deleted key stage has its last name, one that the directory never had its code."""
    found = frame(
        conn,
        "select s.status_name, s.status_id, s.is_deleted, k.deleted_at from analytics.key_stage_stats s"
        " join user_accounts a on a.name = s.portal left join bitrix24_pipeline_stages k"
        " on k.user_account_id = a.id and k.entity_type = s.entity_type and k.category_id = s.category_id"
        " and k.status_id = s.status_id",
    )
    for row in tuples(found):
        known = not row.status_id.endswith("S9")
        assert row.status_name == (f"Stage {row.status_id}" if known else row.status_id)
        assert row.is_deleted is (not known or row.deleted_at is not None)


def test_what_has_not_changed_is_not_written_again(warehouse: Warehouse) -> None:
    """Also rows whose creative, direction or campaign is null keep their place."""
    with warehouse.connect() as conn:
        model_data.populate(conn, 4, entities=20)
    build(warehouse.connect, load_project())
    again = build(warehouse.connect, load_project(), with_tests=False)
    changed = {model.name: model.changed for model in again.models if model.materialized == "table"}
    marts = ("creative_funnel_stats", "creative_stats", "utm_funnel_stats", "key_stage_stats")
    assert {name: changed[name] for name in marts} == dict.fromkeys(marts, 0)
