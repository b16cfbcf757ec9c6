"""The marts' figures against an independent computation on random histories."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
import psycopg
import pytest

from b24_pipeline.models import build, load_project
from b24_pipeline.store.database.warehouse import Warehouse
from tests.conftest import Server
from tests.support.data import model_data
from tests.support.expected import model_figures
from tests.support.frames import groups, records, tuples

ZONES = {"acme": ZoneInfo("Europe/Moscow"), "büro": ZoneInfo("America/Los_Angeles")}


@pytest.fixture(scope="module", params=[1, 2])
def conn(request: pytest.FixtureRequest, server: Server) -> Iterator[psycopg.Connection[Any]]:
    """A database with random histories and built models, which the tests only read."""
    url = server.fresh()
    warehouse = Warehouse(url)
    with warehouse.connect() as conn:
        model_data.populate(conn, request.param)
    build(warehouse.connect, load_project())
    with warehouse.connect() as conn:
        yield conn
    warehouse.close()
    server.drop(url)


def _close(found: Any, expected: float | None) -> bool:
    if expected is None:
        return found is None
    return found is not None and abs(float(found) - expected) <= 1e-6 * max(1000.0, expected)


def test_visits_are_the_ones_counted_by_hand(conn: psycopg.Connection[Any]) -> None:
    """Every visit, with its kind, is found, and no other."""
    expected = model_figures.visits(conn)
    columns = list(expected.columns)
    found = model_figures.frame(conn, "select * from analytics.fct_stage_interval")[columns]
    assert set(found.itertuples(index=False, name=None)) == set(
        expected.astype(object).where(expected.notna(), None).itertuples(index=False, name=None)
    )


def test_funnel_is_the_one_counted_by_hand(conn: psycopg.Connection[Any]) -> None:
    """Every figure of every stage agrees."""
    expected = model_figures.funnel(conn)
    found = records(model_figures.frame(conn, "select * from analytics.funnel_stats"))
    assert {tuple(row[key] for key in model_figures.STAGE) for row in found} == set(expected)
    for row in found:
        figures = expected[tuple(row[key] for key in model_figures.STAGE)]
        for name in ("in_stage", "entered", "reached", "reached_implied", "qualified"):
            assert row[name] == figures[name], (name, row, figures)
        for name in (
            "conversion_from_start",
            "conversion_from_previous",
            "median_seconds",
            "mean_seconds",
        ):
            assert _close(row[name], figures[name]), (name, row, figures)
        _check_money(row, figures["amounts"])


def _check_money(row: dict[str, Any], amounts: dict[str, Any]) -> None:
    assert {name: float(value) for name, value in row["amounts_by_currency"].items()} == {
        name: float(value) for name, value in amounts.items()
    }
    if len(amounts) > 1:
        assert row["amount_in_stage"] is None
        assert row["currency_id"] is None
    else:
        assert row["amount_in_stage"] == sum(amounts.values())
        assert row["currency_id"] == next((name for name in amounts if name != "XXX"), None)


LEFT_BY = {
    "left_forward": ("forward", "skip"),
    "left_back": ("back",),
    "won": ("won",),
    "lost": ("lost",),
    "reopened": ("reopen",),
    "moved_to_other_pipeline": ("pipeline_change",),
    "deleted": ("deleted",),
}


def test_daily_flow_is_the_one_counted_by_hand(conn: psycopg.Connection[Any]) -> None:
    """Entries, exits by kind and stocks of each stage agree day by day, in the portal's own days."""
    stays = model_figures.stays(conn)
    for end in ("entered", "exited"):
        stays[f"{end}_on"] = [
            None if pd.isna(at) else at.astimezone(ZONES[portal]).date()
            for portal, at in zip(stays["portal"], stays[f"{end}_at"], strict=True)
        ]
    last_days = stays.melt(["portal"], ["entered_on", "exited_on"]).dropna().groupby("portal")["value"].max()
    came, gone = _a_day(stays, "entered_on"), _a_day(stays, "exited_on")
    created = _a_day(stays.drop_duplicates(model_figures.ENTITY), "entered_on")
    kinds = {name: _a_day(stays[stays["left_by"].isin(of)], "exited_on") for name, of in LEFT_BY.items()}
    daily = model_figures.frame(conn, "select * from analytics.funnel_daily order by day")
    found = groups(daily, model_figures.STAGE)
    first_days: dict[Any, Any] = stays.groupby(model_figures.STAGE)["entered_on"].min().to_dict()
    assert set(found) == set(first_days)
    for key, days in found.items():
        assert list(days["day"]) == list(pd.date_range(first_days[key], last_days[key[0]]).date)
        stock = 0
        for row in tuples(days):
            place = (*key, row.day)
            assert (row.entered, row.left_total) == (came.get(place, 0), gone.get(place, 0))
            assert row.created == created.get(place, 0)
            for name, counts in kinds.items():
                assert getattr(row, name) == counts.get(place, 0), (place, name)
            stock += came.get(place, 0) - gone.get(place, 0)
            assert row.in_stage_end == stock


def _a_day(stays: pd.DataFrame, day: str) -> dict[tuple[Any, ...], int]:
    counts: dict[Any, int] = stays.groupby([*model_figures.STAGE, day]).size().to_dict()
    return counts


def test_facts_hold_whoever_is_alive(conn: psycopg.Connection[Any]) -> None:
    """Each lead and deal alive is there once, with its stage; templates are not."""
    expected = model_figures.present(conn)
    for entity_type in ("lead", "deal"):
        found = model_figures.frame(conn, f"select * from analytics.fct_{entity_type}")
        columns = [*model_figures.ENTITY, "category_id", "status_id", "opportunity", "currency_id"]
        of_type = expected[expected["entity_type"] == entity_type]
        assert set(found[columns].itertuples(index=False, name=None)) == set(
            of_type[columns].itertuples(index=False, name=None)
        )


def test_who_is_qualified_is_so_by_a_field_or_by_a_stage(conn: psycopg.Connection[Any]) -> None:
    """is_qualified looks at the conditions, at visits and at the present stage."""
    expected = model_figures.qualified(conn)
    deals = model_figures.frame(conn, "select * from analytics.fct_deal where is_qualified")
    leads = model_figures.frame(conn, "select * from analytics.fct_lead where is_qualified")
    found = pd.concat([deals[model_figures.ENTITY], leads[model_figures.ENTITY]])
    assert set(found.itertuples(index=False, name=None)) == expected


def test_qualification_has_whoever_is_alive(conn: psycopg.Connection[Any]) -> None:
    """Once each, by conditions alone, with what is kept of those that once were qualified."""
    alive = model_figures.present(conn)[model_figures.ENTITY]
    kept = model_figures.frame(
        conn,
        "select a.name, q.entity_type, q.entity_id, q.is_qualified, q.matched_field, q.first_qualified_at"
        " from bitrix24_qualification q join user_accounts a on a.id = q.user_account_id",
    )
    known = {row[:3]: row[3:] for row in kept.itertuples(index=False, name=None)}
    assert {known[key][0] for key in known} == {True, False}
    found = model_figures.frame(conn, "select * from analytics.qualification")
    assert set(found.itertuples(index=False, name=None)) == {
        (*key, *known.get(key, (False, None, None))) for key in alive.itertuples(index=False, name=None)
    }
