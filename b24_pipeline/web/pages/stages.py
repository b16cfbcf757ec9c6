"""The page of a portal's stages, with the flags by which leads and deals are counted."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from b24_pipeline.store.crm.stage_flags import Stage, StageFlags
from b24_pipeline.store.database.warehouse import Warehouse
from b24_pipeline.web.frame.page_frame import PortalFrame, PortalInPath
from b24_pipeline.web.frame.signed_in import SignedIn


class StagesPage:
    """The routes `/p/{portal}/stages`."""

    def __init__(self, warehouse: Warehouse) -> None:
        self._flags = StageFlags(warehouse)

    def router(self, signed_in: SignedIn) -> APIRouter:
        """The page and its form."""
        routes = signed_in.routes()
        routes.add_api_route("/p/{portal}/stages", self.stages)
        return routes

    def stages(self, portal: PortalInPath, frame: PortalFrame) -> HTMLResponse:
        """Pipelines and stages in the portal's order and colours."""
        return frame.page("stages.html", pipelines=_pipelines(self._flags.stages(portal.id)))


def _pipelines(stages: Sequence[Stage]) -> list[tuple[Stage, list[Stage]]]:
    """The stages of each pipeline, with the first of them."""
    groups = groupby(stages, lambda stage: (stage.entity_type, stage.category_id))
    found = [list(inside) for _, inside in groups]
    return [(inside[0], inside) for inside in found]
