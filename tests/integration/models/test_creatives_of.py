"""What the own ad leads of some days have brought, by creative and by campaign."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import psycopg
import pytest
from psycopg import errors
from psycopg.rows import dict_row

from b24_pipeline.models import build, load_project
from b24_pipeline.store.database.warehouse import Warehouse
from tests.conftest import Server
from tests.support.data import model_data, own_data

OWN_LEADS = """
select
    own.id as own_lead_id, own.creative_id, own.utm_campaign, own.direction_id, own.bitrix24_deal_id as deal_id,
    (own.created_at at time zone portal.bitrix24_time_zone)::date as day, own.created_at,
    fact.entity_id, fact.is_won, fact.is_lost, fact.opportunity, coalesce(fact.currency_id, 'XXX') as currency_id
from leads as own
inner join user_accounts as portal on own.user_account_id = portal.id
left join analytics.fct_deal as fact on fact.portal = portal.name and fact.entity_id = own.bitrix24_deal_id
where portal.name = 'acme'
"""
FIRST = own_data.FIRST.date()


@pytest.fixture(scope="module")
def built(server: Server) -> Iterator[Warehouse]:
    """Two portals with own leads, in two campaigns and in none; nothing is changed."""
    url = server.fresh()
    warehouse = Warehouse(url)
    with warehouse.connect() as opened:
        model_data.populate(opened, 7, entities=90)
    build(warehouse.connect, load_project(), with_tests=False)
    yield warehouse
    warehouse.close()
    server.drop(url)


@pytest.fixture
def connection(built: Warehouse) -> Iterator[psycopg.Connection[Any]]:
    """A connection to them."""
    with built.connect() as opened:
        yield opened


def rows(connection: psycopg.Connection[Any], query: str, *given: Any) -> list[dict[str, Any]]:
    """The rows of a query."""
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(query, given).fetchall()


@pytest.mark.parametrize("entity_type", ["lead", "deal"])
@pytest.mark.parametrize("portal", ["acme", "büro"])
def test_without_days_it_is_creative_stats(
    connection: psycopg.Connection[Any], portal: str, entity_type: str
) -> None:
    """Row by row and column by column, digits of amounts too."""
    columns = (
        "creative_id, creative_name, direction_id, direction_name, leads, matched, qualified, entities, won, lost,"
        " revenue::text, currency_id, revenue_by_currency::text"
    )
    order = "order by creative_id, direction_id"
    found = rows(
        connection, f"select {columns} from analytics.creatives_of(%s, %s) {order}", portal, entity_type
    )
    mart = f"select {columns} from analytics.creative_stats where portal = %s and entity_type = %s {order}"
    assert found == rows(connection, mart, portal, entity_type)
    assert sum(row["won"] for row in found) > 0
    assert any(row["creative_id"] is None for row in found)


@pytest.mark.parametrize("entity_type", ["lead", "deal"])
def test_key_stages_are_those_of_key_stage_stats(
    connection: psycopg.Connection[Any], entity_type: str
) -> None:
    """Reached ever, by creative and direction; none where the direction has no such key stage."""
    expected: dict[tuple[Any, Any], dict[int, int]] = defaultdict(dict)
    for row in rows(
        connection,
        "select creative_id, direction_id, key_stage_index as place, sum(reached)::bigint as reached"
        " from analytics.key_stage_stats where portal = 'acme' and entity_type = %s group by 1, 2, 3",
        entity_type,
    ):
        expected[row["creative_id"], row["direction_id"]][row["place"]] = row["reached"]
    found = rows(connection, "select * from analytics.creatives_of('acme', %s)", entity_type)
    for row in found:
        reached = {place: row[f"key_stage_{place}"] for place in (1, 2, 3)}
        known = expected.get((row["creative_id"], row["direction_id"]), {})
        if row["leads"]:
            assert {place: number for place, number in reached.items() if number is not None} == known
    assert expected


@pytest.mark.parametrize("by", ["creative", "campaign"])
@pytest.mark.parametrize("days", [None, (0, 20), (3, 3), (40, 400)])
def test_days_and_campaigns_are_counted_lead_by_lead(
    connection: psycopg.Connection[Any], days: tuple[int, int] | None, by: str
) -> None:
    """Own leads by the day of the portal on which they were left; a deal for the earliest that it has come from."""
    first, last = (FIRST + timedelta(days=day) for day in days) if days else (date.min, date.max)
    own = rows(connection, OWN_LEADS)
    earliest: dict[int, Any] = {}
    for lead in sorted(own, key=lambda lead: (lead["created_at"], str(lead["own_lead_id"]))):
        if lead["entity_id"]:
            earliest.setdefault(lead["entity_id"], lead["own_lead_id"])
    column = "creative_id" if by == "creative" else "utm_campaign"
    groups: dict[tuple[Any, Any], list[dict[str, Any]]] = defaultdict(list)
    for lead in own:
        if first <= lead["day"] <= last:
            groups[lead[column], lead["direction_id"]].append(lead)
    found = rows(
        connection,
        "select * from analytics.creatives_of('acme', 'deal', %s, %s, null, %s)",
        first if days else None,
        last if days else None,
        by,
    )
    shown = {(row[column], row["direction_id"]): row for row in found if row["leads"]}
    assert len(shown) == sum(row["leads"] > 0 for row in found)
    assert set(shown) == set(groups)
    for key, leads in groups.items():
        counted = [lead for lead in leads if earliest.get(lead["entity_id"]) == lead["own_lead_id"]]
        assert shown[key]["leads"] == len(leads)
        assert shown[key]["matched"] == sum(lead["entity_id"] is not None for lead in leads)
        assert shown[key]["entities"] == len(counted)
        assert shown[key]["won"] == sum(lead["is_won"] for lead in counted)
        sums: dict[str, float] = defaultdict(float)
        for lead in counted:
            if lead["is_won"] and lead["opportunity"] is not None:
                sums[lead["currency_id"]] += float(lead["opportunity"])
        assert shown[key]["revenue_by_currency"] == pytest.approx(dict(sums))
    if days != (40, 400):
        assert shown


def test_one_direction_alone(connection: psycopg.Connection[Any]) -> None:
    """The rows are those of all, of this direction."""
    every = rows(connection, "select * from analytics.creatives_of('acme', 'deal')")
    direction = next(row["direction_id"] for row in every if row["direction_id"])
    found = rows(
        connection, "select * from analytics.creatives_of('acme', 'deal', direction => %s)", direction
    )
    assert found == [row for row in every if row["direction_id"] == direction]


def test_what_cannot_be_asked_is_said(connection: psycopg.Connection[Any]) -> None:
    """Another entity or group is an error; an unknown portal has no rows."""
    assert rows(connection, "select * from analytics.creatives_of('nobody', 'deal')") == []
    with pytest.raises(errors.InvalidParameterValue, match="lead or deal"), connection.transaction():
        rows(connection, "select * from analytics.creatives_of('acme', 'contact')")
    with pytest.raises(errors.InvalidParameterValue, match="creative or campaign"):
        rows(connection, "select * from analytics.creatives_of('acme', 'deal', by => 'form')")
