"""The management calls for directions of advertising: their key stages, and how many have reached these."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator

from b24_pipeline.store.database.warehouse import Warehouse
from b24_pipeline.store.own_leads.directions import Direction, Directions
from b24_pipeline.store.own_leads.funnels import Days
from b24_pipeline.store.own_leads.key_stages import CreativeReach, KeyStageStats, key_stage_stats
from b24_pipeline.store.portals.portals import Portals
from b24_pipeline.web.middleware.security import Guard
from b24_pipeline.web.routes.account import Account, chosen_portal
from b24_pipeline.web.routes.management import CamelModel, management_routes
from b24_pipeline.web.routes.own_lead_counts import FirstDay, LastDay, percent

MOST_KEY_STAGES = 3
# PostgreSQL keeps no NUL in a text
_PRINTABLE = r"^[^\x00]+$"
Name = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=255, pattern=_PRINTABLE)
]
StatusId = Annotated[str, StringConstraints(max_length=255, pattern=_PRINTABLE)]
CategoryId = Annotated[int, Field(ge=0, le=2**63 - 1)]


class WantedStage(CamelModel):
    """A stage by its codes."""

    model_config = ConfigDict(extra="forbid")

    category_id: CategoryId
    status_id: StatusId


class WantedKeyStages(CamelModel):
    """The key stages of a direction, in order; an empty list takes them away."""

    model_config = ConfigDict(extra="forbid")

    entity_type: Literal["lead", "deal"] = Field(description="Whose stages they are.")
    key_stages: list[WantedStage] = Field(max_length=MOST_KEY_STAGES)

    @field_validator("key_stages")
    @classmethod
    def _differ(cls, stages: list[WantedStage]) -> list[WantedStage]:
        if len({(stage.category_id, stage.status_id) for stage in stages}) < len(stages):
            raise ValueError("the same stage is there twice")
        return stages


class WantedDirection(CamelModel):
    """A new direction."""

    model_config = ConfigDict(extra="forbid")

    name: Name


class ToldKeyStage(CamelModel):
    """A key stage, under the names that it had last."""

    category_id: int
    category_name: str
    status_id: str
    status_name: str
    is_deleted: bool = Field(description="Gone from the portal; it still counts who has been there.")


class ToldDirection(CamelModel):
    """A direction of advertising."""

    id: UUID
    name: str
    entity_type: Literal["lead", "deal"] | None = Field(description="Whose stages the key stages are.")
    key_stages: list[ToldKeyStage]
    own_leads: int
    created_at: datetime


class ToldDirections(CamelModel):
    """All of an account, by name."""

    directions: list[ToldDirection]


class KeyStagesSet(CamelModel):
    """The direction afterwards, and its key stages in order."""

    success: Literal[True] = True
    direction: ToldDirection
    stages: list[ToldKeyStage]


class CreativeStats(BaseModel):
    """One creative's share; null is own leads without a creative."""

    creative_id: UUID | None
    creative_name: str | None
    total_leads: int
    qualified_leads: int
    qualification_rate: float


class ReachedStage(BaseModel):
    """A key stage, and the own leads whose lead or deal has ever been in it."""

    index: int = Field(description="Its place among the key stages, from 1.")
    category_id: int
    status_id: str
    category_name: str
    status_name: str
    qualified_leads: int
    qualification_rate: float = Field(description="Percent of total_leads; 0 where there are none.")
    creative_stats: list[CreativeStats]


class ToldKeyStageStats(BaseModel):
    """Over all own leads of the direction that were created in the range, in the CRM or not."""

    total_leads: int
    key_stages: list[ReachedStage]


class DirectionCalls:
    """`/bitrix24/directions` and what is below it, behind the guard."""

    def __init__(self, portals: Portals, warehouse: Warehouse, guard: Guard) -> None:
        self._portals = portals
        self._warehouse = warehouse
        self._directions = Directions(warehouse)
        self._guard = guard

    def router(self) -> APIRouter:
        """The routes."""
        routes = management_routes("directions", self._guard)
        routes.add_api_route("/directions", self.directions)
        routes.add_api_route("/directions", self.add, methods=["POST"], status_code=201)
        one = "/directions/{direction}"
        routes.add_api_route(f"{one}/key-stages", self.set_key_stages, methods=["PATCH"])
        routes.add_api_route(f"{one}/key-stage-stats", self.key_stage_stats)
        return routes

    def directions(self, account: Account = None) -> ToldDirections:
        """Directions with their ids and key stages."""
        found = self._directions.all(chosen_portal(self._portals, account).id)
        return ToldDirections(directions=list(map(_told, found)))

    def add(self, wanted: WantedDirection, account: Account = None) -> ToldDirection:
        """A new direction; an import of own leads makes those that its rows name by itself."""
        return _told(self._directions.add(chosen_portal(self._portals, account).id, wanted.name))

    def set_key_stages(
        self, direction: UUID, wanted: WantedKeyStages, account: Account = None
    ) -> KeyStagesSet:
        """Up to three stages that tell a good own lead. They count backwards too, and survive every sync."""
        stages = [(stage.category_id, stage.status_id) for stage in wanted.key_stages]
        portal = chosen_portal(self._portals, account)
        told = _told(self._directions.set_key_stages(portal.id, direction, wanted.entity_type, stages))
        return KeyStagesSet(direction=told, stages=told.key_stages)

    def key_stage_stats(
        self, direction: UUID, first_day: FirstDay = None, last_day: LastDay = None, account: Account = None
    ) -> ToldKeyStageStats:
        """How many own leads have ever been in each key stage, all and by creative, by the moves known now."""
        portal = chosen_portal(self._portals, account)
        return _stats(key_stage_stats(self._warehouse, portal.id, direction, Days(first_day, last_day)))


def _told(direction: Direction) -> ToldDirection:
    return ToldDirection.model_validate(direction, from_attributes=True)


def _stats(stats: KeyStageStats) -> ToldKeyStageStats:
    stages = zip(stats.direction.key_stages, stats.reach, strict=True)
    return ToldKeyStageStats(
        total_leads=stats.own_leads,
        key_stages=[
            ReachedStage(
                index=number,
                category_id=stage.category_id,
                status_id=stage.status_id,
                category_name=stage.category_name,
                status_name=stage.status_name,
                qualified_leads=(reached := sum(one.reached for one in reach)),
                qualification_rate=percent(reached, stats.own_leads),
                creative_stats=[_of_creative(one) for one in reach],
            )
            for number, (stage, reach) in enumerate(stages, start=1)
        ],
    )


def _of_creative(reach: CreativeReach) -> CreativeStats:
    return CreativeStats(
        creative_id=reach.creative_id,
        creative_name=reach.creative_name,
        total_leads=reach.own_leads,
        qualified_leads=reach.reached,
        qualification_rate=percent(reach.reached, reach.own_leads),
    )
