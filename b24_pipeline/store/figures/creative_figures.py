"""What own ad leads have brought, by creative or by campaign, and where their leads and deals stand now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Literal
from uuid import UUID

from psycopg.rows import class_row
from psycopg.types.json import set_json_loads

from b24_pipeline.store.database import queries
from b24_pipeline.store.database.exact_json import exact_json
from b24_pipeline.store.database.warehouse import Connection
from b24_pipeline.store.portals.portal import Portal

_sql = queries.load(__file__)

Group = Literal["creative", "campaign"]
Counted = Literal["deal", "lead"]


@dataclass(frozen=True, slots=True)
class Asked:
    """Which own leads: those left from `first` to `last`, days of the portal; whether their leads or deals count."""

    entity_type: Counted
    by: Group
    first: date | None
    last: date | None
    direction: UUID | None = None


@dataclass(frozen=True, slots=True)
class Brought:
    """What a creative or campaign has brought in a direction. Key stages None: the direction has no such one."""

    creative_id: UUID | None
    creative_name: str | None
    utm_campaign: str | None
    direction_id: UUID | None
    direction_name: str | None
    leads: int
    matched: int
    qualified: int
    key_stage_1: int | None
    key_stage_2: int | None
    key_stage_3: int | None
    entities: int
    won: int
    lost: int
    revenue_by_currency: Mapping[str, Decimal]

    @property
    def name(self) -> str | None:
        """The creative or campaign; None where the advertisement named none."""
        return self.creative_name or self.utm_campaign

    @property
    def key_stages(self) -> tuple[int | None, int | None, int | None]:
        """Own leads that have reached each key stage of the direction."""
        return self.key_stage_1, self.key_stage_2, self.key_stage_3

    @property
    def qualification_rate(self) -> Decimal | None:
        """Qualified ones among those that have become a lead or deal."""
        return Decimal(self.qualified) / self.matched if self.matched else None

    @property
    def win_rate(self) -> Decimal | None:
        """Won ones among those that are closed."""
        closed = self.won + self.lost
        return Decimal(self.won) / closed if closed else None


@dataclass(frozen=True, slots=True)
class OwnLeadsInStage:
    """A stage with the own leads whose lead or deal stands there now; `share` of all of them."""

    category_id: int
    category_name: str
    status_id: str
    status_name: str
    status_color: str | None
    is_success_stage: bool
    is_fail_stage: bool
    is_deleted: bool
    own_leads: int
    qualified: int
    share: float


def brought(connection: Connection, portal: Portal, asked: Asked) -> list[Brought]:
    """What each creative or campaign has brought. In some days alone, only those that have brought anything."""
    is_whole = asked.by == "creative" and asked.first is None and asked.last is None
    with connection.cursor(row_factory=class_row(Brought)) as cursor:
        set_json_loads(exact_json, cursor)
        if is_whole:
            return cursor.execute(_sql.whole.sql, _parameters(portal, asked)).fetchall()
        found = cursor.execute(_sql.part.sql, _parameters(portal, asked)).fetchall()
    return [row for row in found if row.leads]


def standing(
    connection: Connection, portal: Portal, asked: Asked, creative: UUID | None, campaign: str | None
) -> list[OwnLeadsInStage]:
    """Where the leads or deals of one creative or campaign stand, in the direction that is asked for."""
    given = _parameters(portal, asked) | {
        "account": portal.id,
        "zone": portal.time_zone,
        "creative": creative,
        "campaign": campaign,
    }
    with connection.cursor(row_factory=class_row(OwnLeadsInStage)) as cursor:
        return cursor.execute(_sql.stages.sql, given).fetchall()


def creative_name(connection: Connection, account: UUID, creative: UUID | None) -> str | None:
    """The name of a creative of this portal; None where there is no such one."""
    found = _sql.creative_name(connection, account=account, creative=creative) if creative else None
    return None if found is None else str(found)


def _parameters(portal: Portal, asked: Asked) -> dict[str, object]:
    return {
        "portal": portal.name,
        "entity_type": asked.entity_type,
        "first_day": asked.first,
        "last_day": asked.last,
        "direction": asked.direction,
        "by": asked.by,
    }


def currencies_of(rows: Sequence[Brought]) -> list[str]:
    """The currencies of the revenue: each has a column of its own."""
    return sorted({currency for row in rows for currency in row.revenue_by_currency})
