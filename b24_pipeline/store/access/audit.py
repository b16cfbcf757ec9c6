"""What people changed: read from `bitrix24_audit`, which triggers of the database write."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from psycopg.rows import class_row

from b24_pipeline.store.database import queries
from b24_pipeline.store.database.warehouse import Warehouse

_sql = queries.load(__file__)


@dataclass(frozen=True, slots=True)
class Change:
    """A change of what a person decides. `before` None: it is new; `after` None: it was deleted."""

    id: int
    changed_at: datetime
    changed_by: str
    portal: str | None
    what: str
    subject: str
    before: Any
    after: Any


def changes(
    warehouse: Warehouse,
    *,
    portals: Collection[UUID] | None = None,
    portal: UUID | None = None,
    before: int | None = None,
    most: int = 100,
) -> list[Change]:
    """At most so many changes, the latest first.

    `portals`: those that may be seen, None for all, and for what belongs to no portal; `portal`: only this one;
    `before`: only those with a lower id, to read on.
    """
    parameters = {
        "portals": None if portals is None else list(portals),
        "portal": portal,
        "before": before,
        "most": most,
    }
    with warehouse.connect() as connection, connection.cursor(row_factory=class_row(Change)) as cursor:
        return cursor.execute(_sql.changes.sql, parameters).fetchall()


def difference(change: Change) -> str:
    """What differs between before and after, as `name: old -> new`."""
    return ", ".join(
        (f"{name}: " if name else "") + f"{_short(old)} -> {_short(new)}" for name, old, new in parts(change)
    )


def parts(change: Change) -> list[tuple[str, Any, Any]]:
    """What differs: name, before and after; without a name where the whole is new, deleted or another one."""
    if isinstance(change.before, dict) and isinstance(change.after, dict):
        return [
            (name, old, change.after.get(name))
            for name, old in change.before.items()
            if old != change.after.get(name)
        ]
    return [("", change.before, change.after)]


def _short(value: Any) -> str:
    if isinstance(value, dict):
        return " ".join(f"{name}={_short(part)}" for name, part in value.items())
    return "none" if value is None else value if isinstance(value, str) else orjson.dumps(value).decode()
