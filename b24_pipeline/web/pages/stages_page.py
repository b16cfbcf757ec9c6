"""The page of a portal's stages, with the flags by which leads and deals are counted."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Form
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from b24_pipeline.errors import FlagsContradict, UnknownStage
from b24_pipeline.store.crm.stage_flags import Flags, Stage, StageFlags
from b24_pipeline.store.database.warehouse import Warehouse
from b24_pipeline.store.figures.flags_preview import preview_flags
from b24_pipeline.store.portals.portal import Portal
from b24_pipeline.web.frame.page_frame import PageFrame, PortalFrame, PortalInPath
from b24_pipeline.web.frame.signed_in import SignedIn
from b24_pipeline.web.problems import answer_to

Flag = Annotated[bool, Form()]


class StagesPage:
    """The routes `/p/{portal}/stages...`: the flags are shown, tried and set."""

    def __init__(self, warehouse: Warehouse) -> None:
        self._warehouse = warehouse
        self._flags = StageFlags(warehouse)

    def router(self, signed_in: SignedIn) -> APIRouter:
        """The page and its forms."""
        routes = signed_in.routes()
        routes.add_api_route("/p/{portal}/stages", self.stages)
        routes.add_api_route("/p/{portal}/stages/preview", self.preview, methods=["POST"])
        routes.add_api_route("/p/{portal}/stages", self.save, methods=["POST"])
        return routes

    def stages(self, portal: PortalInPath, frame: PortalFrame) -> HTMLResponse:
        """Pipelines and stages in the portal's order and colours."""
        return self._page(frame, portal)

    def preview(
        self,
        portal: PortalInPath,
        frame: PortalFrame,
        stage: Annotated[UUID, Form()],
        is_qualified: Flag = False,
        is_success: Flag = False,
        is_fail: Flag = False,
    ) -> HTMLResponse:
        """What these flags of a stage would change in numbers; nothing is saved."""
        found = next((one for one in self._flags.stages(portal.id) if one.id == stage), None)
        if found is None:
            raise UnknownStage(stage)
        wanted = Flags(is_qualified, is_success, is_fail)
        if is_success and is_fail:
            return self._page(frame, portal, status=422, problem=answer_to(FlagsContradict()))
        with self._warehouse.connect() as connection:
            figures = preview_flags(
                connection,
                portal.id,
                found.entity_type,
                stage,
                is_qualified=is_qualified,
                is_success=is_success,
                is_fail=is_fail,
            )
        return self._page(frame, portal, tried=found, wanted=wanted, figures=figures)

    def save(
        self,
        portal: PortalInPath,
        frame: PortalFrame,
        stage: Annotated[UUID, Form()],
        is_qualified: Flag = False,
        is_success: Flag = False,
        is_fail: Flag = False,
    ) -> Response:
        """Sets the flags of a stage; every sync keeps them."""
        try:
            self._flags.set_flags(portal.id, stage, Flags(is_qualified, is_success, is_fail))
        except FlagsContradict as error:
            return self._page(frame, portal, status=422, problem=answer_to(error))
        return RedirectResponse(frame.address("stages", saved="yes"), 303)

    def _page(self, frame: PageFrame, portal: Portal, status: int = 200, **values: Any) -> HTMLResponse:
        shown = {"problem": None, "tried": None, "wanted": None, "figures": None} | values
        pipelines = _pipelines(self._flags.stages(portal.id))
        return frame.page("stages.html", status=status, pipelines=pipelines, **shown)


def _pipelines(stages: Sequence[Stage]) -> list[tuple[Stage, list[Stage]]]:
    """The stages of each pipeline, with the first of them."""
    groups = groupby(stages, lambda stage: (stage.entity_type, stage.category_id))
    found = [list(inside) for _, inside in groups]
    return [(inside[0], inside) for inside in found]
