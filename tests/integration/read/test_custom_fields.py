"""Custom fields in Python."""

from __future__ import annotations

from decimal import Decimal

import pandas as pd
import pytest
from psycopg.types.json import Jsonb

from b24_pipeline import read
from b24_pipeline.errors import (
    NoCustomFields,
    ReadingRefused,
    UnknownMart,
    UnknownPortal,
)
from b24_pipeline.models import build, load_project
from b24_pipeline.store.crm.directories import replace_fields
from b24_pipeline.store.database.vault import Vault
from b24_pipeline.store.database.warehouse import Warehouse
from b24_pipeline.store.marts.custom_fields import keep_views
from b24_pipeline.store.portals.portals import Portals
from tests.conftest import Server
from tests.support.data import model_data
from tests.support.installation import KEY, execute


def test_custom_fields_are_typed(warehouse: Warehouse, database_url: str, server: Server) -> None:
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
        "label": "Площадь",
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
    assert found.attrs["labels"]["uf_double"] == "Площадь"
    told = read.columns("deal_custom_fields", portal="Acme.ru", url=database_url).set_index("name")
    assert list(told.index) == list(found.columns)
    assert told.loc["uf_double", "description"] == "Площадь"
    with pytest.raises(UnknownMart):
        read.columns("deal_custom_fields", url=database_url)
    guest = warehouse.url.for_role(_reader(warehouse, server), None).for_people(hide_password=False)
    with pytest.raises(ReadingRefused, match=r"b24 analysts grant ROLE --custom-fields Acme\.ru"):
        read.custom_fields("Acme.ru", url=guest)
    with pytest.raises(UnknownPortal):
        read.custom_fields("nobody", url=database_url)


def _reader(warehouse: Warehouse, server: Server) -> str:
    """A role that reads the marts alone."""
    role = server.role("reader")
    with warehouse.connect() as connection:
        connection.execute(f'grant usage on schema analytics to "{role}"'.encode())
        connection.execute(f'grant select on all tables in schema analytics to "{role}"'.encode())
    return role
