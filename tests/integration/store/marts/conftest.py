"""A portal with custom fields of deals."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from psycopg.types.json import Jsonb

from b24_pipeline.store.crm.directories import replace_fields
from b24_pipeline.store.database.vault import Vault
from b24_pipeline.store.database.warehouse import Warehouse
from b24_pipeline.store.marts.custom_fields import keep_views, schema_of
from b24_pipeline.store.portals.portal import Portal
from b24_pipeline.store.portals.portals import Portals
from tests.support.installation import KEY, account, execute, fetch


def field(name: str, kind: str = "string", place: int = 1, **more: Any) -> dict[str, Any]:
    """A row of the catalogue."""
    return {
        "entity_type": "deal",
        "field_name": name,
        "field_type": kind,
        "label": f"Label of {name}",
        "is_multiple": False,
        "is_required": False,
        "is_read_only": False,
        "is_custom": True,
        "status_type": None,
        "enumeration_values": [],
        "portal_field_id": place,
    } | more


class Acme:
    """A portal with a catalogue and deals."""

    def __init__(self, warehouse: Warehouse, name: str = "acme") -> None:
        self.warehouse = warehouse
        self.portals = Portals(warehouse, Vault(KEY))
        self.id: UUID = account(warehouse, name)
        self.name = name

    @property
    def portal(self) -> Portal:
        return next(one for one in self.portals.all() if one.id == self.id)

    def catalogue(self, *fields: dict[str, Any]) -> bool:
        with self.warehouse.connect() as connection:
            replace_fields(connection, self.id, fields)
        return keep_views(self.warehouse, self.portal.id)

    def deal(self, number: int, custom: dict[str, Any], **more: Any) -> None:
        execute(
            self.warehouse,
            "insert into bitrix24_deals (user_account_id, id, custom_fields, is_recurring, deleted_at)"
            " values (%s, %s, %s, %s, %s)",
            self.id,
            number,
            Jsonb(custom),
            more.get("is_recurring"),
            more.get("deleted_at"),
        )

    def rows(self, columns: str = "*") -> list[dict[str, Any]]:
        with self.warehouse.connect() as connection:
            schema = schema_of(connection, self.name)
        return fetch(
            self.warehouse, f'select {columns} from "{schema}".deal_custom_fields order by entity_id'
        )

    def comments(self) -> dict[str, str]:
        found = fetch(
            self.warehouse,
            "select attname, col_description(attrelid, attnum) as about from pg_attribute"
            " where attrelid = 'analytics_acme.deal_custom_fields'::regclass",
        )
        return {row["attname"]: row["about"] for row in found}


@pytest.fixture
def acme(warehouse: Warehouse) -> Acme:
    return Acme(warehouse)
