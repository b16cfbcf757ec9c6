"""The management calls for creatives: which there are, and where the own leads that they brought stand now."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import Field

from b24_pipeline.store.database.warehouse import Warehouse
from b24_pipeline.store.own_leads import funnels
from b24_pipeline.store.own_leads.funnels import Days, StageCount
from b24_pipeline.store.portals.portal import Portal
from b24_pipeline.store.portals.portals import Portals
from b24_pipeline.web.middleware.security import Guard
from b24_pipeline.web.routes.account import Account, chosen_portal
from b24_pipeline.web.routes.management import CamelModel, management_routes
from b24_pipeline.web.routes.own_lead_counts import FirstDay, LastDay, percent

EntityType = Literal["lead", "deal"]
CreativeId = Annotated[UUID | None, Query(alias="creativeId", description="Only what this creative brought.")]
DirectionId = Annotated[UUID | None, Query(alias="directionId", description="Only own leads of this one.")]
WantedType = Annotated[
    EntityType | None,
    Query(
        alias="entityType",
        description="Whose stages; else those that the portal counts, and deals where it counts both.",
    ),
]


class ToldCreative(CamelModel):
    """A creative."""

    id: UUID
    name: str
    direction_id: UUID | None
    direction_name: str | None
    own_leads: int
    created_at: datetime


class ToldCreatives(CamelModel):
    """All of an account, by name."""

    creatives: list[ToldCreative]


class FunnelStage(CamelModel):
    """A stage, and the own leads whose lead or deal stands in it now."""

    category_id: int
    category_name: str
    status_id: str
    status_name: str
    status_color: str | None
    is_qualified_stage: bool
    is_success_stage: bool
    is_fail_stage: bool
    count: int
    percentage: float = Field(description="Of total, in percent; 0 where there are none.")


class CreativeFunnel(CamelModel):
    """`total` own leads have become leads or deals that are alive; each stands in one stage."""

    entity_type: EntityType
    total: int
    qualified: int = Field(description="By the conditions, or by having been in a stage that qualifies.")
    qualification_rate: float = Field(description="Of total, in percent; 0 where there are none.")
    stages: list[FunnelStage]


class CreativeCalls:
    """`/bitrix24/creatives` and `/bitrix24/creative-funnel-stats`, behind the guard."""

    def __init__(self, portals: Portals, warehouse: Warehouse, guard: Guard) -> None:
        self._portals = portals
        self._warehouse = warehouse
        self._guard = guard

    def router(self) -> APIRouter:
        """The routes."""
        routes = management_routes("creatives", self._guard)
        routes.add_api_route("/creatives", self.creatives)
        routes.add_api_route("/creative-funnel-stats", self.funnel)
        return routes

    def creatives(self, account: Account = None) -> ToldCreatives:
        """Creatives with their ids; an import of own leads makes those that its rows name."""
        found = funnels.creatives(self._warehouse, chosen_portal(self._portals, account).id)
        return ToldCreatives(
            creatives=[ToldCreative.model_validate(one, from_attributes=True) for one in found]
        )

    def funnel(
        self,
        creative: CreativeId = None,
        direction: DirectionId = None,
        entity_type: WantedType = None,
        first_day: FirstDay = None,
        last_day: LastDay = None,
        account: Account = None,
    ) -> CreativeFunnel:
        """Where own leads stand now, stage by stage, as the copy is at this moment."""
        portal = chosen_portal(self._portals, account)
        counted = entity_type or funnel_type(portal)
        days = Days(first_day, last_day)
        stages = funnels.creative_funnel(
            self._warehouse, portal.id, counted, days, creative=creative, direction=direction
        )
        return funnel_of(counted, stages)


def funnel_type(portal: Portal) -> EntityType:
    """Whose funnel is shown where none was asked for."""
    return "lead" if portal.entity_type == "lead" else "deal"


def funnel_of(entity_type: EntityType, stages: Sequence[StageCount]) -> CreativeFunnel:
    """The stages with their shares."""
    total = sum(stage.own_leads for stage in stages)
    qualified = sum(stage.qualified for stage in stages)
    return CreativeFunnel(
        entity_type=entity_type,
        total=total,
        qualified=qualified,
        qualification_rate=percent(qualified, total),
        stages=[_told(stage, total) for stage in stages],
    )


def _told(stage: StageCount, total: int) -> FunnelStage:
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
