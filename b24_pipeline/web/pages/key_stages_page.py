"""The page of key stages: for each direction of advertising up to three stages that tell how good its leads are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Form
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from b24_pipeline.errors import DirectionExists, UnknownStage, UsageError
from b24_pipeline.store.crm.stage_flags import Stage, StageFlags
from b24_pipeline.store.database.warehouse import Warehouse
from b24_pipeline.store.figures.key_stages_reached import key_stages_reached
from b24_pipeline.store.own_leads.directions import Directions, StageCode
from b24_pipeline.store.portals.portal import Portal
from b24_pipeline.web.frame.page_frame import PageFrame, PortalFrame, PortalInPath
from b24_pipeline.web.frame.signed_in import SignedIn
from b24_pipeline.web.problems import answer_to

PLACES = 3
Code = Annotated[str, Form(max_length=120)]


class KeyStagesPage:
    """The routes `/p/{portal}/key-stages...`."""

    def __init__(self, warehouse: Warehouse) -> None:
        self._warehouse = warehouse
        self._directions = Directions(warehouse)
        self._flags = StageFlags(warehouse)

    def router(self, signed_in: SignedIn) -> APIRouter:
        """The page and its forms."""
        routes = signed_in.routes()
        path = "/p/{portal}/key-stages"
        routes.add_api_route(path, self.key_stages)
        routes.add_api_route(path, self.save, methods=["POST"])
        routes.add_api_route(f"{path}/directions", self.add, methods=["POST"])
        return routes

    def key_stages(self, portal: PortalInPath, frame: PortalFrame) -> HTMLResponse:
        """The directions, their key stages, and how many own leads reached each."""
        return self._page(frame, portal)

    def save(
        self,
        portal: PortalInPath,
        frame: PortalFrame,
        direction: Annotated[UUID, Form()],
        stage1: Code = "",
        stage2: Code = "",
        stage3: Code = "",
    ) -> Response:
        """Replaces the key stages of a direction; empty ones are left out."""
        given = [stage1, stage2, stage3]
        try:
            entity_type, codes = stage_codes(given)
            self._directions.set_key_stages(portal.id, direction, entity_type, codes)
        except UsageError as error:
            return self._page(
                frame, portal, status=422, problem=answer_to(error), given_of=direction, given=given
            )
        return RedirectResponse(frame.address("key-stages", saved="yes"), 303)

    def add(
        self, portal: PortalInPath, frame: PortalFrame, name: Annotated[str, Form(max_length=500)] = ""
    ) -> Response:
        """Adds a direction; imports of own leads add those that their rows name by themselves."""
        try:
            self._directions.add(portal.id, direction_name(name))
        except (DirectionExists, UsageError) as error:
            return self._page(frame, portal, status=422, problem=answer_to(error), name=name)
        return RedirectResponse(frame.address("key-stages"), 303)

    def _page(self, frame: PageFrame, portal: Portal, status: int = 200, **values: Any) -> HTMLResponse:
        with self._warehouse.connect() as connection:
            reached = key_stages_reached(connection, portal.name)
        return frame.page(
            "key_stages.html",
            status=status,
            directions=self._directions.all(portal.id),
            reached=reached,
            stages=[(code_of(stage), stage) for stage in self._flags.stages(portal.id)],
            places=range(1, PLACES + 1),
            **({"problem": None, "given_of": None, "given": (), "name": ""} | values),
        )


def direction_name(text: str) -> str:
    """The name as it was typed, without blanks around it. Raises UsageError where nothing was."""
    if not text.strip():
        raise UsageError("a direction needs a name").of_case("direction_name")
    return text.strip()


def code_of(stage: Stage) -> str:
    """A stage in a form: deal:0:NEW."""
    return f"{stage.entity_type}:{stage.category_id}:{stage.status_id}"


def stage_codes(given: Sequence[str]) -> tuple[str, list[StageCode]]:
    """Whose stages were chosen, and which; those of a direction are all of leads or all of deals. Raises UsageError."""
    chosen = [code.split(":", 2) for code in given if code]
    if len(set(map(tuple, chosen))) < len(chosen):
        raise UsageError("the key stages of a direction differ from one another").of_case(
            "key_stages_repeated"
        )
    kinds = {parts[0] for parts in chosen}
    if len(kinds) > 1:
        raise UsageError("the key stages of a direction are all of leads, or all of deals").of_case(
            "key_stages_mixed"
        )
    try:
        return kinds.pop() if kinds else "deal", [(int(parts[1]), parts[2]) for parts in chosen]
    except (IndexError, ValueError):
        raise UnknownStage(given) from None
