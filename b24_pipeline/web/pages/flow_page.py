"""The page of the flow: what came and went by day, week or month."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from b24_pipeline.store.database.warehouse import Warehouse
from b24_pipeline.store.figures.flow import Flow, FlowStep, flows, last_move, step_for
from b24_pipeline.store.figures.pipelines import chosen, pipelines
from b24_pipeline.web.frame.choice import PipelineCode
from b24_pipeline.web.frame.colors import told_apart
from b24_pipeline.web.frame.page_frame import PageFrame, PeriodInAddress, PortalFrame, PortalInPath
from b24_pipeline.web.frame.signed_in import SignedIn

MOST_ROWS = 120
"""So many periods are in the table, the latest; the chart has all."""


class FlowPage:
    """The route `/p/{portal}/flow`."""

    def __init__(self, warehouse: Warehouse) -> None:
        self._warehouse = warehouse

    def router(self, signed_in: SignedIn) -> APIRouter:
        """The page."""
        routes = signed_in.routes()
        routes.add_api_route("/p/{portal}/flow", self.flow)
        return routes

    def flow(
        self,
        portal: PortalInPath,
        frame: PortalFrame,
        period: PeriodInAddress,
        pipeline: PipelineCode = None,
        step: FlowStep | None = None,
    ) -> HTMLResponse:
        """Open, entered, won and lost, and how many stood in each stage."""
        by = step or step_for(period.first, period.last)
        with self._warehouse.connect() as connection:
            known = pipelines(connection, portal.name, portal.entity_type)
            shown = chosen(known, pipeline)
            found = flows(connection, portal.name, shown, by, period.first, period.last) if shown else []
            moved_at = last_move(connection, portal, shown) if shown else None
        return frame.page(
            "flow.html",
            pipelines=known,
            pipeline=shown,
            step=by,
            flows=found,
            latest=found[: -MOST_ROWS - 1 : -1],
            stock=_stock(frame, found, by),
            moved_at=moved_at,
        )


def _stock(frame: PageFrame, found: Sequence[Flow], step: FlowStep) -> dict[str, Any]:
    """The chart of who stood in which open stage, one above the other."""
    names: dict[str, tuple[str, str | None]] = {}
    for flow in found:
        for one in flow.stages:
            if not one.is_closed and one.status_id not in names:
                name = frame.stage_name(one.status_name, one.status_id, one.is_deleted)
                names[one.status_id] = (name, one.status_color)
    counts = [flow.in_stage for flow in found]
    colors = told_apart([color for _name, color in names.values()])
    written = frame.format.month if step == "month" else frame.format.day
    series = [
        {
            "name": name,
            "type": "line",
            "stack": "open",
            "areaStyle": {},
            "symbol": "none",
            "data": [count.get(code, 0) for count in counts],
            "color": color,
        }
        for (code, (name, _color)), color in zip(names.items(), colors, strict=True)
    ]
    return {
        "tooltip": {"trigger": "axis"},
        "legend": {"bottom": 0},
        "grid": {"left": 60, "right": 20, "top": 20, "bottom": 60},
        "xAxis": {"type": "category", "data": [written(flow.period) for flow in found]},
        "yAxis": {"type": "value"},
        "series": series,
    }
