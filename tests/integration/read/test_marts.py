"""The figures in Python: `b24_pipeline.read`."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
import pytest
import sqlalchemy
from psycopg.types.json import Jsonb

from b24_pipeline import read
from b24_pipeline.errors import (
    DatabaseNotMigrated,
    DatabaseUnavailable,
    NoCustomFields,
    ReadingRefused,
    UnknownMart,
    UnknownPortal,
    UsageError,
    WrongDates,
)
from b24_pipeline.models import build, load_project
from b24_pipeline.store.crm.directories import replace_fields
from b24_pipeline.store.database.vault import Vault
from b24_pipeline.store.database.warehouse import Warehouse
from b24_pipeline.store.marts.custom_fields import keep_views
from b24_pipeline.store.portals.portals import Portals
from tests.conftest import Server
from tests.support.data import model_data
from tests.support.installation import KEY, execute, fetch

ZONES = {"acme": ZoneInfo("Europe/Moscow"), "büro": ZoneInfo("America/Los_Angeles")}
KINDS = {
    "bigint": "Int64",
    "integer": "Int64",
    "text": "string",
    "uuid": "string",
    "boolean": "boolean",
    "double precision": "Float64",
    "numeric": "object",
    "jsonb": "object",
    "timestamp with time zone": "datetime64[ns, UTC]",
    "date": "datetime64[ns]",
    "interval": "timedelta64[ns]",
}


@pytest.fixture(scope="module")
def built(server: Server) -> Iterator[Warehouse]:
    """Random histories of two portals with built models and custom fields, which the tests only read."""
    url = server.fresh()
    warehouse = Warehouse(url)
    with warehouse.connect() as connection:
        model_data.populate(connection, 3)
        connection.execute("update bitrix24_deals set opportunity = 100.10, currency_id = 'RUB' where id = 1")
        connection.execute("update bitrix24_deals set closedate = '3024-05-06' where id = 2")
    build(warehouse.connect, load_project())
    yield warehouse
    warehouse.close()
    server.drop(url)


@pytest.fixture
def url(built: Warehouse) -> str:
    return built.url.render_as_string(hide_password=False)


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
                assert dtype == KINDS.get(column["type"], "object") or "[us" in dtype, (name, column, dtype)


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
    assert set(read.funnel(portal="acme", pipeline=7, url=url)["category_id"]) == {7}


def test_marts_tell_what_there_is(url: str) -> None:
    """Names with descriptions, and what days are about."""
    told = read.marts(url=url).set_index("name")
    dated, described = told["date_column"], told["description"]
    assert dated["fct_deal"] == "date_create"
    assert dated["funnel_daily"] == "day"
    assert pd.isna(dated["funnel_stats"])
    assert "one row a pipeline and stage" in described["funnel_stats"]
    assert not [name for name in told.index if name.startswith(("stg_", "int_"))]


@pytest.mark.parametrize(
    ("asked", "error", "says"),
    [
        ({"name": "funnel"}, UnknownMart, "no mart is called 'funnel'; known: .*funnel_stats"),
        ({"name": "stg_leads"}, UnknownMart, "no mart"),
        (
            {"name": "fct_deal", "portal": "nobody"},
            UnknownPortal,
            "no portal is called 'nobody'; connected: acme, büro",
        ),
        ({"name": "fct_deal", "portal": "' or true --"}, UnknownPortal, "no portal"),
        ({"name": "funnel_stats", "date_from": "2026-01-01"}, WrongDates, "funnel_stats has no dates"),
        (
            {"name": "fct_deal", "date_from": "yesterday"},
            WrongDates,
            "'yesterday' is no day; expected YYYY-MM-DD",
        ),
        ({"name": "fct_deal", "date_from": datetime(2026, 1, 1, 12, tzinfo=UTC)}, WrongDates, "is a time"),
        (
            {"name": "fct_deal", "date_from": "2026-02-01", "date_to": "2026-01-01"},
            WrongDates,
            "end .* before",
        ),
        (
            {"name": "fct_deal", "date_column": "title"},
            WrongDates,
            "no date column 'title'; it has date_create",
        ),
        ({"name": "fct_deal", "date_from": 5}, WrongDates, "5 is no day; expected YYYY-MM-DD"),
        ({"name": "fct_deal", "entity_type": "zz"}, UsageError, "'zz' is no entity type; known: lead, deal"),
        ({"name": "dim_portal", "entity_type": "deal"}, UsageError, "dim_portal has no column entity_type"),
    ],
)
def test_what_cannot_be_read_is_told(
    url: str, asked: dict[str, Any], error: type[Exception], says: str
) -> None:
    """Each mistake has its own error, which says what there is instead."""
    with pytest.raises(error, match=says):
        read.mart(**asked, url=url)


def test_a_mart_that_is_not_built_is_told(database_url: str) -> None:
    """With the command that builds it."""
    with pytest.raises(DatabaseNotMigrated, match="funnel_stats is not built yet; run `b24 models`"):
        read.funnel(portal="acme", url=database_url)


def test_a_database_that_does_not_answer_is_told() -> None:
    """Without the password."""
    with pytest.raises(DatabaseUnavailable) as told:
        read.marts(url="postgresql://ann:s3cret@127.0.0.1:9/none")
    assert "s3cret" not in str(told.value)


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


def test_what_a_role_may_not_read_is_told(built: Warehouse, server: Server) -> None:
    """With what the owner can do about it."""
    role = server.role("guest")
    url = built.url.set(username=role).render_as_string(hide_password=False)
    with pytest.raises(ReadingRefused, match="b24 analysts grant"):
        read.funnel(url=url)


def test_custom_fields_are_typed(warehouse: Warehouse, database_url: str) -> None:
    """The view of the portal, whatever its name; joined to the mart by entity_id."""
    account = Portals(warehouse, Vault(KEY)).all
    with warehouse.connect() as connection:
        model_data.add_portal(connection, "Acme.ru")
    build(warehouse.connect, load_project())
    (portal,) = account()
    with pytest.raises(NoCustomFields, match=r"'Acme\.ru' has no views of custom fields; sync it first"):
        read.custom_fields("Acme.ru", url=database_url)
    row = {
        "entity_type": "deal",
        "label": "x",
        "is_custom": True,
        "is_multiple": False,
        "is_required": False,
        "is_read_only": False,
        "status_type": None,
        "enumeration_values": [],
    }
    kinds = ("double", "date", "integer", "boolean", "datetime")
    fields = [
        row | {"field_name": f"UF_{kind}", "field_type": kind, "portal_field_id": n}
        for n, kind in enumerate(kinds)
    ]
    tags = row | {"field_name": "UF_TAGS", "field_type": "string", "is_multiple": True, "portal_field_id": 9}
    with warehouse.connect() as connection:
        replace_fields(connection, portal.id, [*fields, tags])
    keep_views(warehouse, portal.id)
    values = {
        "UF_double": "1.50",
        "UF_date": "2026-01-02",
        "UF_integer": "5",
        "UF_boolean": "1",
        "UF_TAGS": ["a", "b"],
    }
    execute(
        warehouse,
        "insert into bitrix24_deals (user_account_id, id, custom_fields) values (%s, 7, %s)",
        portal.id,
        Jsonb(values),
    )
    found = read.custom_fields("Acme.ru", "deal", url=database_url)
    assert [str(dtype) for dtype in found.dtypes] == [
        "Int64",
        "object",
        "datetime64[ns]",
        "Int64",
        "boolean",
        "datetime64[ns, UTC]",
        "object",
    ]
    assert found.iloc[0].to_dict() == {
        "entity_id": 7,
        "uf_double": Decimal("1.50"),
        "uf_date": pd.Timestamp("2026-01-02"),
        "uf_integer": 5,
        "uf_boolean": True,
        "uf_datetime": pd.NaT,
        "uf_tags": ["a", "b"],
    }
    with pytest.raises(UnknownPortal):
        read.custom_fields("nobody", url=database_url)


def test_pandas_is_imported_when_a_frame_is_made() -> None:
    """Commands that use the rows alone start without it."""
    code = "import sys; import b24_pipeline.read; sys.exit('pandas' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
