"""Small tables that are merged whole: pipelines, stages, statuses, the field catalogue, departments and currencies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg
from psycopg.types.json import Jsonb

from b24_pipeline.entities.decode import cleaned
from b24_pipeline.store.database import queries

_sql = queries.load(__file__)

DirectoryRows = Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Replaced:
    """What a replacement did: rows that were new or different, and rows marked as deleted."""

    rows_changed: int
    rows_deleted: int


def replace_pipelines(connection: psycopg.Connection, account: UUID, rows: DirectoryRows) -> Replaced:
    """Merges all pipelines of a portal. Rows: entity_type, category_id, name, sort, is_default."""
    return _replace(connection, account, rows, _sql.merge_pipelines, _sql.bury_pipelines)


def replace_stages(connection: psycopg.Connection, account: UUID, rows: DirectoryRows) -> Replaced:
    """Merges all stages of a portal.

    Rows: entity_type, category_id, category_name, status_id, status_name, color, sort, semantics.

    The user's flags are set when a stage appears and never touched again.
    """
    return _replace(connection, account, rows, _sql.merge_stages, _sql.bury_stages)


def replace_statuses(connection: psycopg.Connection, account: UUID, rows: DirectoryRows) -> Replaced:
    """Merges all statuses of a portal. Rows: directory, status_id, name, sort, color, semantics."""
    return _replace(connection, account, rows, _sql.merge_statuses, _sql.bury_statuses)


def replace_fields(connection: psycopg.Connection, account: UUID, rows: DirectoryRows) -> Replaced:
    """Merges the field catalogue of a portal.

    Rows: entity_type, field_name, field_type, label, flags, status_type, enumeration_values, portal_field_id.
    """
    return _replace(connection, account, rows, _sql.merge_fields, _sql.bury_fields)


def replace_departments(connection: psycopg.Connection, account: UUID, rows: DirectoryRows) -> Replaced:
    """Merges all departments of a portal. Rows: id, name, sort, parent, uf_head."""
    return _replace(connection, account, rows, _sql.merge_departments, _sql.bury_departments)


def replace_currencies(connection: psycopg.Connection, account: UUID, rows: DirectoryRows) -> Replaced:
    """Merges all currencies of a portal. Rows: currency, full_name, amount and amount_cnt as text, base, sort."""
    return _replace(connection, account, rows, _sql.merge_currencies, _sql.bury_currencies)


def _replace(
    connection: psycopg.Connection, account: UUID, rows: DirectoryRows, merge: Any, bury: Any
) -> Replaced:
    arriving = Jsonb([cleaned(dict(row)) for row in rows])
    changed = merge(connection, account=account, rows=arriving)
    # an empty directory means lost rights, not that everything was deleted
    deleted = bury(connection, account=account, rows=arriving) if rows else 0
    return Replaced(changed, deleted)
