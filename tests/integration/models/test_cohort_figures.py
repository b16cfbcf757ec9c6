"""Cohorts, velocity, losses and won revenue against an independent computation on random histories."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC
from typing import Any

import psycopg
import pytest

from b24_pipeline.models import build, load_project
from b24_pipeline.store.database.warehouse import Warehouse
from tests.conftest import Server
from tests.support.data import model_data
from tests.support.expected import cohort_figures, outcome_figures
from tests.support.expected.model_figures import frame

PROJECT = load_project()


def _set_flags(conn: psycopg.Connection[Any]) -> None:
    """The user counts another stage as won, another as lost, and one success stage as neither."""
    set_flags = (
        "update bitrix24_pipeline_stages set is_success_stage = %s, is_fail_stage = %s where status_id = %s"
    )
    conn.execute(set_flags, (True, False, "C0:S3"))
    conn.execute(set_flags, (False, True, "C1:S2"))
    conn.execute(set_flags, (False, False, "C7:S4"))


QUICK = [(1, False), (2, True)]
SLOW = [one for seed in range(1, 6) for one in ((seed, False), (seed, True)) if one not in QUICK]


@pytest.fixture(scope="module", params=[*QUICK, *(pytest.param(one, marks=pytest.mark.slow) for one in SLOW)])
def conn(request: pytest.FixtureRequest, server: Server) -> Iterator[psycopg.Connection[Any]]:
    """Random histories with built models, once as they are and once after changes; the tests only read."""
    seed, changed = request.param
    url = server.fresh()
    warehouse = Warehouse(url)
    with warehouse.connect() as conn:
        model_data.populate(conn, seed, entities=60)
        cohort_figures.spread_creation(conn)
    build(warehouse.connect, PROJECT)
    if changed:
        with warehouse.connect() as conn:
            for day in range(4):
                model_data.change(conn, 100 * seed + day)
            _set_flags(conn)
        build(warehouse.connect, PROJECT)
    with warehouse.connect() as conn:
        yield conn
    warehouse.close()
    server.drop(url)


@pytest.fixture(scope="module")
def known(conn: psycopg.Connection[Any]) -> cohort_figures.World:
    """What the raw tables hold."""
    return cohort_figures.world(conn)


def _rows(conn: psycopg.Connection[Any], name: str) -> list[dict[str, Any]]:
    return [
        {str(key): value for key, value in row.items()}
        for row in frame(conn, f"select * from analytics.{name}").to_dict("records")
    ]


def _close(found: Any, expected: float | None, digits: int) -> bool:
    if expected is None or found is None:
        return found is None and expected is None
    return abs(float(found) - expected) <= 0.6 * 10.0**-digits + 1e-9 * abs(expected)


def test_cohorts_are_the_ones_counted_by_hand(
    conn: psycopg.Connection[Any], known: cohort_figures.World
) -> None:
    """Every month, stage, definition and age agrees, and there is no other row."""
    expected = cohort_figures.cohorts(known)
    keys = ("portal", "entity_type", "cohort_month", "category_id", "status_id", "definition", "age_days")
    found = {tuple(row[key] for key in keys): row for row in _rows(conn, "funnel_cohort")}
    assert set(found) == set(expected)
    for key, row in found.items():
        entities, reached, mature = expected[key]
        assert (row["entities"], row["reached"], row["is_mature"]) == (entities, reached, mature), key
        assert _close(row["conversion"], reached / entities, 6), key
    assert {definition for *_, definition, _ in expected} == set(cohort_figures.DEFINITIONS)
    assert {mature for *_, mature in expected.values()} == {True, False}


def test_definitions_differ_as_they_should(
    conn: psycopg.Connection[Any], known: cohort_figures.World
) -> None:
    """The random histories tell the three definitions apart: each gives another sum."""
    sums = dict(
        conn.execute(
            "select definition, sum(reached) from analytics.funnel_cohort where age_days is null group by definition"
        ).fetchall()
    )
    assert 0 < sums["strict"] < sums["actual"] < sums["implied"]


def test_velocity_is_the_one_counted_by_hand(
    conn: psycopg.Connection[Any], known: cohort_figures.World
) -> None:
    """Every figure of each month of closing agrees, currency by currency."""
    expected = outcome_figures.velocity(known)
    keys = ("portal", "entity_type", "category_id", "currency_id", "closed_month")
    found = {tuple(row[key] for key in keys): row for row in _rows(conn, "sales_velocity")}
    assert set(found) == set(expected)
    digits = {"win_rate": 6, "win_rate_by_amount": 6, "median_cycle_days": 4, "mean_cycle_days": 4}
    for key, row in found.items():
        for name, value in expected[key].items():
            assert _close(row[name], value, digits.get(name, 2)), (key, name, row[name], value)


def test_losses_are_the_ones_counted_by_hand(
    conn: psycopg.Connection[Any], known: cohort_figures.World
) -> None:
    """Each stage before a loss has its count, share and amounts."""
    expected = outcome_figures.losses(known)
    keys = ("portal", "entity_type", "category_id", "status_id")
    found = {tuple(row[key] for key in keys): row for row in _rows(conn, "loss_stage")}
    assert set(found) == set(expected)
    for key, row in found.items():
        figures = expected[key]
        amounts = {name: float(value) for name, value in figures["amounts"].items()}
        assert row["lost"] == figures["lost"]
        assert _close(row["share"], figures["share"], 6)
        assert {name: float(value) for name, value in row["amounts_by_currency"].items()} == amounts
        if len(amounts) > 1:
            assert (row["amount_lost"], row["currency_id"]) == (None, None)
        else:
            assert float(row["amount_lost"]) == sum(amounts.values())
            assert row["currency_id"] == next((name for name in amounts if name != "XXX"), None)


def test_won_revenue_is_the_one_counted_by_hand(
    conn: psycopg.Connection[Any], known: cohort_figures.World
) -> None:
    """Each deal won now is there once, with when it was won, its amount and currency."""
    columns = ("portal", "entity_id", "category_id", "won_at", "day", "amount", "currency_id")
    found = [tuple(row[name] for name in columns) for row in _rows(conn, "won_revenue")]
    assert len(found) == len(set(found))
    assert set(found) == outcome_figures.won_deals(known)


def test_ledger_is_the_one_counted_by_hand(
    conn: psycopg.Connection[Any], known: cohort_figures.World
) -> None:
    """What is booked and reversed agrees day by day, deleted deals included."""
    keys = ("portal", "category_id", "currency_id", "day")
    figures = ("booked_deals", "booked_amount", "reversed_deals", "reversed_amount")
    found = {
        tuple(row[key] for key in keys): [row[name] for name in figures]
        for row in _rows(conn, "won_revenue_daily")
    }
    assert found == outcome_figures.ledger(known)
    assert sum(row[2] for row in found.values()) > 0


def test_facts_tell_when_each_closed_and_how_often_it_was_reopened(
    conn: psycopg.Connection[Any], known: cohort_figures.World
) -> None:
    """Of every lead and deal alive, with the time of its present stage; the histories have some of each kind."""
    closed = {id(one.entity): one.closed for one in outcome_figures.closings(known)}
    expected = {
        (entity.portal, entity.entity_type, entity.number): (
            entity.way[-1][1],
            closed.get(id(entity)),
            outcome_figures.reopened(known, entity),
        )
        for entity in known.alive()
    }
    found = conn.execute(
        "select portal, entity_type, entity_id, stage_entered_at, closed_at, reopened_count from analytics.fct_deal"
        " union all"
        " select portal, entity_type, entity_id, stage_entered_at, closed_at, reopened_count from analytics.fct_lead"
    ).fetchall()
    assert {tuple(row[:3]): tuple(row[3:]) for row in found} == expected
    assert {1, 0} <= {row[5] for row in found} and None in {row[4] for row in found}


def test_facts_tell_the_days_of_creation_and_closing_by_the_portals_clock(
    conn: psycopg.Connection[Any], known: cohort_figures.World
) -> None:
    """Of every lead and deal alive, in two time zones; won deals have the day that the revenue has."""
    closed = {id(one.entity): one.closed for one in outcome_figures.closings(known)}
    expected = {}
    for entity in known.alive():
        moment = closed.get(id(entity))
        expected[entity.portal, entity.entity_type, entity.number] = (
            entity.created.astimezone(entity.zone).date(),
            moment and moment.astimezone(entity.zone).date(),
        )
    found = conn.execute(
        "select portal, entity_type, entity_id, created_day, closed_day, closed_at from analytics.fct_deal union all"
        " select portal, entity_type, entity_id, created_day, closed_day, closed_at from analytics.fct_lead"
    ).fetchall()
    assert {tuple(row[:3]): tuple(row[3:5]) for row in found} == expected
    assert any(row[5] and row[4] != row[5].astimezone(UTC).date() for row in found)
    ((others,),) = conn.execute(
        "select count(*) from analytics.won_revenue as revenue"
        " inner join analytics.fct_deal as deal using (portal, entity_type, entity_id)"
        " where revenue.day is distinct from deal.closed_day"
    ).fetchall()
    assert others == 0


def test_facts_name_pipelines_and_stages_as_other_marts_do(conn: psycopg.Connection[Any]) -> None:
    """One query text goes for all marts: `category_name` and `status_name` are the names of `dim_stage`."""
    for mart in ("fct_deal", "fct_lead"):
        ((rows, others),) = conn.execute(
            "select count(*), count(*) filter (where fact.category_name is distinct from stage.category_name"
            " or fact.status_name is distinct from stage.status_name or fact.pipeline_name <> fact.category_name"
            f" or fact.stage_name <> fact.status_name) from analytics.{mart} as fact"
            " inner join analytics.dim_stage as stage using (portal, entity_type, category_id, status_id)"
        ).fetchall()
        assert rows > 0
        assert others == 0
