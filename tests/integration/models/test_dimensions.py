"""Dimensions and labels: people, departments, companies, sources, currencies, days."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import psycopg
import pytest

from b24_pipeline.models import build, load_project
from b24_pipeline.store.database.warehouse import Warehouse
from tests.conftest import Server
from tests.support.data import model_data

ROWS = """
insert into bitrix24_users (user_account_id, id, active, name, last_name, email, uf_department)
select id, user_id, user_id <> 8, 'Ann', 'No ' || user_id, 'ann@example.com', departments::jsonb
from user_accounts cross join (values (7, '[3, 1]'), (8, '["3"]'), (9, '[]'), (10, '{"a": 1}'), (11, '["x"]')) as u (
    user_id, departments
)
where user_accounts.name = 'acme';
insert into bitrix24_departments (user_account_id, id, name, sort, parent, uf_head, deleted_at)
select id, department_id, department_name, 500, parent, head, case when department_id = 5 then now() end
from user_accounts cross join (
    values (1, 'All', null, 7), (3, 'Sales', 1, null), (4, 'North', 3, null), (5, 'Gone', 77, null), (6, 'A', 8, null),
    (8, 'B', 6, null)
) as d (department_id, department_name, parent, head)
where user_accounts.name = 'acme';
insert into bitrix24_currencies (user_account_id, currency, full_name, amount, amount_cnt, base)
select id, currency, currency, amount, units, base
from user_accounts cross join (
    values ('RUB', 1, 1, true), ('USD', 92.5, 1, false), ('KZT', 19.4, 100, false), ('EUR', null, 1, false)
) as c (currency, amount, units, base)
where user_accounts.name = 'acme';
insert into bitrix24_companies (user_account_id, id, title, company_type, deleted_at)
select id, company_id, 'Firm ' || company_id, 'CUSTOMER', case when company_id = 2 then now() end
from user_accounts cross join generate_series(1, 2) as company_id
where user_accounts.name = 'acme';
insert into bitrix24_statuses (user_account_id, directory, status_id, name, sort, deleted_at)
select id, directory, code, label, 10, case when code = 'FAIR' then now() end
from user_accounts cross join (
    values ('SOURCE', 'WEB', 'Site'), ('SOURCE', 'FAIR', 'Trade fair'), ('DEAL_TYPE', 'SALE', 'Sale'),
    ('COMPANY_TYPE', 'CUSTOMER', 'Customer')
) as s (directory, code, label)
where user_accounts.name = 'acme';
insert into bitrix24_leads (user_account_id, id, status_id, date_create, deleted_at)
select id, 900, 'C0:S1', '2026-01-02 03:04:05+00', now() from user_accounts where name = 'acme';
update bitrix24_deals set
    assigned_by_id = case when id % 2 = 0 then 7 else 8 end, company_id = 1 + id % 2, type_id = 'SALE',
    source_id = 'FAIR', opportunity = 100, lead_id = 900,
    currency_id = (array['RUB', 'USD', 'KZT', 'EUR', 'GBP'])[1 + id % 5],
    last_activity_time = '2026-02-03 04:05:06+00', probability = 70, is_return_customer = true, created_by_id = 7,
    moved_by_id = 8;
