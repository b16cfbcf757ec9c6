"""Directions of advertising, and the key stages that a person has chosen for each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from b24_pipeline.errors import DirectionExists, UnknownDirection, UnknownStage
from b24_pipeline.store.database import queries
from b24_pipeline.store.database.warehouse import Connection, Warehouse

_sql = queries.load(__file__)

StageCode = tuple[int, str]
"""A stage among those of one entity type: `category_id`, `status_id`."""


@dataclass(frozen=True, slots=True)
class KeyStage:
    """A chosen stage under the names that it had last; `is_deleted`: gone from the portal."""

    category_id: int
    status_id: str
    category_name: str
    status_name: str
    is_deleted: bool


@dataclass(frozen=True, slots=True)
class Direction:
    """What is advertised. `entity_type`: whose stages the key stages are, None before any was chosen."""

    id: UUID
    name: str
    entity_type: str | None
    created_at: datetime
    own_leads: int
    key_stages: list[KeyStage]


@dataclass(frozen=True, slots=True)
class Directions:
    """The directions of one database."""

    warehouse: Warehouse

    def all(self, account: UUID) -> list[Direction]:
        """The directions of a portal, by name, with their key stages."""
        return self.warehouse.transact(_directions, account)

    def add(self, account: UUID, name: str) -> Direction:
        """Adds a direction without key stages. Raises DirectionExists."""

        def work(connection: Connection) -> Direction:
            direction = _sql.add_direction(connection, account=account, name=name)
            if direction is None:
                raise DirectionExists
            return _directions(connection, account, direction)[0]

        return self.warehouse.transact(work)

    def set_key_stages(
        self, account: UUID, direction: UUID, entity_type: str, stages: Sequence[StageCode]
    ) -> Direction:
        """Replaces the key stages of a direction. Raises UnknownDirection, UnknownStage."""
        chosen = Jsonb([{"category_id": category, "status_id": status} for category, status in stages])
        parameters = {
            "account": account,
            "direction": direction,
            "entity_type": entity_type,
            "key_stages": chosen,
        }

        def work(connection: Connection) -> Direction:
            if not _sql.hold_direction(connection, account=account, direction=direction):
                raise UnknownDirection(direction)
            for category, status in _sql.missing_stages(connection, **parameters):
                raise UnknownStage(f"{status!r} of {entity_type}s in pipeline {category}")
            _sql.set_key_stages(connection, **parameters)
            return _directions(connection, account, direction)[0]

        return self.warehouse.transact(work)


def direction_of(connection: Connection, account: UUID, direction: UUID) -> Direction | None:
    """Reads one direction of the account. Raises UnknownDirection."""
    return next(iter(_directions(connection, account, direction)), None)


def _directions(connection: Connection, account: UUID, direction: UUID | None = None) -> list[Direction]:
    with connection.cursor(row_factory=dict_row) as cursor:
        cursor.execute(_sql.directions.sql, {"account": account, "direction": direction})
        return [_direction(row) for row in cursor]


def _direction(row: dict[str, Any]) -> Direction:
    return Direction(**row | {"key_stages": [KeyStage(**stage) for stage in row["key_stages"]]})
