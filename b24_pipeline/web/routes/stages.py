"""The management calls for stages: the pipelines of a portal, and the flags of its stages."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby
from typing import Literal
from uuid import UUID

from fastapi import APIRouter
from pydantic import ConfigDict, Field

from b24_pipeline.store.crm.stage_flags import Flags, Stage, StageFlags
from b24_pipeline.store.database.warehouse import Warehouse
from b24_pipeline.web.guard import Guard
from b24_pipeline.web.routes.account import ChosenPortal
from b24_pipeline.web.routes.management import CamelModel, management_routes


class StageItem(CamelModel):
    """A stage and its flags."""

    id: UUID
    status_id: str
    status_name: str | None
    status_color: str | None
    status_sort: int | None
    status_semantics: Literal["process", "success", "failure"]
    is_qualified_stage: bool = Field(description="A lead or deal that has been in this stage is qualified.")
    is_success_stage: bool = Field(description="A lead or deal in this stage is won.")
    is_fail_stage: bool = Field(description="A lead or deal in this stage is lost.")


class Pipeline(CamelModel):
    """A pipeline with its stages in order."""

    category_id: int
    category_name: str | None
    stages: list[StageItem]


class Pipelines(CamelModel):
    """The pipelines of a portal; leads have the one pipeline 0."""

    leads: list[Pipeline]
    deals: list[Pipeline]


class WantedFlags(CamelModel):
    """The flags to set; a flag that is left out stays as it is."""

    model_config = ConfigDict(extra="forbid")

    is_qualified_stage: bool | None = None
    is_success_stage: bool | None = None
    is_fail_stage: bool | None = None


class StageCalls:
    """The calls `/bitrix24/pipelines` and `/bitrix24/pipeline-stages/{id}`; `guard` checks the key."""

    def __init__(self, warehouse: Warehouse, guard: Guard) -> None:
        self._flags = StageFlags(warehouse)
        self._guard = guard

    def router(self) -> APIRouter:
        """The router with both calls."""
        routes = management_routes("stages", self._guard)
        routes.add_api_route("/pipelines", self.pipelines)
        routes.add_api_route("/pipeline-stages/{stage}", self.set_flags, methods=["PATCH"])
        return routes

    def pipelines(self, portal: ChosenPortal) -> Pipelines:
        """Pipelines and stages as they were last read, in the portal's order, with their flags."""
        stages = self._flags.stages(portal.id)
        return Pipelines(
            leads=_pipelines(stage for stage in stages if stage.entity_type == "lead"),
            deals=_pipelines(stage for stage in stages if stage.entity_type == "deal"),
        )

    def set_flags(self, stage: UUID, wanted: WantedFlags, portal: ChosenPortal) -> StageItem:
        """Sets the flags of a stage. Every sync keeps them; the figures follow with the next sync."""
        flags = Flags(wanted.is_qualified_stage, wanted.is_success_stage, wanted.is_fail_stage)
        return _stage_item(self._flags.set_flags(portal.id, stage, flags))


def _pipelines(stages: Iterable[Stage]) -> list[Pipeline]:
    return [
        Pipeline(category_id=number, category_name=name, stages=list(map(_stage_item, inside)))
        for (number, name), inside in groupby(stages, lambda stage: (stage.category_id, stage.category_name))
    ]


def _stage_item(stage: Stage) -> StageItem:
    return StageItem.model_validate(stage, from_attributes=True)
