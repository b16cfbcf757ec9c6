"""Entity types that `crm.item.*` alone can read: smart processes, smart invoices, quotes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from b24_pipeline.sandbox.crm.entity import CrmEntity
from b24_pipeline.sandbox.crm.item_names import item_name, item_names

INVOICE, QUOTE = "smart_invoice", "quote"
INVOICE_TYPE_ID, QUOTE_TYPE_ID = 31, 7
_CODES = {"lead": "L", "deal": "D", QUOTE: "Q", INVOICE: "SI"}
_HUMP = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[a-z])(?=\d)")


@dataclass
class CrmItemEntity(CrmEntity):
    """One of them. Settings of user fields name it `user_field_entity`; their codes begin with `user_field_prefix`."""

    type_id: int = 0
    user_field_entity: str = ""
    user_field_prefix: str = "UF_CRM_"
    default_directory: str = ""

    def columns_of(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        """Values by column of what somebody writes; names may be those of items or of columns."""
        known = item_names(self, original=False) | item_names(self, original=True)
        writable = self.writable_fields()
        named = {known.get(name, name.upper()): value for name, value in fields.items()}
        return {name: value for name, value in named.items() if name in writable}

    def described_items(self, *, original: bool) -> dict[str, Any]:
        """The answer of `crm.item.fields`; of the stages it names the default funnel's directory alone."""
        found = {}
        for column, entry in self.described().items():
            name = item_name(column, original=original)
            told = entry | {"upperName": column if entry["isDynamic"] else upper_name(name)}
            if told["type"] == "char":
                told["type"] = "boolean"
            if told["type"] == "crm_entity":
                told["settings"] = {"parentEntityTypeId": int(column.rpartition("_")[2])}
            if column in {"STAGE_ID", "PREVIOUS_STAGE_ID"}:
                told["statusType"] = self.default_directory
            found[name] = told
        return found | self._twin(found)

    def _twin(self, found: Mapping[str, Any]) -> dict[str, Any]:
        return {"contacts": found["contactIds"] | {"upperName": "CONTACTS"}} if "contactIds" in found else {}


def owner_code(entity: CrmEntity) -> str:
    """How product rows name the type of their owner; empty for a type that has none.

    docs/bitrix24-rest-more.md, section 3.1.
    """
    if isinstance(entity, CrmItemEntity):
        return _CODES.get(entity.type, f"T{entity.type_id:x}")
    return _CODES.get(entity.type, "")


def upper_name(name: str) -> str:
    """`createdTime` -> `CREATED_TIME`."""
    return _HUMP.sub("_", name).upper()
