"""The page of revenue: what was won by month and currency, and how fast."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from b24_pipeline.store.database.warehouse import Warehouse
from b24_pipeline.store.figures.pipelines import chosen, pipelines
from b24_pipeline.store.figures.revenue import RevenueMonth, revenue_months, velocities
from b24_pipeline.web.frame.choice import PipelineCode
from b24_pipeline.web.frame.page_frame import PeriodInAddress, PortalFrame, PortalInPath
from b24_pipeline.web.frame.signed_in import SignedIn


class RevenuePage:
    """The route `/p/{portal}/revenue`."""

    def __init__(self, warehouse: Warehouse) -> None:
        self._warehouse = warehouse

    def router(self, signed_in: SignedIn) -> APIRouter:
        """The page."""
        routes = signed_in.routes()
        routes.add_api_route("/p/{portal}/revenue", self.revenue)
        return routes

    def revenue(
        self,
        portal: PortalInPath,
        frame: PortalFrame,
        period: PeriodInAddress,
        pipeline: PipelineCode = None,
    ) -> HTMLResponse:
        """Booked, taken back and net by month and currency; average deal, win rate and velocity."""
        with self._warehouse.connect() as connection:
            known = [one for one in pipelines(connection, portal.name, "both") if one.entity_type == "deal"]
            shown = chosen(known, pipeline) if pipeline else None
            of = (portal.name, shown.category_id if shown else None, period.first, period.last)
            months = revenue_months(connection, *of) if known else []
            closed = velocities(connection, *of) if known else []
        return frame.page(
            "revenue.html",
            pipelines=known,
            pipeline=shown,
            months=months,
            velocities=closed,
            net=_net(months),
        )


def _net(months: Sequence[RevenueMonth]) -> dict[str, Any]:
    """The chart of net revenue by month; each currency has bars and an axis of its own."""
    currencies = sorted({month.currency_id for month in months})
    days = sorted({month.month for month in months})
    amounts = {(month.currency_id, month.month): month.net_amount for month in months}
    return {
        "tooltip": {"trigger": "axis"},
        "legend": {"bottom": 0},
        "grid": {"left": 90, "right": 20, "top": 30, "bottom": 60},
        "xAxis": {"type": "category", "data": [day.strftime("%Y-%m") for day in days]},
        "yAxis": [
            {"type": "value", "name": currency, "show": number < 2}
            for number, currency in enumerate(currencies)
        ],
        "series": [
            {
                "name": currency,
                "type": "bar",
                "yAxisIndex": number,
                "data": [float(amounts.get((currency, day), 0)) for day in days],
            }
            for number, currency in enumerate(currencies)
        ],
    }
