"""The page of speed: how long a stage takes, by person and by month, and who has waited too long."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import HTMLResponse

from b24_pipeline.store.database.warehouse import Warehouse
from b24_pipeline.store.figures.pipelines import chosen, pipelines
from b24_pipeline.store.figures.speed import Grouping, Stay, stays, stuck
from b24_pipeline.web.frame.choice import PipelineCode
from b24_pipeline.web.frame.page_frame import PeriodInAddress, PortalFrame, PortalInPath
from b24_pipeline.web.frame.signed_in import SignedIn
from b24_pipeline.web.frame.sorting import Sort, Value, Way, sorted_by

ROWS = 50


class SpeedPage:
    """The route `/p/{portal}/speed`."""

    def __init__(self, warehouse: Warehouse) -> None:
        self._warehouse = warehouse

    def router(self, signed_in: SignedIn) -> APIRouter:
        """The page."""
        routes = signed_in.routes()
        routes.add_api_route("/p/{portal}/speed", self.speed)
        return routes

    def speed(
        self,
        portal: PortalInPath,
        frame: PortalFrame,
        period: PeriodInAddress,
        pipeline: PipelineCode = None,
        by: Grouping = "stage",
        sort: Sort = "",
        way: Way = "down",
        page: Annotated[int, Query(ge=1, le=10_000)] = 1,
    ) -> HTMLResponse:
        """Median and 90th percentile by stage, or the medians by person or month; and the stuck ones, 50 a page.

        `sort`: the code of a stage, by whose median the persons or months are sorted.
        """
        with self._warehouse.connect() as connection:
            known = pipelines(connection, portal.name, portal.entity_type)
            shown = chosen(known, pipeline)
            found = stays(connection, portal, shown, by, period.first, period.last) if shown else []
            waiting = stuck(connection, portal, shown, most=ROWS, skipped=(page - 1) * ROWS) if shown else []
        return frame.page(
            "speed.html",
            pipelines=known,
            pipeline=shown,
            by=by,
            stays=found,
            longest=max((stay.slow_seconds for stay in found), default=0),
            stages=stages_of(found),
            groups_of_stays=_in_order(_grouped(found), sort, way),
            sort=sort,
            way=way,
            stuck=waiting,
            page_number=page,
            rows_a_page=ROWS,
        )


def stages_of(found: Sequence[Stay]) -> list[Stay]:
    """One of each stage, in the order of the pipeline: no single person or month need have visits of all."""
    of_each = {stay.status_id: stay for stay in found}.values()
    return sorted(of_each, key=lambda stay: (stay.status_sort is None, stay.status_sort or 0, stay.status_id))


GroupedStays = tuple[str, dict[str, Stay]]
"""The name of a person or month, and its stays by the code of their stage."""


def _grouped(found: Sequence[Stay]) -> list[GroupedStays]:
    """The stays of each person or month by stage."""
    return [
        (name or "–", {stay.status_id: stay for stay in inside})
        for (_, name), inside in groupby(found, lambda stay: (stay.group_code, stay.group_name))
    ]


def _in_order(groups: Sequence[GroupedStays], stage: str, way: Way) -> list[GroupedStays]:
    """By the median of a stage, those who never left it last; as they are where it is none of the pipeline."""

    def median(group: GroupedStays) -> Value:
        stay = group[1].get(stage)
        return round(stay.median_seconds) if stay else None

    return sorted_by(groups, median, way)