update bitrix24_leads set last_activity_time = '2026-02-03 04:05:06+00', created_by_id = 9, moved_by_id = 10;
"""


@pytest.fixture(scope="module")
def conn(server: Server) -> Iterator[psycopg.Connection[Any]]:
    """Random deals with people, departments and companies, and built models; the tests only read."""
    url = server.fresh()
    warehouse = Warehouse(url)
    with warehouse.connect() as conn:
        model_data.populate(conn, 1, entities=20)
        conn.execute(ROWS)
    build(warehouse.connect, load_project())
    with warehouse.connect() as conn:
        yield conn
    warehouse.close()
    server.drop(url)


def test_users_have_their_first_department_and_no_address(conn: psycopg.Connection[Any]) -> None:
    """Whatever the portal sends as departments; dismissed users stay, e-mail addresses are not shown."""
    found = conn.execute(
        "select user_id, user_name, department_id, department_name, is_active from analytics.dim_user order by user_id"
    ).fetchall()
    assert found == [
        (7, "Ann No 7", 3, "Sales", True),
        (8, "Ann No 8", 3, "Sales", False),
        (9, "Ann No 9", None, None, True),
        (10, "Ann No 10", None, None, True),
        (11, "Ann No 11", None, None, True),
    ]
    columns = conn.execute("select * from analytics.dim_user limit 0").description
    assert columns and not [column.name for column in columns if "mail" in column.name]


def test_departments_know_what_is_above_them(conn: psycopg.Connection[Any]) -> None:
    """Also one whose parent is not known; two that are each a part of the other have an end."""
    found = conn.execute(
        "select department_id, department_path, department_level, head_name, is_deleted from analytics.dim_department"
        " where department_id < 6 order by department_id"
    ).fetchall()
    assert found == [
        (1, "All", 1, "Ann No 7", False),
        (3, "All / Sales", 2, None, False),
        (4, "All / Sales / North", 3, None, False),
        (5, "Gone", 1, None, True),
    ]
    assert conn.execute("select count(*) from analytics.dim_department").fetchall() == [(6,)]


def test_companies_sources_and_types_have_their_labels(conn: psycopg.Connection[Any]) -> None:
    """Labels that were deleted keep their name; a company that was deleted still names its deals."""
    assert conn.execute(
        "select company_id, company_name, company_type_name from analytics.dim_company"
    ).fetchall() == [(1, "Firm 1", "Customer")]
    assert conn.execute(
        "select source_id, source_name, is_deleted from analytics.dim_source order by source_id"
    ).fetchall() == [("FAIR", "Trade fair", True), ("WEB", "Site", False)]
    assert conn.execute(
        "select distinct company_name, type_name, source_name, department_name from analytics.fct_deal"
        " where portal = 'acme' order by 1"
    ).fetchall() == [("Firm 1", "Sale", "Trade fair", "Sales"), ("Firm 2", "Sale", "Trade fair", "Sales")]


def test_amounts_in_the_base_currency_stand_beside_the_original(conn: psycopg.Connection[Any]) -> None:
    """By the rate for one unit; none where the portal has no rate or does not know the currency."""
    found = conn.execute(
        "select distinct currency_id, opportunity, opportunity_in_base, base_currency_id from analytics.fct_deal"
        " where portal = 'acme' order by currency_id"
    ).fetchall()
    assert found == [
        ("EUR", 100, None, "RUB"),
        ("GBP", 100, None, "RUB"),
        ("KZT", 100, Decimal("19.40"), "RUB"),
        ("RUB", 100, Decimal("100.00"), "RUB"),
        ("USD", 100, Decimal("9250.00"), "RUB"),
    ]
    rates = dict(conn.execute("select currency_id, currency_rate from analytics.dim_currency").fetchall())
    assert rates == {"RUB": 1, "USD": Decimal("92.5"), "KZT": Decimal("0.194"), "EUR": None}
    other = (
        "select distinct opportunity_in_base, base_currency_id from analytics.fct_deal where portal <> 'acme'"
    )
    assert conn.execute(other).fetchall() == [(None, None)]


def test_deals_know_when_their_lead_came_also_when_it_is_gone(conn: psycopg.Connection[Any]) -> None:
    """So that the time from lead to deal is one query."""
    (row,) = conn.execute(
        "select distinct lead_date_create at time zone 'UTC' from analytics.fct_deal where portal = 'acme'"
    ).fetchall()
    assert str(row[0]) == "2026-01-02 03:04:05"


def test_facts_tell_the_last_activity_and_who_made_and_moved_each(conn: psycopg.Connection[Any]) -> None:
    """As the portal has them, for deals with how likely they are and whether the customer has bought before."""
    deals = conn.execute(
        "select distinct last_activity_time at time zone 'UTC' as last, probability, is_return_customer, created_by_id,"
        " moved_by_id from analytics.fct_deal"
    ).fetchall()
    assert [(str(row[0]), *row[1:]) for row in deals] == [("2026-02-03 04:05:06", 70, True, 7, 8)]
    leads = conn.execute(
        "select distinct last_activity_time at time zone 'UTC' as last, created_by_id, moved_by_id"
        " from analytics.fct_lead"
    ).fetchall()
    assert [(str(row[0]), *row[1:]) for row in leads] == [("2026-02-03 04:05:06", 9, 10)]


def test_portals_say_until_when_the_copy_is_complete(conn: psycopg.Connection[Any]) -> None:
    """The slower of what the portal counts; nothing where one of them was never read to the end."""
    read = "insert into bitrix24_cursors (user_account_id, entity_type, watermark) select id, %s, %s from user_accounts"
    told = (
        "select portal, (complete_until at time zone 'UTC')::text from analytics.dim_portal order by portal"
    )
    with conn.transaction(force_rollback=True):
        assert conn.execute(told).fetchall() == [("acme", None), ("büro", None)]
        conn.execute(read, ("deal", "2026-02-03 04:00:00+00"))
        conn.execute(read, ("contact", "2026-01-01 00:00:00+00"))
        conn.execute("update user_accounts set bitrix24_entity_type = 'deal' where name = 'büro'")
        assert conn.execute(told).fetchall() == [("acme", None), ("büro", "2026-02-03 04:00:00")]
        conn.execute(read, ("lead", None))
        assert conn.execute(told).fetchall() == [("acme", None), ("büro", "2026-02-03 04:00:00")]
        conn.execute(
            "update bitrix24_cursors set watermark = '2026-02-03 01:00:00+00' where entity_type = 'lead'"
        )
        assert conn.execute(told).fetchall() == [
            ("acme", "2026-02-03 01:00:00"),
            ("büro", "2026-02-03 04:00:00"),
        ]


def test_every_day_is_there_once_a_portal(conn: psycopg.Connection[Any]) -> None:
    """Without a hole, to the end of the year after next."""
    found = conn.execute(
        "select portal, count(*) = max(day) - min(day) + 1, min(day)::text, max(day) > now() + interval '2 years'"
        " from analytics.dim_date group by portal order by portal"
    ).fetchall()
    assert found == [(portal, True, "2012-01-01", True) for portal in ("acme", "büro")]
    assert conn.execute(
        "select quarter, month::text, week::text, iso_year, iso_week, weekday, is_weekend from analytics.dim_date"
        " where day = '2027-01-03' and portal = 'acme'"
    ).fetchall() == [(1, "2027-01-01", "2026-12-28", 2026, 53, 7, True)]


def test_tables_that_are_not_asked_for_are_not_read(conn: psycopg.Connection[Any]) -> None:
    """A count of deals by stage waits neither for companies nor for journeys."""
    plan = "\n".join(
        str(row[0])
        for row in conn.execute(
            "explain select status_id, count(*) from analytics.fct_deal where is_won group by status_id"
        ).fetchall()
    )
    assert "bitrix24_deals" in plan
    unwanted = ("int_journey", "bitrix24_companies", "bitrix24_leads")
    assert [name for name in (*unwanted, "SubPlan") if name in plan] == []
