"""The management calls for creatives: the list of them, and the funnel of the own leads that they brought."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import Field

from b24_pipeline.store.database.warehouse import Warehouse
from b24_pipeline.store.own_leads import funnels
from b24_pipeline.store.own_leads.funnels import OwnLeadDays, StageCount
from b24_pipeline.store.portals.portal import Portal
from b24_pipeline.web.guard import Guard
from b24_pipeline.web.routes.account import ChosenPortal
from b24_pipeline.web.routes.management import CamelModel, management_routes
from b24_pipeline.web.routes.own_lead_counts import FirstDay, LastDay, percent

FunnelType = Literal["lead", "deal"]
CreativeId = Annotated[
    UUID | None, Query(alias="creativeId", description="Only own leads that this creative brought.")
]
DirectionId = Annotated[
    UUID | None, Query(alias="directionId", description="Only own leads of this direction.")
]
WantedType = Annotated[
    FunnelType | None,
    Query(
        alias="entityType",
        description="Whose stages. If left out, those that the portal counts; deals where it counts both.",
    ),
]


class CreativeItem(CamelModel):
    """A creative, its direction, and the number of own leads that it brought."""

    id: UUID
    name: str
    direction_id: UUID | None
    direction_name: str | None
    own_leads: int
    created_at: datetime


class CreativeList(CamelModel):
    """All creatives of an account, by name."""

    creatives: list[CreativeItem]


class FunnelStage(CamelModel):
    """A stage, and the number of own leads whose lead or deal is in it now."""

    category_id: int
    category_name: str
    status_id: str
    status_name: str
    status_color: str | None
    is_qualified_stage: bool
    is_success_stage: bool
    is_fail_stage: bool
    count: int
    percentage: float = Field(description="`count` in percent of `total`; 0 where `total` is 0.")


class CreativeFunnel(CamelModel):
    """Own leads by the stage of their lead or deal. `total`: own leads whose lead or deal is not deleted."""

    entity_type: FunnelType
    total: int
    qualified: int = Field(
        description="Own leads that fulfil a condition of qualification, or have been in a stage that qualifies."
    )
    qualification_rate: float = Field(description="`qualified` in percent of `total`; 0 where `total` is 0.")
    stages: list[FunnelStage]


class CreativeCalls:
    """The calls `/bitrix24/creatives` and `/bitrix24/creative-funnel-stats`; `guard` checks the key."""

    def __init__(self, warehouse: Warehouse, guard: Guard) -> None:
        self._warehouse = warehouse
        self._guard = guard

    def router(self) -> APIRouter:
        """The router with both calls."""
        routes = management_routes("creatives", self._guard)
        routes.add_api_route("/creatives", self.creatives)
        routes.add_api_route("/creative-funnel-stats", self.funnel)
        return routes

    def creatives(self, portal: ChosenPortal) -> CreativeList:
        """Creatives with their ids. An import of own leads adds the creatives that its rows name."""
        found = funnels.creatives(self._warehouse, portal.id)
        return CreativeList(
            creatives=[CreativeItem.model_validate(creative, from_attributes=True) for creative in found]
        )

    def funnel(
        self,
        portal: ChosenPortal,
        creative: CreativeId = None,
        direction: DirectionId = None,
        entity_type: WantedType = None,
        first_day: FirstDay = None,
        last_day: LastDay = None,
    ) -> CreativeFunnel:
        """Own leads by the stage of their lead or deal, counted in the copy at this moment."""
        counted = entity_type or funnel_type(portal)
        days = OwnLeadDays(first_day, last_day)
        stages = funnels.creative_funnel(
            self._warehouse, portal.id, counted, days, creative=creative, direction=direction
        )
        return funnel_of(counted, stages)


def funnel_type(portal: Portal) -> FunnelType:
    """The entity type whose funnel is shown where a call names none: lead or deal."""
    return "lead" if portal.entity_type == "lead" else "deal"


def funnel_of(entity_type: FunnelType, stages: Sequence[StageCount]) -> CreativeFunnel:
    """The funnel of these stages, with totals and shares in percent."""
    total = sum(stage.own_leads for stage in stages)
    qualified = sum(stage.qualified for stage in stages)
    return CreativeFunnel(
        entity_type=entity_type,
        total=total,
        qualified=qualified,
        qualification_rate=percent(qualified, total),
        stages=[_funnel_stage(stage, total) for stage in stages],
    )


def _funnel_stage(stage: StageCount, total: int) -> FunnelStage:
    return FunnelStage(
        category_id=stage.category_id,
        category_name=stage.category_name,
        status_id=stage.status_id,
        status_name=stage.status_name,
        status_color=stage.status_color,
        is_qualified_stage=stage.is_qualified_stage,
        is_success_stage=stage.is_success_stage,
        is_fail_stage=stage.is_fail_stage,
        count=stage.own_leads,
        percentage=percent(stage.own_leads, total),
    )
