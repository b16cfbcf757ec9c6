"""The management calls for custom fields: those that a condition of qualification can use."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter

from b24_pipeline.store.database.warehouse import Warehouse
from b24_pipeline.store.portals.portal import Portal
from b24_pipeline.store.qualification.fields import FieldChoice, field_choices
from b24_pipeline.web.guard import Guard
from b24_pipeline.web.routes.account import ChosenPortal
from b24_pipeline.web.routes.management import CamelModel, management_routes

FieldOwner = Literal["lead", "deal", "contact"]


class Option(CamelModel):
    """An option of an enumeration field."""

    id: str
    value: str | None
    default: bool = False


class CustomFieldItem(CamelModel):
    """A custom field with its label; `list` has the options of an enumeration."""

    id: int
    field_name: str
    user_type_id: Literal["boolean", "enumeration", "string"]
    label: str
    multiple: bool
    list: list[Option]


class Fields(CamelModel):
    """The custom fields of leads, deals or contacts."""

    fields: list[CustomFieldItem]
    entity_type: FieldOwner


class FieldCalls:
    """The calls `/bitrix24/lead-custom-fields`, `deal-...` and `contact-...`; `guard` checks the key."""

    def __init__(self, warehouse: Warehouse, guard: Guard) -> None:
        self._warehouse = warehouse
        self._guard = guard

    def router(self) -> APIRouter:
        """The router with the three calls."""
        routes = management_routes("fields", self._guard)
        routes.add_api_route("/lead-custom-fields", self.of_leads)
        routes.add_api_route("/deal-custom-fields", self.of_deals)
        routes.add_api_route("/contact-custom-fields", self.of_contacts)
        return routes

    def of_leads(self, portal: ChosenPortal) -> Fields:
        """Custom fields of leads that a condition of qualification can use."""
        return self._fields("lead", portal)

    def of_deals(self, portal: ChosenPortal) -> Fields:
        """Custom fields of deals that a condition of qualification can use."""
        return self._fields("deal", portal)

    def of_contacts(self, portal: ChosenPortal) -> Fields:
        """Custom fields of contacts that a condition of qualification can use."""
        return self._fields("contact", portal)

    def _fields(self, owner: FieldOwner, portal: Portal) -> Fields:
        found = field_choices(self._warehouse, portal.id, owner)
        return Fields(fields=list(map(_field_item, found)), entity_type=owner)


def _field_item(field: FieldChoice) -> CustomFieldItem:
    return CustomFieldItem.model_validate(
        {
            "id": field.id,
            "field_name": field.field_name,
            "user_type_id": field.user_type_id,
            "label": field.label,
            "multiple": field.multiple,
            "list": field.options,
        }
    )
