"""An entity type: its rows, its moves, its fields."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from b24_pipeline.sandbox.crm.field_types import empty_column
from b24_pipeline.sandbox.crm.fields import Field
from b24_pipeline.sandbox.crm.user_fields import UserField
from b24_pipeline.sandbox.rows.table import Table

TYPE_IDS = {"lead": 1, "deal": 2, "contact": 3, "company": 4}
STAGE_FIELDS = {"lead": "STATUS_ID", "deal": "STAGE_ID"}
SEMANTIC_FIELDS = {"lead": "STATUS_SEMANTIC_ID", "deal": "STAGE_SEMANTIC_ID"}


@dataclass
class CrmEntity:
    """Everything about leads, deals, contacts or companies; the last two have no history."""

    type: str
    table: Table
    history: Table | None
    fields: tuple[Field, ...]
    user_fields: list[UserField] = field(default_factory=list)

    def listed_fields(self) -> list[str]:
        """Names that lists can show, in catalogue order."""
        plain = [standard_field.name for standard_field in self.fields if standard_field.listed]
        return plain + [user_field.name for user_field in self.user_fields]

    def writable_fields(self) -> set[str]:
        """Names that `add` accepts; `update` refuses the immutable ones besides."""
        plain = {
            standard_field.name
            for standard_field in self.fields
            if standard_field.listed and not standard_field.read_only
        }
        return plain | {user_field.name for user_field in self.user_fields}

    def immutable_fields(self) -> set[str]:
        """Names that only `add` accepts."""
        return {standard_field.name for standard_field in self.fields if "I" in standard_field.flags}

    def described(self) -> dict[str, Any]:
        """The answer of `crm.*.fields`."""
        standard = {
            standard_field.name: standard_field.described(self.type) for standard_field in self.fields
        }
        return standard | {user_field.name: user_field.described() for user_field in self.user_fields}

    def add_user_field(self, user_field: UserField) -> None:
        """A new user field, empty in every row."""
        column = empty_column(user_field.name, user_field.type, self.table.size, multiple=user_field.multiple)
        self.user_fields.append(user_field)
        self.table.add_column(user_field.name, column)
