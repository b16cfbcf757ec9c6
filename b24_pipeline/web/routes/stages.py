"""The management calls for stages: the pipelines of a portal, and what its stages count as."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby
from typing import Literal
from uuid import UUID

from fastapi import APIRouter
from pydantic import ConfigDict, Field

from b24_pipeline.store.crm.stage_flags import Flags, Stage, StageFlags
from b24_pipeline.store.database.warehouse import Warehouse
from b24_pipeline.store.portals.portals import Portals
from b24_pipeline.web.middleware.security import Guard
from b24_pipeline.web.routes.account import Account, chosen_portal
from b24_pipeline.web.routes.management import CamelModel, management_routes


class ToldStage(CamelModel):
    """A stage and its flags."""

    id: UUID
    status_id: str
    status_name: str | None
    status_color: str | None
    status_sort: int | None
    status_semantics: Literal["process", "success", "failure"]
    is_qualified_stage: bool = Field(description="Who has been here is qualified.")
    is_success_stage: bool = Field(description="Who is here is won.")
    is_fail_stage: bool = Field(description="Who is here is lost.")


class Pipeline(CamelModel):
    """A pipeline with its stages in order."""

    category_id: int
    category_name: str | None
    stages: list[ToldStage]


class Pipelines(CamelModel):
    """The pipelines of a portal; leads have the one pipeline 0."""

    leads: list[Pipeline]
    deals: list[Pipeline]


class WantedFlags(CamelModel):
    """Flags to set; those left out stay."""

    model_config = ConfigDict(extra="forbid")

    is_qualified_stage: bool | None = None
    is_success_stage: bool | None = None
    is_fail_stage: bool | None = None


class StageCalls:
    """`/bitrix24/pipelines` and `/bitrix24/pipeline-stages/{id}`, behind the guard."""

    def __init__(self, portals: Portals, warehouse: Warehouse, guard: Guard) -> None:
        self._portals = portals
        self._flags = StageFlags(warehouse)
        self._guard = guard

    def router(self) -> APIRouter:
        """The routes."""
        routes = management_routes("stages", self._guard)
        routes.add_api_route("/pipelines", self.pipelines)
        routes.add_api_route("/pipeline-stages/{stage}", self.set_flags, methods=["PATCH"])
        return routes

    def pipelines(self, account: Account = None) -> Pipelines:
        """Pipelines and stages as they were read last, in the portal's order, with their flags."""
        stages = self._flags.stages(chosen_portal(self._portals, account).id)
        return Pipelines(
            leads=_pipelines(one for one in stages if one.entity_type == "lead"),
            deals=_pipelines(one for one in stages if one.entity_type == "deal"),
        )

    def set_flags(self, stage: UUID, wanted: WantedFlags, account: Account = None) -> ToldStage:
        """What a stage counts as. It stays so through every sync; figures follow with the next one."""
        flags = Flags(wanted.is_qualified_stage, wanted.is_success_stage, wanted.is_fail_stage)
        return _told(self._flags.set_flags(chosen_portal(self._portals, account).id, stage, flags))


def _pipelines(stages: Iterable[Stage]) -> list[Pipeline]:
    return [
        Pipeline(category_id=number, category_name=name, stages=list(map(_told, inside)))
        for (number, name), inside in groupby(stages, lambda one: (one.category_id, one.category_name))
    ]


def _told(stage: Stage) -> ToldStage:
    return ToldStage.model_validate(stage, from_attributes=True)
