"""The funnel as it stood at a moment."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pandas as pd
import psycopg
import pytest
from psycopg import errors

from b24_pipeline.models import build, load_project
from b24_pipeline.store.database.warehouse import Warehouse
from tests.support.data import model_data
from tests.support.expected import model_figures
from tests.support.frames import groups, tuples

PROJECT = load_project()
MOMENTS = [model_data.START + timedelta(days=day, hours=7 * day) for day in (-1, 0, 3, 9, 20, 45)]


def as_of(
    conn: psycopg.Connection[Any], portal: str, entity_type: str, moment: datetime
) -> dict[tuple[int, str], tuple[int, int]]:
    """(in_stage, reached) by pipeline and stage."""
    rows = conn.execute(
        "select category_id, status_id, in_stage, reached from analytics.funnel_as_of(%s, %s, %s)",
        (portal, entity_type, moment),
    ).fetchall()
    return {(category, status): (in_stage, reached) for category, status, in_stage, reached in rows}


def counted(visits: pd.DataFrame, moment: datetime) -> dict[tuple[int, str], tuple[int, int]]:
    """The same by looking at each visit, without the stages where nobody has been yet."""
    been: dict[tuple[int, str], set[int]] = {}
    there: dict[tuple[int, str], int] = {}
    for visit in tuples(visits):
        if visit.entered_at <= moment:
            stage = (visit.category_id, visit.status_id)
            been.setdefault(stage, set()).add(visit.entity_id)
            stays = pd.isna(visit.exited_at) or visit.exited_at > moment
            there[stage] = there.get(stage, 0) + stays
    return {stage: (there[stage], len(entities)) for stage, entities in been.items()}


@pytest.mark.parametrize("seed", [1, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(2, 6))])
def test_it_is_the_one_counted_by_hand(warehouse: Warehouse, seed: int) -> None:
    """At moments before, within and after the histories, of leads and deals, also after changes."""
    with warehouse.connect() as conn:
        model_data.populate(conn, seed, entities=60)
    build(warehouse.connect, PROJECT, with_tests=False)
    _compare_all(warehouse)
    with warehouse.connect() as conn:
        model_data.change(conn, seed)
    build(warehouse.connect, PROJECT, with_tests=False)
    _compare_all(warehouse)


def _compare_all(warehouse: Warehouse) -> None:
    with warehouse.connect() as conn:
        visits = model_figures.visits(conn)
        for (portal, entity_type), of_portal in groups(visits, ["portal", "entity_type"]).items():
            for moment in MOMENTS:
                found = as_of(conn, portal, entity_type, moment)
                assert {key: row for key, row in found.items() if row[1]} == counted(of_portal, moment)
                assert all(row == (0, 0) for row in found.values() if not row[1])


def test_every_stage_has_a_row_in_order(warehouse: Warehouse) -> None:
    """The stages are those of dim_stage, pipeline by pipeline, by sort."""
    with warehouse.connect() as conn:
        model_data.populate(conn, 3, entities=20)
    build(warehouse.connect, PROJECT, with_tests=False)
    with warehouse.connect() as conn:
        found = conn.execute(
            "select category_id, category_name, status_id, status_name, status_sort"
            " from analytics.funnel_as_of('acme', 'deal', now())"
        ).fetchall()
        expected = conn.execute(
            "select category_id, category_name, status_id, status_name, status_sort from analytics.dim_stage"
            " where portal = 'acme' and entity_type = 'deal' order by category_id, status_sort, status_id"
        ).fetchall()
    assert found == expected
    assert found


def test_at_the_end_of_a_day_it_is_the_daily_stock(warehouse: Warehouse) -> None:
    """Where nobody was deleted, the last moment of each portal's day has the day's in_stage_end."""
    with warehouse.connect() as conn:
        model_data.populate(conn, 4, entities=40)
        conn.execute("update bitrix24_deals set deleted_at = null")
        conn.execute("update bitrix24_leads set deleted_at = null")
    build(warehouse.connect, PROJECT, with_tests=False)
    with warehouse.connect() as conn:
        wrong, compared = conn.execute(
            """
            select count(*) filter (where daily.in_stage_end != funnel.in_stage), count(*)
            from (
                select distinct d.portal, d.entity_type, d.day,
                    (d.day + 1)::timestamp at time zone a.bitrix24_time_zone - interval '1 microsecond' as ends_at
                from analytics.funnel_daily d join user_accounts a on a.name = d.portal
            ) as days
            cross join lateral analytics.funnel_as_of(days.portal, days.entity_type, days.ends_at) as funnel
            join analytics.funnel_daily as daily
                on daily.portal = days.portal and daily.entity_type = days.entity_type and daily.day = days.day
                and daily.category_id = funnel.category_id and daily.status_id = funnel.status_id
            """
        ).fetchone() or (None, None)
    assert wrong == 0
    assert compared and compared > 500


def test_models_that_are_built_anew_are_found(warehouse: Warehouse) -> None:
    """A session that has called it before finds the tables that have taken the place of the old ones."""
    with warehouse.connect() as conn:
        model_data.populate(conn, 2, entities=20)
    build(warehouse.connect, PROJECT, with_tests=False)
    with warehouse.autocommit() as conn:
        before = as_of(conn, "acme", "deal", MOMENTS[4])
        conn.execute("drop view analytics.fct_stage_interval")
        conn.execute("drop table analytics.dim_stage")
        build(warehouse.connect, PROJECT, full_refresh=True, with_tests=False)
        assert as_of(conn, "acme", "deal", MOMENTS[4]) == before
    assert before


def test_models_that_were_never_built_are_told(warehouse: Warehouse) -> None:
    """The error says what to do."""
    with warehouse.connect() as conn, pytest.raises(errors.UndefinedTable) as told:
        as_of(conn, "acme", "deal", MOMENTS[0])
    assert told.value.diag.message_primary == "the models are not built yet"
    assert told.value.diag.message_hint == "Run `b24 models`."


def test_an_entity_type_that_does_not_exist_is_refused(warehouse: Warehouse) -> None:
    """A slip like `deals` gives an error and not an empty funnel."""
    with warehouse.connect() as conn, pytest.raises(errors.InvalidParameterValue, match="lead or deal"):
        as_of(conn, "acme", "deals", MOMENTS[0])


def test_as_of_no_moment_nobody_is_anywhere(warehouse: Warehouse) -> None:
    """Without a moment the stages are listed with zeros."""
    with warehouse.connect() as conn:
        model_data.populate(conn, 2, entities=10)
    build(warehouse.connect, PROJECT, with_tests=False)
    with warehouse.connect() as conn:
        rows = conn.execute(
            "select in_stage, reached from analytics.funnel_as_of('acme', 'lead', null)"
        ).fetchall()
    assert rows
    assert set(rows) == {(0, 0)}
