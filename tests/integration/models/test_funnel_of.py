"""The funnel of some of the leads or deals: by creation, source, person, campaign, qualification, and moment."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from psycopg import errors
from psycopg.rows import dict_row

from b24_pipeline.models import build, load_project
from b24_pipeline.store.database.warehouse import Warehouse
from tests.conftest import Server
from tests.support.data import model_data

PROJECT = load_project()
STANDARD = (
    "in_stage",
    "amounts_by_currency",
    "entered",
    "reached",
    "reached_implied",
    "reached_strict",
    "qualified",
)
FUNNELS = [(portal, entity_type) for portal in ("acme", "büro") for entity_type in ("lead", "deal")]


def fill(url: str) -> None:
    """Two portals with leads and deals of several sources, persons and months, and their figures."""
    warehouse = Warehouse(url)
    with warehouse.connect() as opened:
        model_data.populate(opened, 5, entities=80)
        for table in ("bitrix24_leads", "bitrix24_deals"):
            opened.execute(
                f"update {table} set source_id = (array['CALL', 'WEB'])[1 + id % 2],"
                " assigned_by_id = id % 3, utm_campaign = (array['spring', '', null])[1 + id % 3],"
                " date_create = date_create - make_interval(days => (id % 4)::integer * 20)"
            )
    build(warehouse.connect, PROJECT, with_tests=False)
    warehouse.close()


def filled(server: Server) -> str:
    """A database filled so."""
    return server.prepared("funnels of several sources, persons and months", fill)


@pytest.fixture(scope="module")
def connection(server: Server) -> Iterator[psycopg.Connection[Any]]:
    """One for the tests that only read."""
    url = filled(server)
    warehouse = Warehouse(url)
    with warehouse.connect() as opened:
        yield opened
    warehouse.close()
    server.drop(url)


@pytest.fixture
def database_url(server: Server) -> Iterator[str]:
    """A copy for a test that changes what is there."""
    url = filled(server)
    yield url
    server.drop(url)


@pytest.fixture
def changed(warehouse: Warehouse) -> Iterator[psycopg.Connection[Any]]:
    """A connection to it."""
    with warehouse.connect() as opened:
        yield opened


def rows(connection: psycopg.Connection[Any], query: str, *given: Any) -> list[dict[str, Any]]:
    """The rows of a query."""
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(query, given).fetchall()


def funnel(
    connection: psycopg.Connection[Any], portal: str, entity_type: str, **filters: Any
) -> list[dict[str, Any]]:
    """The rows of the function with these filters."""
    named = "".join(f", {name} => %s" for name in filters)
    query = f"select * from analytics.funnel_of(%s, %s{named})"
    return rows(connection, query, portal, entity_type, *filters.values())


def figures(found: Sequence[dict[str, Any]], names: Sequence[str]) -> dict[tuple[int, str], tuple[Any, ...]]:
    """Columns by pipeline and stage."""
    return {(row["category_id"], row["status_id"]): tuple(row[name] for name in names) for row in found}


@pytest.mark.parametrize(("portal", "entity_type"), FUNNELS)
def test_without_filters_it_is_the_whole_funnel(
    connection: psycopg.Connection[Any], portal: str, entity_type: str
) -> None:
    """Figure by figure that of funnel_stats."""
    whole = rows(
        connection,
        "select * from analytics.funnel_stats where portal = %s and entity_type = %s",
        portal,
        entity_type,
    )
    assert sum(row["reached"] for row in whole) > 50
    found = figures(funnel(connection, portal, entity_type), STANDARD)
    assert found == figures(whole, STANDARD)
    for category in {category for category, _ in found}:
        alone = figures(funnel(connection, portal, entity_type, pipeline=category), STANDARD)
        assert alone == {key: row for key, row in found.items() if key[0] == category}


@pytest.mark.parametrize(("portal", "entity_type"), FUNNELS)
def test_of_a_month_it_is_the_cohort(
    connection: psycopg.Connection[Any], portal: str, entity_type: str
) -> None:
    """All three definitions are those of funnel_cohort; a month without a stage's row has reached nothing."""
    cohorts = rows(
        connection,
        "select * from analytics.funnel_cohort where portal = %s and entity_type = %s and age_days is null",
        portal,
        entity_type,
    )
    months = {row["cohort_month"] for row in cohorts}
    assert len(months) > 1
    for month in months:
        last = (month + timedelta(days=32)).replace(day=1) - timedelta(days=1)
        found = funnel(connection, portal, entity_type, first_day=month, last_day=last)
        for definition, name in (
            ("actual", "reached"),
            ("implied", "reached_implied"),
            ("strict", "reached_strict"),
        ):
            expected = {
                (row["category_id"], row["status_id"]): row["reached"]
                for row in cohorts
                if row["cohort_month"] == month and row["definition"] == definition and row["reached"]
            }
            counted = {key: count for key, (count,) in figures(found, [name]).items() if count}
            assert counted == expected


