"""The figures in Python: `b24_pipeline.read`."""

from __future__ import annotations

import subprocess
import sys
from datetime import date, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pandas as pd
import pytest
import sqlalchemy

from b24_pipeline import read
from b24_pipeline.errors import WrongDates
from b24_pipeline.models import load_project
from b24_pipeline.store.database.warehouse import Warehouse
from tests.support.installation import fetch

ZONES = {"acme": ZoneInfo("Europe/Moscow"), "büro": ZoneInfo("America/Los_Angeles")}
KINDS = {
    "bigint": "Int64",
    "integer": "Int64",
    "text": "string",
    "uuid": "string",
    "boolean": "boolean",
    "double precision": "Float64",
    "numeric": "Float64 or object",
    "jsonb": "object",
    "timestamp with time zone": "datetime64[ns, UTC]",
    "date": "datetime64[ns]",
    "interval": "timedelta64[ns]",
}
AMOUNTS = {
    "opportunity",
    "opportunity_in_base",
    "currency_rate",
    "revenue",
    "amount",
    "amount_in_stage",
    "amount_lost",
    "won_amount",
    "lost_amount",
    "average_won_amount",
    "velocity_per_day",
    "booked_amount",
    "reversed_amount",
    "net_amount",
}


def test_every_mart_is_read_whole_and_typed(built: Warehouse, url: str) -> None:
    """Whatever models there are: each row and column, each with the type that its column in PostgreSQL has."""
    for name, model in load_project().models.items():
        if not model.is_mart:
            continue
        found = read.mart(name, url=url)
        told = read.columns(name, url=url)
        assert list(found.columns) == list(told["name"])
        assert len(found) == fetch(built, f"select count(*) as rows from analytics.{name}")[0]["rows"]
        for _, column in told.iterrows():
            dtype = str(found[column["name"]].dtype)
            if dtype != "category":
                assert dtype in KINDS.get(column["type"], "object").split(" or ") or "[us" in dtype, (
                    name,
                    column,
                    dtype,
                )


def test_amounts_are_exact_and_fractions_are_floats(url: str) -> None:
    """Every numeric column of every mart is one or the other, so that pandas can describe the fractions."""
    for name in read.marts(url=url)["name"]:
        found = read.mart(name, url=url)
        told = read.columns(name, url=url)
        numeric = set(told.loc[told["type"].str.startswith("numeric"), "name"])
        floats = {column for column in numeric if found[column].dtype == "Float64"}
        assert floats == numeric - AMOUNTS, name
    visits = read.stage_intervals(url=url)["duration_seconds"]
    assert visits.describe()["max"] == visits.nlargest(1).iloc[0] == visits.quantile(1.0) > 0


def test_values_are_those_of_the_table(built: Warehouse, url: str) -> None:
    """Row by row and column by column, nulls included."""
    found = read.deals(url=url).sort_values(["portal", "entity_id"])
    expected = fetch(built, 'select * from analytics.fct_deal order by portal collate "C", entity_id')
    assert len(found) == len(expected) > 50
    for row, other in zip(found.to_dict("records"), expected, strict=True):
        for name, value in other.items():
            if value is None:
                assert pd.isna(row[name]), name
            elif isinstance(value, date):
                assert row[name] == pd.Timestamp(value), name
            else:
                assert row[name] == value, name


def test_amounts_are_decimals(url: str) -> None:
    """To the last digit, also within JSON."""
    deals = read.deals(portal="acme", url=url).set_index("entity_id")
    assert repr(deals.loc[1, "opportunity"]) == "Decimal('100.10')"
    amounts = [
        one for row in read.funnel(portal="acme", url=url)["amounts_by_currency"] for one in row.values()
    ]
    assert amounts
    assert {type(one) for one in amounts} <= {Decimal, int}


def test_columns_of_few_values_are_categories(url: str) -> None:
    """In the order of the catalogue, whether all of them occur or not."""
    visits = read.stage_intervals(url=url)
    assert list(visits["entry_kind"].cat.categories) == [
        "create",
        "forward",
        "skip",
        "back",
        "pipeline_change",
        "reopen",
        "won",
        "lost",
    ]
    assert list(visits["portal"].cat.categories) == ["acme", "büro"]


def test_a_year_far_off_is_read(url: str) -> None:
    """Nanoseconds end in 2262; a date that a person typed wrong is no reason to fail."""
    deals = read.deals(portal="acme", url=url).set_index("entity_id")
    assert deals["closedate"].loc[2].year == 3024


