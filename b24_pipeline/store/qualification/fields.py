"""Custom fields that a condition can name, with their labels and options."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from psycopg.rows import class_row

from b24_pipeline.store.database import queries
from b24_pipeline.store.database.warehouse import Connection, Warehouse

_sql = queries.load(__file__)


@dataclass(frozen=True, slots=True)
class FieldChoice:
    """A custom field: boolean, enumeration or string. `options`: {id, value, default, ...} of an enumeration."""

    id: int
    field_name: str
    user_type_id: str
    label: str
    multiple: bool
    options: list[dict[str, Any]]


def field_choices(warehouse: Warehouse, account: UUID, entity_type: str) -> list[FieldChoice]:
    """The custom fields of leads, deals or contacts that a condition can name, by label."""
    return warehouse.transact(choices, account, entity_type)


def choices(connection: Connection, account: UUID, entity_type: str) -> list[FieldChoice]:
    """Like `field_choices`, in the caller's transaction."""
    with connection.cursor(row_factory=class_row(FieldChoice)) as cursor:
        parameters = {"account": account, "entity_type": entity_type}
        return cursor.execute(_sql.choices.sql, parameters).fetchall()
