"""The page of people: what each responsible person has open, won and lost, and the list behind each of these."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Annotated, Any

from fastapi import APIRouter, Query
from fastapi.responses import HTMLResponse

from b24_pipeline.errors import NoFigures
from b24_pipeline.store.database.warehouse import Warehouse
from b24_pipeline.store.figures.people import (
    NOBODY,
    Person,
    PersonCount,
    behind,
    owner_name,
    people,
)
from b24_pipeline.store.figures.pipelines import chosen, pipelines
from b24_pipeline.store.figures.revenue import own_currency
from b24_pipeline.web.frame.choice import PipelineCode
from b24_pipeline.web.frame.page_frame import PageFrame, PeriodInAddress, PortalFrame, PortalInPath
from b24_pipeline.web.frame.signed_in import SignedIn
from b24_pipeline.web.frame.sorting import Sort, Value, Way, sorted_by
from b24_pipeline.web.frame.translations import later as _

ROWS = 50
MOST_BARS = 30
"""So many persons are in the chart; the table has all."""


_VALUES: Mapping[str, Callable[[Person], Value]] = {
    "name": lambda person: (person.owner_name or "").casefold(),
    "department": lambda person: (person.department_name or "").casefold(),
    "open": lambda person: person.open,
    "won": lambda person: person.won,
    "lost": lambda person: person.lost,
    "winrate": lambda person: person.win_rate,
    "days": lambda person: person.median_days_to_win,
}
_MONEY: Mapping[str, Callable[[Person], Mapping[str, Decimal]]] = {
    "amount": lambda person: person.open_by_currency,
    "revenue": lambda person: person.won_by_currency,
}


class PeoplePage:
    """The routes `/p/{portal}/people` and `/p/{portal}/people/list`."""

    def __init__(self, warehouse: Warehouse) -> None:
        self._warehouse = warehouse

    def router(self, signed_in: SignedIn) -> APIRouter:
        """The page and its lists."""
        routes = signed_in.routes()
        routes.add_api_route("/p/{portal}/people", self.people)
        routes.add_api_route("/p/{portal}/people/list", self.behind)
        return routes

    def people(
        self,
        portal: PortalInPath,
        frame: PortalFrame,
        period: PeriodInAddress,
        pipeline: PipelineCode = None,
        sort: Sort = "won",
        way: Way = "down",
    ) -> HTMLResponse:
        """Open now, won and lost in the period, win rate, revenue and median days, by person."""
        with self._warehouse.connect() as connection:
            known = pipelines(connection, portal.name, portal.entity_type)
            shown = chosen(known, pipeline)
            found = people(connection, portal.name, shown, period.first, period.last) if shown else []
            main = own_currency(connection, portal.name) if found else None
        return frame.page(
            "people.html",
            pipelines=known,
            pipeline=shown,
            people=in_order(found, sort, way, main),
            sort=sort if sort in _VALUES or sort in _MONEY else "won",
            way=way,
            picture=_picture(frame, found[:MOST_BARS]),
            list_of=lambda person, which: frame.address(
                "people/list",
                pipeline=shown.code if shown else None,
                person=person.assigned_by_id or NOBODY,
                which=which,
            ),
        )

    def behind(
        self,
        portal: PortalInPath,
        frame: PortalFrame,
        period: PeriodInAddress,
        person: Annotated[int, Query(ge=0, lt=10**18)],
        which: PersonCount = "won",
        pipeline: PipelineCode = None,
        page: Annotated[int, Query(ge=1, le=10_000)] = 1,
    ) -> HTMLResponse:
        """The leads or deals behind a figure of a person; 50 a page, the latest created first."""
        with self._warehouse.connect() as connection:
            shown = chosen(pipelines(connection, portal.name, portal.entity_type), pipeline)
            if shown is None:
                raise NoFigures
            skipped = (page - 1) * ROWS
            days = (period.first, period.last)
            rows, of_all = behind(connection, portal, shown, person, which, *days, most=ROWS, skipped=skipped)
            name = owner_name(connection, portal, person)
        return frame.page(
            "person.html",
            pipeline=shown,
            name=name,
            person=person,
            which=which,
            rows=rows,
            total=of_all,
            page_number=page,
            rows_a_page=ROWS,
            back=frame.address("people", pipeline=shown.code),
        )


def in_order(found: Sequence[Person], sort: str, way: Way, currency: str | None) -> list[Person]:
    """The persons by a column; money by what is in one currency, as two have no order in common.

    `currency`: that of the account, or None for the one in which most of them have won something.
    """
    money = _MONEY.get(sort)
    if money is None:
        return sorted_by(found, _VALUES.get(sort, _VALUES["won"]), way)
    counted = currency or _most_used(found)
    return sorted_by(found, lambda person: money(person).get(counted), way)


def _most_used(found: Sequence[Person]) -> str:
    used = Counter(currency for person in found for currency in person.won_by_currency)
    return min(used, key=lambda currency: (-used[currency], currency), default="")


def _picture(frame: PageFrame, shown: Sequence[Person]) -> dict[str, Any]:
    """Won, lost and open by person, the one who has won most on top."""
    names = [person.owner_name or str(person.assigned_by_id or "–") for person in shown]
    series = {
        _("Won"): ("#1f9d63", [person.won for person in shown]),
        _("Lost"): ("#d0525a", [person.lost for person in shown]),
        _("Open"): ("#5b8def", [person.open for person in shown]),
    }
    return {
        "tooltip": {"trigger": "axis"},
        "legend": {"bottom": 0},
        "grid": {"left": 10, "right": 30, "top": 10, "bottom": 40, "containLabel": True},
        "xAxis": {"type": "value"},
        "yAxis": {"type": "category", "inverse": True, "data": names},
        "series": [
            {"name": frame.text(name), "type": "bar", "stack": "all", "color": color, "data": data}
            for name, (color, data) in series.items()
        ],
    }
