"""The page of revenue: what was won by month and currency, what it came from, and how fast."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from b24_pipeline.store.database.warehouse import Warehouse
from b24_pipeline.store.figures.pipelines import chosen, pipelines
from b24_pipeline.store.figures.revenue import (
    Origin,
    RevenueMonth,
    RevenueOfOrigin,
    own_currency,
    revenue_by_origin,
    revenue_months,
    velocities,
)
from b24_pipeline.web.frame.choice import PipelineCode
from b24_pipeline.web.frame.page_frame import PageFrame, PeriodInAddress, PortalFrame, PortalInPath
from b24_pipeline.web.frame.signed_in import SignedIn
from b24_pipeline.web.frame.translations import later as _


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
        by: Origin = "source",
    ) -> HTMLResponse:
        """Booked, taken back and net by month; won by source or campaign; average deal, win rate and velocity."""
        with self._warehouse.connect() as connection:
            known = [one for one in pipelines(connection, portal.name, "both") if one.entity_type == "deal"]
            shown = chosen(known, pipeline) if pipeline else None
            of = (shown.category_id if shown else None, period.first, period.last)
            months = revenue_months(connection, portal.name, *of) if known else []
            closed = velocities(connection, portal.name, *of) if known else []
            origins = revenue_by_origin(connection, portal.id, *of, by) if known else []
            main = own_currency(connection, portal.name) if known else None
        return frame.page(
            "revenue.html",
            pipelines=known,
            pipeline=shown,
            months=months,
            velocities=closed,
            by=by,
            origins=origins,
            won_amounts=_by_currency(origins),
            charts=charts_of(frame, months, main),
        )


def _by_currency(origins: Sequence[RevenueOfOrigin]) -> dict[str, Decimal]:
    """The amounts of all origins, the currency of the most deals first."""
    found: dict[str, Decimal] = {}
    deals = Counter[str]()
    for row in origins:
        found[row.currency_id] = found.get(row.currency_id, Decimal()) + (row.amount or 0)
        deals[row.currency_id] += row.won
    return {currency: found[currency] for currency, _deals in deals.most_common()}


def charts_of(
    frame: PageFrame, months: Sequence[RevenueMonth], main: str | None
) -> list[tuple[str, dict[str, Any]]]:
    """Net revenue by month, a chart for each currency: the account's own first, the others by deals won.

    Amounts of two currencies have no scale in common, so none are in one chart.
    """
    days = sorted({month.month for month in months})
    won = Counter[str]()
    for month in months:
        won[month.currency_id] += month.booked_deals
    order = sorted(won, key=lambda currency: (currency != main, -won[currency], currency))
    amounts = {(month.currency_id, month.month): month.net_amount for month in months}
    return [
        (
            currency,
            {
                "tooltip": {"trigger": "axis"},
                "grid": {"left": 10, "right": 20, "top": 20, "bottom": 10, "containLabel": True},
                "xAxis": {"type": "category", "data": [frame.format.month(day) for day in days]},
                "yAxis": {"type": "value"},
                "series": [
                    {
                        "name": frame.text(_("Net")),
                        "type": "bar",
                        "data": [float(amounts.get((currency, day), 0)) for day in days],
                    }
                ],
            },
        )
        for currency in order
    ]
