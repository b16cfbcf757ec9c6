"""The page of cohorts: conversion by month of creation and age."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import HTMLResponse

from b24_pipeline.store.database.warehouse import Warehouse
from b24_pipeline.store.figures.cohorts import CohortStage, Definition, cohort_stages, cohorts
from b24_pipeline.store.figures.pipelines import chosen, pipelines
from b24_pipeline.web.frame.choice import PipelineCode
from b24_pipeline.web.frame.page_frame import PeriodInAddress, PortalFrame, PortalInPath
from b24_pipeline.web.frame.signed_in import SignedIn


class CohortsPage:
    """The route `/p/{portal}/cohorts`."""

    def __init__(self, warehouse: Warehouse) -> None:
        self._warehouse = warehouse

    def router(self, signed_in: SignedIn) -> APIRouter:
        """The page."""
        routes = signed_in.routes()
        routes.add_api_route("/p/{portal}/cohorts", self.cohorts)
        return routes

    def cohorts(
        self,
        portal: PortalInPath,
        frame: PortalFrame,
        period: PeriodInAddress,
        pipeline: PipelineCode = None,
        stage: Annotated[str | None, Query(max_length=60)] = None,
        definition: Definition = "actual",
    ) -> HTMLResponse:
        """Months by age for one stage of a pipeline, by one of three definitions of having reached it."""
        with self._warehouse.connect() as connection:
            known = pipelines(connection, portal.name, portal.entity_type)
            shown = chosen(known, pipeline)
            stages = cohort_stages(connection, portal.name, shown) if shown else []
            at = _stage(stages, stage)
            months = (
                cohorts(connection, portal.name, shown, at.status_id, definition, period.first, period.last)
                if shown and at
                else []
            )
        return frame.page(
            "cohorts.html",
            pipelines=known,
            pipeline=shown,
            stages=stages,
            stage=at,
            definition=definition,
            cohorts=months,
        )


def _stage(stages: list[CohortStage], code: str | None) -> CohortStage | None:
    """The chosen stage; else the first that is won; else the first."""
    found = next((stage for stage in stages if stage.status_id == code), None)
    won = next((stage for stage in stages if stage.is_success_stage), None)
    return found or won or (stages[0] if stages else None)