@pytest.mark.parametrize(
    "filters",
    [
        {"source_id": "WEB"},
        {"assigned_by_id": 1, "is_qualified": False},
        {"source_id": "CALL", "utm_campaign": "spring", "is_qualified": True},
    ],
    ids=str,
)
def test_filters_leave_those_that_fulfil_all_of_them(
    warehouse: Warehouse, changed: psycopg.Connection[Any], filters: dict[str, Any]
) -> None:
    """The same as the whole funnel once all others are deleted."""
    connection = changed
    found = figures(funnel(connection, "acme", "deal", **filters), STANDARD)
    assert sum(reached for _, _, _, reached, *_ in found.values()) > 0
    wanted = " and ".join(f"deal.{name} = %s" for name in filters)
    connection.execute(
        "update bitrix24_deals set deleted_at = now() where deleted_at is null and id not in (select deal.entity_id"
        f" from analytics.fct_deal as deal where deal.portal = 'acme' and {wanted})",
        list(filters.values()),
    )
    connection.commit()
    build(warehouse.connect, PROJECT, with_tests=False)
    whole = rows(
        connection, "select * from analytics.funnel_stats where portal = 'acme' and entity_type = 'deal'"
    )
    expected = figures(whole, STANDARD)
    assert {key: found[key] for key in expected} == expected
    assert all(found[key] == (0, {}, 0, 0, 0, 0, 0) for key in set(found) - set(expected))


def test_a_filter_that_nobody_fulfils_leaves_nobody(connection: psycopg.Connection[Any]) -> None:
    """Every stage stands there with nothing."""
    found = funnel(connection, "acme", "deal", source_id="NOSUCH")
    assert len(found) > 5
    assert {row["reached"] for row in found} == {0}


def test_at_a_moment_it_is_the_funnel_as_of(warehouse: Warehouse, changed: psycopg.Connection[Any]) -> None:
    """Without other filters the same as funnel_as_of, over all whose history ends where they stand."""
    connection = changed
    for table, entity_type, stage in (
        ("bitrix24_leads", "lead", "status_id"),
        ("bitrix24_deals", "deal", "stage_id"),
    ):
        connection.execute(
            f"update {table} as entity set deleted_at = now() from user_accounts as account"
            " where account.id = entity.user_account_id and entity.deleted_at is null and not exists ("
            "  select from analytics.fct_stage_interval as visit"
            f"  where visit.portal = account.name and visit.entity_type = '{entity_type}'"
            f"   and visit.entity_id = entity.id and visit.exited_at is null and visit.status_id = entity.{stage})"
        )
    connection.commit()
    build(warehouse.connect, PROJECT, with_tests=False)
    names = ("in_stage", "reached", "amounts_by_currency")
    for days in (-1, 0, 3, 9, 20):
        moment = model_data.START + timedelta(days=days, hours=5)
        for portal, entity_type in FUNNELS:
            expected = rows(
                connection, "select * from analytics.funnel_as_of(%s, %s, %s)", portal, entity_type, moment
            )
            found = funnel(connection, portal, entity_type, ts=moment)
            assert figures(found, names) == figures(expected, names)


def test_what_cannot_be_asked_is_said(connection: psycopg.Connection[Any]) -> None:
    """Another entity is an error; an unknown portal has no rows."""
    assert funnel(connection, "nobody", "deal") == []
    with (
        pytest.raises(errors.InvalidParameterValue, match="lead or deal, not contact"),
        connection.transaction(),
    ):
        funnel(connection, "acme", "contact")


def test_before_the_models_are_built_it_says_so(server: Server) -> None:
    """With what to do."""
    url = server.fresh()
    with psycopg.connect(url) as opened, pytest.raises(errors.UndefinedTable, match="not built yet"):
        funnel(opened, "acme", "deal")
    server.drop(url)
