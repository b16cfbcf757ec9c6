"""The management calls for directions of advertising: key stages, and the own leads that reached them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator

from b24_pipeline.store.database.warehouse import Warehouse
from b24_pipeline.store.own_leads.directions import Direction, Directions
from b24_pipeline.store.own_leads.funnels import OwnLeadDays
from b24_pipeline.store.own_leads.key_stages import CreativeReach, KeyStageStats, key_stage_stats
from b24_pipeline.web.guard import Guard
from b24_pipeline.web.routes.account import ChosenPortal
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
    """A stage, named by its pipeline and its code."""

    model_config = ConfigDict(extra="forbid")

    category_id: CategoryId
    status_id: StatusId


class WantedKeyStages(CamelModel):
    """The key stages to set, in order; an empty list removes those that were set before."""

    model_config = ConfigDict(extra="forbid")

    entity_type: Literal["lead", "deal"] = Field(description="Whose stages they are: lead or deal.")
    key_stages: list[WantedStage] = Field(max_length=MOST_KEY_STAGES)

    @field_validator("key_stages")
    @classmethod
    def _differ(cls, stages: list[WantedStage]) -> list[WantedStage]:
        if len({(stage.category_id, stage.status_id) for stage in stages}) < len(stages):
            raise ValueError("the same stage is named twice")
        return stages


class WantedDirection(CamelModel):
    """A direction to add."""

    model_config = ConfigDict(extra="forbid")

    name: Name


class KeyStageItem(CamelModel):
    """A key stage, with the names that it had when it was last read."""

    category_id: int
    category_name: str
    status_id: str
    status_name: str
    is_deleted: bool = Field(
        description="The portal has deleted the stage; own leads that were in it still count."
    )


class DirectionItem(CamelModel):
    """A direction of advertising, its key stages, and the number of its own leads."""

    id: UUID
    name: str
    entity_type: Literal["lead", "deal"] | None = Field(
        description="Whose stages the key stages are; null where none were set."
    )
    key_stages: list[KeyStageItem]
    own_leads: int
    created_at: datetime


class DirectionList(CamelModel):
    """All directions of an account, by name."""

    directions: list[DirectionItem]


class KeyStagesSet(CamelModel):
    """The direction after the change, and its key stages in order."""

    success: Literal[True] = True
    direction: DirectionItem
    stages: list[KeyStageItem]


class CreativeStats(BaseModel):
    """Own leads of one creative, and how many of them reached the key stage; null: own leads without a creative."""

    creative_id: UUID | None
    creative_name: str | None
    total_leads: int
    qualified_leads: int
    qualification_rate: float


class ReachedStage(BaseModel):
    """A key stage, and the number of own leads whose lead or deal has ever been in it."""

    index: int = Field(description="The place among the key stages, from 1.")
    category_id: int
    status_id: str
    category_name: str
    status_name: str
    qualified_leads: int
    qualification_rate: float = Field(
        description="`qualified_leads` in percent of `total_leads`; 0 where there are none."
    )
    creative_stats: list[CreativeStats]


class KeyStageReport(BaseModel):
    """Figures over all own leads of the direction that were created in the range, in the CRM or not."""

    total_leads: int
    key_stages: list[ReachedStage]


class DirectionCalls:
    """The calls `/bitrix24/directions` and `/bitrix24/directions/{id}/...`; `guard` checks the key."""

    def __init__(self, warehouse: Warehouse, guard: Guard) -> None:
        self._warehouse = warehouse
        self._directions = Directions(warehouse)
        self._guard = guard

    def router(self) -> APIRouter:
        """The router with the four calls."""
        routes = management_routes("directions", self._guard)
        routes.add_api_route("/directions", self.directions)
        routes.add_api_route("/directions", self.add, methods=["POST"], status_code=201)
        routes.add_api_route("/directions/{direction}/key-stages", self.set_key_stages, methods=["PATCH"])
        routes.add_api_route("/directions/{direction}/key-stage-stats", self.key_stage_stats)
        return routes

    def directions(self, portal: ChosenPortal) -> DirectionList:
        """All directions with their ids and key stages."""
        found = self._directions.all(portal.id)
        return DirectionList(directions=list(map(_direction_item, found)))

    def add(self, wanted: WantedDirection, portal: ChosenPortal) -> DirectionItem:
        """Adds a direction. An import of own leads adds the directions that its rows name by itself."""
        return _direction_item(self._directions.add(portal.id, wanted.name))

    def set_key_stages(self, direction: UUID, wanted: WantedKeyStages, portal: ChosenPortal) -> KeyStagesSet:
        """Sets up to three stages that mark a good own lead. Earlier moves count too; every sync keeps the choice."""
        stages = [(stage.category_id, stage.status_id) for stage in wanted.key_stages]
        changed = self._directions.set_key_stages(portal.id, direction, wanted.entity_type, stages)
        item = _direction_item(changed)
        return KeyStagesSet(direction=item, stages=item.key_stages)

    def key_stage_stats(
        self, direction: UUID, portal: ChosenPortal, first_day: FirstDay = None, last_day: LastDay = None
    ) -> KeyStageReport:
        """Counts own leads that have ever been in each key stage, in all and by creative, by the moves known now."""
        return _report(
            key_stage_stats(self._warehouse, portal.id, direction, OwnLeadDays(first_day, last_day))
        )


def _direction_item(direction: Direction) -> DirectionItem:
    return DirectionItem.model_validate(direction, from_attributes=True)


def _report(stats: KeyStageStats) -> KeyStageReport:
    stages = zip(stats.direction.key_stages, stats.reach, strict=True)
    return KeyStageReport(
        total_leads=stats.own_leads,
        key_stages=[
            ReachedStage(
                index=number,
                category_id=stage.category_id,
                status_id=stage.status_id,
                category_name=stage.category_name,
                status_name=stage.status_name,
                qualified_leads=(reached := sum(creative.reached for creative in reach)),
                qualification_rate=percent(reached, stats.own_leads),
                creative_stats=[_creative_stats(creative) for creative in reach],
            )
            for number, (stage, reach) in enumerate(stages, start=1)
        ],
    )


def _creative_stats(reach: CreativeReach) -> CreativeStats:
    return CreativeStats(
        creative_id=reach.creative_id,
        creative_name=reach.creative_name,
        total_leads=reach.own_leads,
        qualified_leads=reach.reached,
        qualification_rate=percent(reach.reached, reach.own_leads),
    )