def test_days_are_the_portals(built: Warehouse, url: str) -> None:
    """Both ends included, by each portal's own clock, whatever the session's is."""
    for portal, zone in ZONES.items():
        everything = read.stage_intervals(portal=portal, url=url)
        days = everything["entered_at"].dt.tz_convert(zone).dt.date
        first, last = sorted(set(days))[1], sorted(set(days))[-2]
        expected = everything[(days >= first) & (days <= last)]
        assert 0 < len(expected) < len(everything)
        for ends in ((first, last), (str(first), str(last)), (pd.Timestamp(first), pd.Timestamp(last))):
            found = read.stage_intervals(portal=portal, entered_from=ends[0], entered_to=ends[1], url=url)
            visits = ["entity_type", "entity_id", "visit_number"]
            assert set(found[visits].itertuples(index=False)) == set(expected[visits].itertuples(index=False))
    created = read.deals(url=url)["date_create"].min().astimezone(ZONES["acme"]).date()
    assert len(read.deals(portal="acme", created_from=created, url=url)) > 0
    assert len(read.leads(portal="acme", created_to=created - timedelta(days=30), url=url)) == 0


def test_days_of_a_mart_by_day(url: str) -> None:
    """A column of days is compared as it is."""
    daily = read.mart("funnel_daily", portal="acme", entity_type="deal", url=url)
    day = sorted(daily["day"].unique())[3]
    found = read.mart("funnel_daily", portal="acme", entity_type="deal", date_from=day, date_to=day, url=url)
    assert len(found) == int((daily["day"] == day).sum()) > 0
    assert set(found["entity_type"]) == {"deal"}


def test_funnel_is_in_order(url: str) -> None:
    """Pipeline by pipeline and stage by stage; one of them if asked for."""
    found = read.funnel(portal="acme", entity_type="deal", url=url)
    assert found["category_id"].is_monotonic_increasing
    for _, stages in found.groupby("category_id"):
        assert stages["status_sort"].dropna().is_monotonic_increasing
    for named in (7, "7", " pipeline 7"):  # a number, or a name as `b24 funnel` takes it
        assert set(read.funnel("acme", pipeline=named, url=url)["category_id"]) == {7}


def test_marts_tell_what_there_is(url: str) -> None:
    """Names with descriptions, and what days are about."""
    told = read.marts(url=url).set_index("name")
    dated, described = told["date_column"], told["description"]
    assert dated["fct_deal"] == "date_create"
    assert dated["funnel_daily"] == "day"
    assert pd.isna(dated["funnel_stats"])
    assert "one row a pipeline and stage" in described["funnel_stats"]
    assert not [name for name in told.index if name.startswith(("stg_", "int_"))]


def test_an_engine_of_ones_own_serves(url: str) -> None:
    """Of another driver too, and in another time zone; the connection is given back."""
    for driver in ("postgresql+psycopg", "postgresql+psycopg2"):
        made = sqlalchemy.engine.make_url(url).set(drivername=driver)
        engine = sqlalchemy.create_engine(made, connect_args={"options": "-c timezone=America/Los_Angeles"})
        pd.testing.assert_frame_equal(
            read.deals(portal="acme", engine=engine).sort_values("entity_id", ignore_index=True),
            read.deals(portal="acme", url=url).sort_values("entity_id", ignore_index=True),
        )
        assert engine.pool.status().count("Checked out connections: 0") or engine.pool.checkedout() == 0  # type: ignore[attr-defined]
        engine.dispose()


def test_pandas_is_imported_when_a_frame_is_made() -> None:
    """Commands that use the rows alone start without it."""
    code = "import sys; import b24_pipeline.read; sys.exit('pandas' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_funnel_of_a_moment_is_read_by_the_portal_s_clock(built: Warehouse, url: str) -> None:
    """A day is its first moment there; a time with a zone is that time; rows and types are those of the function."""
    found = read.funnel_as_of("acme", "deal", "2026-01-20", url=url)
    expected = fetch(
        built,
        "select * from analytics.funnel_as_of('acme', 'deal', '2026-01-20 00:00:00+03') order by 1, 5, 3",
    )
    assert list(found["reached"]) == [row["reached"] for row in expected]
    assert list(found["amounts_by_currency"]) == [
        {name: Decimal(str(value)) for name, value in row["amounts_by_currency"].items()} for row in expected
    ]
    told = read.columns("funnel_as_of", url=url)
    assert list(told["name"]) == list(found.columns) and all(told["description"])
    assert found["reached"].sum() > 0 and str(found["in_stage"].dtype) == "Int64"
    assert read.funnel_as_of("acme", "deal", "2026-01-19T21:00+00:00", url=url).equals(found)
    with pytest.raises(WrongDates, match="no moment"):
        read.funnel_as_of("acme", "deal", "yesterday", url=url)
