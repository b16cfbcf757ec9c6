"""Entities that are neither classic nor items: activities, calls, product rows, products, tasks and the like."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from b24_pipeline.sandbox.crm.entity import CrmEntity
from b24_pipeline.sandbox.crm.item_names import camel_case
from b24_pipeline.sandbox.rows.cells import Family


@dataclass
class RecordEntity(CrmEntity):
    """One of them. `created` and `modified` are the columns that the portal stamps, where there are any.

    `defaults` are the values of a new record. With the family `item` names are camelCase and numbers JSON numbers.
    """

    family: Family = "classic"
    camel: bool = False
    created: str = ""
    modified: str = ""
    defaults: Mapping[str, Any] = field(default_factory=dict)

    def shown_name(self, column: str) -> str:
        """The name of a column in answers."""
        return camel_case(column) if self.camel else column

    def columns_of(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        """Values by column of what somebody writes; names may be those of answers or of columns."""
        known = {self.shown_name(column): column for column in self.table.columns}
        named = {known.get(name, name.upper()): value for name, value in fields.items()}
        return {name: value for name, value in named.items() if name in self.table.columns and name != "ID"}
