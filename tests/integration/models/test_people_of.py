"""What each responsible person has open, won and lost."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from psycopg import errors
from psycopg.rows import dict_row

from b24_pipeline.models import build, load_project
from b24_pipeline.store.database.warehouse import Warehouse
from tests.conftest import Server
from tests.support.data import model_data

DEALS = """
select
    assigned_by_id, category_id, is_won, is_lost, opportunity, coalesce(currency_id, 'XXX') as currency_id,
    (closed_at at time zone time_zone)::date as closed_on,
    extract(epoch from closed_at - date_create) / 86400 as days
from analytics.fct_deal join analytics.dim_portal using (portal) where portal = 'acme'
"""


@pytest.fixture(scope="module")
def connection(server: Server) -> Iterator[psycopg.Connection[Any]]:
    """Two portals, whose deals have three persons and some nobody; the tests only read."""
    url = server.fresh()
    warehouse = Warehouse(url)
    with warehouse.connect() as opened:
        model_data.populate(opened, 7, entities=90)
        opened.execute("update bitrix24_deals set assigned_by_id = nullif(id % 4, 0)")
    build(warehouse.connect, load_project(), with_tests=False)
    with warehouse.connect() as opened:
        yield opened
    warehouse.close()
    server.drop(url)


def rows(connection: psycopg.Connection[Any], query: str, *given: Any) -> list[dict[str, Any]]:
    """The rows of a query."""
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(query, given).fetchall()


def median(values: list[Decimal]) -> Decimal | None:
    """The one in the middle, or between the two in the middle."""
    ordered = sorted(values)
    middle = len(ordered) // 2
    if not ordered:
        return None
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2


@pytest.mark.parametrize("days", [None, (0, 8), (5, 5)])
@pytest.mark.parametrize("pipeline", [None, 0, 1])
def test_each_person_has_what_fct_deal_says(
    connection: psycopg.Connection[Any], days: tuple[int, int] | None, pipeline: int | None
) -> None:
    """Recounted deal by deal: open of now, won and lost by the day of closing."""
    first, last = ((model_data.START + timedelta(days=day)).date() for day in days) if days else (None, None)
    found = rows(
        connection, "select * from analytics.people_of('acme', 'deal', %s, %s, %s)", first, last, pipeline
    )
    deals = [deal for deal in rows(connection, DEALS) if pipeline in (None, deal["category_id"])]
    assert found
    for person in found:
        own = [deal for deal in deals if deal["assigned_by_id"] == person["assigned_by_id"]]
        open_now = [deal for deal in own if not deal["is_won"] and not deal["is_lost"]]
        closed = [
            deal for deal in own if deal["closed_on"] and (not first or first <= deal["closed_on"] <= last)
        ]
        won = [deal for deal in closed if deal["is_won"]]
        lost = [deal for deal in closed if deal["is_lost"] and not deal["is_won"]]
        assert (person["open"], person["won"], person["lost"]) == (len(open_now), len(won), len(lost))
        rate = round(Decimal(len(won)) / (len(won) + len(lost)), 6) if won or lost else None
        assert person["win_rate"] == rate
        for name, among in (("open_by_currency", open_now), ("won_by_currency", won)):
            sums: dict[str, Decimal] = {}
            for deal in among:
                if deal["opportunity"] is not None:
                    sums[deal["currency_id"]] = (
                        sums.get(deal["currency_id"], Decimal(0)) + deal["opportunity"]
                    )
            assert {key: Decimal(str(value)) for key, value in person[name].items()} == sums
        expected = median([deal["days"] for deal in won])
        assert (person["median_days_to_win"] is None) == (expected is None)
        assert expected is None or abs(person["median_days_to_win"] - expected) < Decimal("0.001")
    assert sum(person["open"] for person in found) == sum(
        not deal["is_won"] and not deal["is_lost"] for deal in deals
    )


def test_what_cannot_be_asked_is_said(connection: psycopg.Connection[Any]) -> None:
    """Another entity is an error; an unknown portal has no rows."""
    assert rows(connection, "select * from analytics.people_of('nobody', 'deal')") == []
    with (
        pytest.raises(errors.InvalidParameterValue, match="lead or deal, not contact"),
        connection.transaction(),
    ):
        rows(connection, "select * from analytics.people_of('acme', 'contact')")
