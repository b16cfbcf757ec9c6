"""What own ad leads have become: where their leads and deals stand now, and which creative brought them."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import date, datetime
from uuid import UUID

from psycopg.rows import class_row

from b24_pipeline.errors import UnknownCreative, UnknownDirection, WrongDates
from b24_pipeline.store.database import queries
from b24_pipeline.store.database.warehouse import Connection, Warehouse

_sql = queries.load(__file__)


@dataclass(frozen=True, slots=True)
class OwnLeadDays:
    """Days in the portal's time zone on which own leads were created, both included; None is without an end."""

    first_day: date | None = None
    last_day: date | None = None

    def __post_init__(self) -> None:
        if self.first_day and self.last_day and self.first_day > self.last_day:
            raise WrongDates(f"the range ends ({self.last_day}) before it begins ({self.first_day})")


@dataclass(frozen=True, slots=True)
class Creative:
    """A creative, and how many own leads it has brought."""

    id: UUID
    name: str
    direction_id: UUID | None
    direction_name: str | None
    created_at: datetime
    own_leads: int


@dataclass(frozen=True, slots=True)
class StageCount:
    """A stage with the own leads whose lead or deal stands in it now, and how many of these are qualified."""

    category_id: int
    category_name: str
    status_id: str
    status_name: str
    status_color: str | None
    is_qualified_stage: bool
    is_success_stage: bool
    is_fail_stage: bool
    own_leads: int
    qualified: int


def creatives(warehouse: Warehouse, account: UUID) -> list[Creative]:
    """The creatives of a portal, by name."""

    def work(connection: Connection) -> list[Creative]:
        with connection.cursor(row_factory=class_row(Creative)) as cursor:
            return cursor.execute(_sql.creatives.sql, {"account": account}).fetchall()

    return warehouse.transact(work)


def creative_funnel(
    warehouse: Warehouse,
    account: UUID,
    entity_type: str,
    days: OwnLeadDays,
    *,
    creative: UUID | None = None,
    direction: UUID | None = None,
) -> list[StageCount]:
    """Every stage in pipeline and stage order, empty ones included, over leads or deals alive.

    Counted as they stand at this moment. Raises UnknownCreative, UnknownDirection.
    """
    parameters = {
        "account": account,
        "entity_type": entity_type,
        "creative": creative,
        "direction": direction,
        **asdict(days),
    }

    def work(connection: Connection) -> list[StageCount]:
        if creative and not _sql.has_creative(connection, account=account, creative=creative):
            raise UnknownCreative(creative)
        if direction and not _sql.has_direction(connection, account=account, direction=direction):
            raise UnknownDirection(direction)
        with connection.cursor(row_factory=class_row(StageCount)) as cursor:
            return cursor.execute(_sql.creative_funnel.sql, parameters).fetchall()

    return warehouse.transact(work)
