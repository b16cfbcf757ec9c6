"""The page of creatives: what own ad leads have brought by creative or campaign, and where they stand now."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from decimal import Decimal
from itertools import groupby
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Response
from fastapi.responses import HTMLResponse

from b24_pipeline.store.database.warehouse import Warehouse
from b24_pipeline.store.figures.creative_figures import (
    Asked,
    Brought,
    Counted,
    Group,
    brought,
    creative_name,
    currencies_of,
    standing,
)
from b24_pipeline.store.figures.own_leads import OwnLeadFilters, count_own_leads, own_leads
from b24_pipeline.store.figures.pipelines import has_figures
from b24_pipeline.store.own_leads.directions import Direction, Directions
from b24_pipeline.store.portals.portal import Portal
from b24_pipeline.web.frame.given import GivenText, Key
from b24_pipeline.web.frame.page_frame import PageFrame, PeriodInAddress, PortalFrame, PortalInPath
from b24_pipeline.web.frame.signed_in import SignedIn
from b24_pipeline.web.frame.sorting import Sort, Value, Way, sorted_by
from b24_pipeline.web.frame.tables_as_csv import csv_file
from b24_pipeline.web.frame.translations import later as _
from b24_pipeline.web.pages.own_lead_texts import CHOSEN, METHODS, REASONS, as_seen

ROWS = 50
MOST_BARS = 15
"""So many rows are in the chart; the table has all."""
MOST_LETTERS = 30

_VALUES: dict[str, Callable[[Brought], Value]] = {
    "name": lambda row: (row.name or "").casefold(),
    "direction": lambda row: (row.direction_name or "").casefold(),
    "leads": lambda row: row.leads,
    "matched": lambda row: row.matched,
    "qualified": lambda row: row.qualified,
    "rate": lambda row: row.qualification_rate,
    "key1": lambda row: row.key_stage_1,
    "key2": lambda row: row.key_stage_2,
    "key3": lambda row: row.key_stage_3,
    "won": lambda row: row.won,
    "lost": lambda row: row.lost,
    "winrate": lambda row: row.win_rate,
}
_REVENUE = "revenue-"
_SHARES = ("Share qualified", "Win rate")


def _asked(
    portal: PortalInPath,
    period: PeriodInAddress,
    direction: Annotated[Key, Query()] = None,
    of: Literal["", "deal", "lead"] = "",
    by: Group = "creative",
) -> Asked:
    entity_type: Counted = of or ("lead" if portal.entity_type == "lead" else "deal")
    return Asked(entity_type, by, period.first, period.last, direction)


AskedInAddress = Annotated[Asked, Depends(_asked)]
"""The parameter that has which own leads are asked for, from the address."""


class CreativesPage:
    """The routes `/p/{portal}/creatives...`."""

    def __init__(self, warehouse: Warehouse) -> None:
        self._warehouse = warehouse
        self._directions = Directions(warehouse)

    def router(self, signed_in: SignedIn) -> APIRouter:
        """The page, its file, and the page of one creative."""
        routes = signed_in.routes()
        routes.add_api_route("/p/{portal}/creatives", self.creatives)
        routes.add_api_route("/p/{portal}/creatives/csv", self.csv)
        routes.add_api_route("/p/{portal}/creatives/one", self.one)
        return routes

    def creatives(
        self,
        portal: PortalInPath,
        frame: PortalFrame,
        asked: AskedInAddress,
        sort: Sort = "leads",
        way: Way = "down",
    ) -> HTMLResponse:
        """Leads, matched, qualified, key stages, won and revenue, by creative or campaign and direction."""
        rows = self._rows(portal, asked, sort, way)
        are_loaded = not rows and self._are_loaded(portal, asked)
        other = _other_kind(portal, asked, rows)
        known = self._directions.all(portal.id)
        return frame.page(
            "creatives.html",
            asked=asked,
            rows=rows,
            are_loaded=are_loaded,
            has_own_leads=bool(rows)
            or are_loaded
            or self._are_loaded(portal, Asked(asked.entity_type, asked.by, None, None)),
            other=other,
            became_other=sum(row.matched for row in self._rows(portal, other, sort, way)) if other else 0,
            currencies=currencies_of(rows),
            directions=[{"code": str(one.id), "name": one.name} for one in known],
            key_stages=_names_of_key_stages(frame, known, asked, rows),
            sort=sort,
            way=way,
            picture=_picture(frame, asked, sorted(rows, key=lambda row: -row.leads)[:MOST_BARS]),
            one=lambda row: _address_of(frame, asked, row),
        )

    def csv(
        self,
        portal: PortalInPath,
        frame: PortalFrame,
        asked: AskedInAddress,
        sort: Sort = "leads",
        way: Way = "down",
    ) -> Response:
        """The same rows as a file."""
        rows = self._rows(portal, asked, sort, way)
        currencies = currencies_of(rows)
        titles = [
            _("Creative") if asked.by == "creative" else _("Campaign"),
            _("Direction"),
            _("Own leads"),
            _("Became a lead") if asked.entity_type == "lead" else _("Became a deal"),
            _("Qualified"),
            _("Share qualified"),
            *(_("Key stage 1"), _("Key stage 2"), _("Key stage 3")),
            _("Won"),
            _("Lost"),
            _("Win rate"),
        ]
        head = [
            *(frame.text(title) + (", %" if title in _SHARES else "") for title in titles),
            *(f"{frame.text(_('Revenue'))} {currency}" for currency in currencies),
        ]
        lines = [
            (
                row.name,
                row.direction_name,
                *(row.leads, row.matched, row.qualified),
                _hundredths(row.qualification_rate),
                *row.key_stages,
                *(row.won, row.lost),
                _hundredths(row.win_rate),
                *(row.revenue_by_currency.get(currency) for currency in currencies),
            )
            for row in rows
        ]
        return csv_file(frame.request, f"{portal.name}-{asked.by}s.csv", head, lines)

    def one(
        self,
        portal: PortalInPath,
        frame: PortalFrame,
        asked: AskedInAddress,
        creative: Annotated[Key, Query()] = None,
        campaign: GivenText = None,
        page: Annotated[int, Query(ge=1, le=10_000)] = 1,
    ) -> HTMLResponse:
        """Where the own leads of one creative or campaign stand now, and the list of them, 50 a page."""
        filters = OwnLeadFilters(
            by=asked.by,
            creative=creative,
            campaign=campaign,
            direction=asked.direction,
            first_day=asked.first,
            last_day=asked.last,
        )
        with self._warehouse.connect() as connection:
            built = has_figures(connection)
            stages = standing(connection, portal, asked, creative, campaign) if built else []
            listed = own_leads(connection, portal, filters, most=ROWS, skipped=(page - 1) * ROWS)
            found = count_own_leads(connection, portal, filters)
            name = campaign if asked.by == "campaign" else creative_name(connection, portal.id, creative)
        return frame.page(
            "creative.html",
            asked=asked,
            name=name,
            pipelines=[list(inside) for _key, inside in groupby(stages, lambda stage: stage.category_id)],
            total=sum(stage.own_leads for stage in stages),
            most=max((stage.own_leads for stage in stages), default=0),
            own_leads=as_seen(frame.holder, listed),
            found=found,
            page_number=page,
            rows_a_page=ROWS,
            methods=METHODS,
            chosen_because=CHOSEN,
            unmatched=REASONS,
            back=frame.address("creatives", of=asked.entity_type, by=asked.by),
        )

    def _are_loaded(self, portal: Portal, asked: Asked) -> bool:
        """Whether own leads are there that the figures do not have yet."""
        if asked.direction:
            return False
        with self._warehouse.connect() as connection:
            return bool(
                count_own_leads(
                    connection, portal, OwnLeadFilters(first_day=asked.first, last_day=asked.last)
                )
            )

    def _rows(self, portal: Portal, asked: Asked, sort: str, way: Way) -> list[Brought]:
        with self._warehouse.connect() as connection:
            rows = brought(connection, portal, asked) if has_figures(connection) else []
        return in_order(rows, sort, way)


def _other_kind(portal: Portal, asked: Asked, rows: Sequence[Brought]) -> Asked | None:
    """The same own leads counted by leads instead of deals, or the reverse, where none has become what is counted."""
    if portal.entity_type != "both" or not rows or any(row.matched for row in rows):
        return None
    return replace(asked, entity_type="deal" if asked.entity_type == "lead" else "lead")


def in_order(rows: Sequence[Brought], sort: str, way: Way) -> list[Brought]:
    """The rows by a column, those without a value last; of equal ones the larger first."""
    currency = sort.removeprefix(_REVENUE)
    value: Callable[[Brought], Value] = (
        (lambda row: row.revenue_by_currency.get(currency))
        if sort.startswith(_REVENUE)
        else _VALUES.get(sort, _VALUES["leads"])
    )
    plain = sorted(rows, key=lambda row: (-row.leads, row.name or "", row.direction_name or ""))
    return sorted_by(plain, value, way)


def _hundredths(share: Decimal | None) -> Decimal | None:
    return None if share is None else round(100 * share, 2)


def _names_of_key_stages(
    frame: PageFrame, known: Sequence[Direction], asked: Asked, rows: Sequence[Brought]
) -> list[str | None]:
    """The names of the three key stages of the chosen direction.

    Where none is chosen each direction has its own, and the name is empty; None where no row has such a stage at all.
    """
    found = next((one for one in known if one.id == asked.direction), None)
    stages = found.key_stages if found else []
    names = [frame.stage_name(stage.status_name, stage.status_id, stage.is_deleted) for stage in stages]
    used = ["" if any(row.key_stages[place] is not None for row in rows) else None for place in range(3)]
    return [*names, *used[len(names) :]]


def _address_of(frame: PageFrame, asked: Asked, row: Brought) -> str:
    which = (
        {"creative": row.creative_id or ""}
        if asked.by == "creative"
        else {"campaign": row.utm_campaign or ""}
    )
    return frame.address(
        "creatives/one", of=asked.entity_type, by=asked.by, direction=row.direction_id or "", **which
    )


def _picture(frame: PageFrame, asked: Asked, shown: Sequence[Brought]) -> dict[str, Any]:
    """Own leads, qualified and won ones, the largest on top."""
    series = {
        _("Own leads"): ("#5b8def", [row.leads for row in shown]),
        _("Qualified"): ("#8e6bd1", [row.qualified for row in shown]),
        _("Won"): ("#1f9d63", [row.won for row in shown]),
    }
    return {
        "tooltip": {"trigger": "axis"},
        "legend": {"bottom": 0},
        "grid": {"left": 10, "right": 30, "top": 10, "bottom": 40, "containLabel": True},
        "xAxis": {"type": "value"},
        "yAxis": {
            "type": "category",
            "inverse": True,
            "data": [_short(frame, asked, row) for row in shown],
        },
        "series": [
            {"name": frame.text(name), "type": "bar", "color": color, "data": data}
            for name, (color, data) in series.items()
        ],
    }


def _short(frame: PageFrame, asked: Asked, row: Brought) -> str:
    """What stands at the bar of a row."""
    name = row.name or frame.text(
        _("without a creative") if asked.by == "creative" else _("without a campaign")
    )
    return " · ".join(part[:MOST_LETTERS] for part in (name, row.direction_name) if part)
