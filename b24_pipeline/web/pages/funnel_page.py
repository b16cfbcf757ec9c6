"""The page of the funnel, and the list behind each of its stages."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Annotated, Any, Literal
from urllib.parse import quote
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, Query
from fastapi.responses import HTMLResponse

from b24_pipeline.errors import UsageError
from b24_pipeline.store.database.warehouse import Warehouse
from b24_pipeline.store.figures.pipelines import chosen, pipelines
from b24_pipeline.store.figures.selected_funnel import (
    FunnelChoices,
    FunnelDefinition,
    FunnelFilters,
    StageFigures,
    choices,
    entities,
    funnel,
)
from b24_pipeline.store.portals.portal import Portal
from b24_pipeline.web.frame.choice import PipelineCode
from b24_pipeline.web.frame.page_frame import PageFrame, PeriodInAddress, PortalFrame, PortalInPath
from b24_pipeline.web.frame.period import day_of
from b24_pipeline.web.frame.signed_in import SignedIn

ROWS = 50
# PostgreSQL keeps no NUL in a text
FilterText = Annotated[str | None, Query(max_length=255, pattern=r"^[^\x00]*$")]


def _filters(
    portal: PortalInPath,
    period: PeriodInAddress,
    source: FilterText = None,
    person: Annotated[str | None, Query(pattern=r"^\d{0,18}$")] = None,
    campaign: FilterText = None,
    qualified: Literal["", "yes", "no"] = "",
    at: Annotated[str | None, Query(max_length=10)] = None,
) -> FunnelFilters:
    day = day_of(at)
    return FunnelFilters(
        first=period.first,
        last=period.last,
        source=source or None,
        person=int(person) if person else None,
        campaign=campaign or None,
        is_qualified={"yes": True, "no": False}.get(qualified),
        as_of=_end_of(day, portal) if day else None,
    )


FiltersInAddress = Annotated[FunnelFilters, Depends(_filters)]
"""The parameter that has whom the funnel is of, from the address."""


class FunnelPage:
    """The routes `/p/{portal}/funnel` and `/p/{portal}/funnel/stage`."""

    def __init__(self, warehouse: Warehouse) -> None:
        self._warehouse = warehouse

    def router(self, signed_in: SignedIn) -> APIRouter:
        """The page and its lists."""
        routes = signed_in.routes()
        routes.add_api_route("/p/{portal}/funnel", self.funnel)
        routes.add_api_route("/p/{portal}/funnel/stage", self.stage)
        return routes

    def funnel(
        self,
        portal: PortalInPath,
        frame: PortalFrame,
        filters: FiltersInAddress,
        pipeline: PipelineCode = None,
        definition: FunnelDefinition = "standard",
    ) -> HTMLResponse:
        """The stages of a pipeline, how many reached each, and who stands there."""
        with self._warehouse.connect() as connection:
            known = pipelines(connection, portal.name, portal.entity_type)
            shown = chosen(known, pipeline)
            stages = funnel(connection, portal, shown, filters, definition) if shown else []
            wanted = choices(connection, portal, shown) if shown else FunnelChoices([], [], [])
        return frame.page(
            "funnel.html",
            pipelines=known,
            pipeline=shown,
            definition=definition,
            filters=filters,
            choices=wanted,
            stages=stages,
            entered=max((stage.entered for stage in stages), default=0),
            won=sum(stage.in_stage for stage in stages if stage.is_success_stage),
            lost=sum(stage.in_stage for stage in stages if stage.is_fail_stage),
            open=sum(
                stage.in_stage for stage in stages if not stage.is_success_stage and not stage.is_fail_stage
            ),
            elsewhere=_elsewhere(stages),
            picture=_picture(frame, stages),
            list_of=lambda stage, who: _list_address(frame, stage.status_id, who),
        )

    def stage(
        self,
        portal: PortalInPath,
        frame: PortalFrame,
        filters: FiltersInAddress,
        stage: Annotated[str, Query(max_length=60)],
        pipeline: PipelineCode = None,
        who: Literal["there", "all"] = "there",
        page: Annotated[int, Query(ge=1, le=10_000)] = 1,
    ) -> HTMLResponse:
        """Leads or deals that stand in a stage, or all that have been there; 50 a page, the latest first."""
        with self._warehouse.connect() as connection:
            shown = chosen(pipelines(connection, portal.name, portal.entity_type), pipeline)
            found = next(
                (
                    one
                    for one in (funnel(connection, portal, shown, filters, "standard") if shown else [])
                    if one.status_id == stage
                ),
                None,
            )
            if shown is None or found is None:
                raise UsageError(f"this pipeline has no stage {stage!r}").of_case("no_stage")
            rows = entities(
                connection,
                portal,
                shown,
                stage,
                filters,
                all_who_were_there=who == "all",
                most=ROWS,
                skipped=(page - 1) * ROWS,
            )
        return frame.page(
            "funnel_stage.html",
            pipeline=shown,
            stage=found,
            who=who,
            rows=rows,
            page_number=page,
            total=found.reached if who == "all" else found.in_stage,
            rows_a_page=ROWS,
            back=frame.address(
                "funnel",
                **{
                    name: value
                    for name, value in frame.request.query_params.items()
                    if name not in ("stage", "who", "page", "lang")
                },
            ),
        )


def _elsewhere(stages: Sequence[StageFigures]) -> int:
    """How many of those who entered the pipeline stand in another one: the others stand in one of its stages."""
    return max((stage.entered for stage in stages), default=0) - sum(stage.in_stage for stage in stages)


def _end_of(day: date, portal: Portal) -> datetime:
    """The midnight that ends a day of the portal."""
    return datetime.combine(day + timedelta(days=1), datetime.min.time(), ZoneInfo(portal.time_zone))


def _list_address(frame: PageFrame, status_id: str, who: str) -> str:
    query = frame.here(stage=status_id, who=who, **(frame.period.query if frame.period else {}))
    return f"{quote(frame.path.removesuffix('/stage'))}/stage{query}"


def _picture(frame: PageFrame, stages: Sequence[StageFigures]) -> dict[str, Any]:
    """The picture of the funnel: the stages of the way, which end with the won one."""
    way = [stage for stage in stages if not stage.is_fail_stage and not stage.is_deleted]
    return {
        "tooltip": {"trigger": "item"},
        "series": [
            {
                "type": "funnel",
                "sort": "none",
                "left": "2%",
                "right": "2%",
                "top": 10,
                "bottom": 10,
                "minSize": "4%",
                "gap": 3,
                "label": {
                    "position": "inside",
                    "fontSize": 13,
                    "lineHeight": 18,
                    "overflow": "truncate",
                    "width": 220,
                    # readable on each colour that a portal may have
                    "color": "#fff",
                    "textBorderColor": "rgba(0, 0, 0, 0.75)",
                    "textBorderWidth": 3,
                },
                "labelLine": {"show": False},
                "itemStyle": {"borderWidth": 0, "borderRadius": 4},
                "data": [
                    {
                        "name": stage.status_name,
                        "value": stage.reached,
                        "address": _list_address(frame, stage.status_id, "all"),
                        **({"itemStyle": {"color": stage.status_color}} if stage.status_color else {}),
                    }
                    for stage in way
                ],
            }
        ],
    }
