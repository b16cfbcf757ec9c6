"""Which entities of a portal are read beside those of every portal, and which smart processes it has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg
from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from b24_pipeline.entities.decode import cleaned
from b24_pipeline.store.database import queries

_sql = queries.load(__file__)


@dataclass(frozen=True, slots=True)
class KnownEntity:
    """An entity of a portal that can be chosen: an invoice, a quote, or a smart process that the portal has or had.

    `rows_alive` are in our copy. `deleted_at`: when the portal was found not to have the smart process any more.
    """

    entity_type: str
    title: str | None
    is_chosen: bool
    rows_alive: int
    deleted_at: datetime | None


@dataclass(frozen=True, slots=True)
class TypesStored:
    """What storing the smart processes of a portal did; `gone` are the entity types that it has no more."""

    rows_changed: int
    gone: tuple[str, ...] = ()


def chosen(connection: psycopg.Connection, account: UUID) -> tuple[str, ...]:
    """The entity types that are read of this portal beside those of every portal."""
    return tuple(name for (name,) in _sql.chosen(connection, account=account))


def without_stages(connection: psycopg.Connection, account: UUID) -> tuple[str, ...]:
    """The smart processes of this portal that have no stages: the portal refuses their history."""
    return tuple(name for (name,) in _sql.without_stages(connection, account=account))


def choose(connection: psycopg.Connection, account: UUID, entity_types: Sequence[str]) -> int:
    """Has these entity types read from the next sync on; returns how many were not chosen before."""
    return int(_sql.choose(connection, account=account, entity_types=list(entity_types)))


def leave(connection: psycopg.Connection, account: UUID, entity_types: Sequence[str]) -> int:
    """Has these entity types read no more; their rows stay. Returns how many had been chosen."""
    return int(_sql.leave(connection, account=account, entity_types=list(entity_types)))


def known_entities(connection: psycopg.Connection, account: UUID) -> list[KnownEntity]:
    """All entities of a portal that can be chosen or were, by their names: chosen ones first."""
    with connection.cursor(row_factory=class_row(KnownEntity)) as cursor:
        return cursor.execute(_sql.known_entities.sql, {"account": account}).fetchall()


def not_chosen(connection: psycopg.Connection) -> dict[UUID, list[str]]:
    """By portal, the smart processes that it has and that nobody has chosen, by their names."""
    found: dict[UUID, list[str]] = {}
    for account, name in _sql.not_chosen(connection):
        found.setdefault(account, []).append(name)
    return found


def store_types(
    connection: psycopg.Connection, account: UUID, rows: Sequence[Mapping[str, Any]], *, are_all: bool
) -> TypesStored:
    """Stores the smart processes of a portal.

    Rows: entity_type_id, id, title, code, custom_section_id, switches, created_time, updated_time. `are_all`: the
    portal has no others, so that what is missing is marked as gone, with its items: its next read is a whole one.
    """
    arriving = Jsonb([cleaned(dict(row)) for row in rows])
    changed = _sql.merge_types(connection, account=account, rows=arriving)
    if not are_all:
        return TypesStored(int(changed))
    gone = tuple(name for (name,) in _sql.bury_types(connection, account=account, rows=arriving))
    if gone:
        _sql.bury_items(connection, account=account, entity_types=list(gone))
        _sql.forget_coverage(connection, account=account, entity_types=list(gone))
        _sql.forget_cursors(connection, account=account, entity_types=list(gone))
    return TypesStored(int(changed), gone)


def is_gone(connection: psycopg.Connection, account: UUID, entity_type: str) -> bool:
    """Whether the portal was found not to have this smart process any more."""
    return bool(_sql.is_gone(connection, account=account, entity_type=entity_type))
