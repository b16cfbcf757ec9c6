"""The funnel as it stood at a moment."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pandas as pd
import psycopg
import pytest
from psycopg import errors

from b24_pipeline.models import build, load_project
from b24_pipeline.paths import bundled
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


def test_amounts_are_those_of_now_of_who_was_there_then(warehouse: Warehouse) -> None:
    """Currency by currency, also where the stage stands for several; in the base currency only with all rates.

    Where nobody is, or nobody has an amount, it is none of the base currency: 0.
    """
    with warehouse.connect() as conn:
        model_data.populate(conn, 1, entities=60)
        conn.execute(
            "insert into bitrix24_currencies (user_account_id, currency, amount, amount_cnt, base)"
            " select id, code, rate, 1, code = 'RUB' from user_accounts"
            " cross join (values ('RUB', 1), ('USD', 90)) as c (code, rate) where name = 'acme'"
        )
    build(warehouse.connect, PROJECT, with_tests=False)
    with warehouse.connect() as conn:
        visits = model_figures.visits(conn)
        amounts = _amounts(conn, "acme")
        for moment in MOMENTS:
            found = conn.execute(
                "select category_id, status_id, amounts_by_currency, amount_in_stage, currency_id, amount_in_base,"
                " base_currency_id from analytics.funnel_as_of('acme', 'deal', %s)",
                (moment,),
            ).fetchall()
            expected = _worth(visits[visits["portal"] == "acme"], amounts, moment)
            for category, status, by_currency, amount, currency, in_base, base_currency in found:
                there = expected.get((category, status), {})
                assert {name: Decimal(str(value)) for name, value in by_currency.items()} == there
                assert amount == (None if len(there) > 1 else next(iter(there.values()), 0))
                assert currency == (next(iter(there)) if len(there) == 1 and "XXX" not in there else None)
                rates = {"RUB": 1, "USD": 90}
                assert in_base is None or in_base == sum(rates[name] * value for name, value in there.items())
                assert (in_base is None) == (not set(there) <= set(rates))
                assert base_currency == "RUB"


def _amounts(conn: psycopg.Connection[Any], portal: str) -> dict[int, tuple[str, Decimal]]:
    """Currency and amount of each deal that has one."""
    rows = conn.execute(
        "select d.id, coalesce(d.currency_id, 'XXX'), d.opportunity from bitrix24_deals d"
        " join user_accounts a on a.id = d.user_account_id where a.name = %s and d.opportunity is not null",
        (portal,),
    ).fetchall()
    return {number: (currency, amount) for number, currency, amount in rows}


def _worth(
    visits: pd.DataFrame, amounts: dict[int, tuple[str, Decimal]], moment: datetime
) -> dict[tuple[int, str], dict[str, Decimal]]:
    """Sums by stage and currency of the deals that were there at the moment."""
    found: dict[tuple[int, str], dict[str, Decimal]] = {}
    for visit in tuples(visits[visits["entity_type"] == "deal"]):
        stays = visit.entered_at <= moment and (pd.isna(visit.exited_at) or visit.exited_at > moment)
        if stays and visit.entity_id in amounts:
            currency, amount = amounts[visit.entity_id]
            there = found.setdefault((visit.category_id, visit.status_id), {})
            there[currency] = there.get(currency, Decimal()) + amount
    return found


def test_a_view_on_the_function_of_before_goes_on(warehouse: Warehouse) -> None:
    """The migration that added amounts renames the function that somebody's view reads."""
    before, after = (
        bundled("migrations").joinpath(name).read_text("utf-8").encode()
        for name in ("0017_funnel_as_of.sql", "0035_funnel_as_of_with_amounts.sql")
    )
    with warehouse.connect() as conn:
        model_data.populate(conn, 3, entities=5)
    build(warehouse.connect, PROJECT, with_tests=False)
    with warehouse.connect() as conn:
        conn.execute("drop function analytics.funnel_as_of")
        conn.execute(before)
        conn.execute("create view public.mine as select * from analytics.funnel_as_of('acme', 'deal', now())")
        seen = conn.execute("select * from public.mine").fetchall()
        conn.execute(after)
        assert conn.execute("select * from public.mine").fetchall() == seen
        found = conn.execute("select * from analytics.funnel_as_of('acme', 'deal', now())").fetchall()
        assert [row[:7] for row in found] == seen
    assert seen


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
    """Where nobody was deleted, the last moment of every fifth day of each portal has the day's in_stage_end."""
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
                where extract(day from d.day)::integer % 5 = 0
            ) as days
            cross join lateral analytics.funnel_as_of(days.portal, days.entity_type, days.ends_at) as funnel
            join analytics.funnel_daily as daily
                on daily.portal = days.portal and daily.entity_type = days.entity_type and daily.day = days.day
                and daily.category_id = funnel.category_id and daily.status_id = funnel.status_id
            """
        ).fetchone() or (None, None)
    assert wrong == 0
    assert compared and compared > 100


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
