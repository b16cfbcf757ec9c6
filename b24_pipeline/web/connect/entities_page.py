"""The page of what is read of a portal beside leads, deals, contacts and companies."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

from fastapi import APIRouter, Form
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from b24_pipeline.errors import EntityRefused
from b24_pipeline.store.database.warehouse import Warehouse
from b24_pipeline.store.portals import entity_choice
from b24_pipeline.store.portals.portal import Portal
from b24_pipeline.sync.portals.entity_listing import ListedEntity
from b24_pipeline.web.frame.page_frame import PageFrame, PortalFrame, PortalInPath
from b24_pipeline.web.frame.signed_in import SignedIn
from b24_pipeline.web.portal_service import PortalService
from b24_pipeline.web.problems import ProblemAnswer, answer_to

PATH = "/p/{portal}/entities"


class EntitiesPage:
    """The routes `/p/{portal}/entities...`: managers ask the portal, admins choose."""

    def __init__(self, warehouse: Warehouse, service: PortalService) -> None:
        self._warehouse = warehouse
        self._service = service

    def routers(self, signed_in: SignedIn) -> list[APIRouter]:
        """The page and its forms, by the role that they need."""
        for_managers, for_admins = signed_in.routes(), signed_in.routes(change="admin")
        for_managers.add_api_route(PATH, self.entities)
        for_managers.add_api_route(f"{PATH}/ask", self.ask, methods=["POST"])
        for_admins.add_api_route(PATH, self.choose, methods=["POST"])
        return [for_managers, for_admins]

    def entities(self, portal: PortalInPath, frame: PortalFrame) -> HTMLResponse:
        """What was found in the portal when it was asked last, what is read first; the portal is not asked."""
        return self._known(portal, frame)

    def ask(self, portal: PortalInPath, frame: PortalFrame) -> HTMLResponse:
        """The same as the portal has it now, with the number of its rows: two requests."""
        return _page(frame, self._service.sync_entities(portal), is_asked=True)

    def choose(
        self,
        portal: PortalInPath,
        frame: PortalFrame,
        entity: Annotated[str, Form(max_length=40)],
        wanted: Annotated[Literal["read", "left"], Form()],
    ) -> Response:
        """Has an entity read from the next sync on, if the portal shows it; or no more, and its rows stay."""
        if wanted == "read":
            try:
                self._service.sync_entities(portal, [entity])
            except EntityRefused as error:
                return self._known(portal, frame, answer_to(error))
        else:
            self._warehouse.transact(entity_choice.leave, portal.id, [entity])
        return RedirectResponse(frame.address("entities", saved=wanted), 303)

    def _known(self, portal: Portal, frame: PageFrame, problem: ProblemAnswer | None = None) -> HTMLResponse:
        known = self._warehouse.transact(entity_choice.known_entities, portal.id)
        return _page(frame, [ListedEntity(one) for one in known], is_asked=False, problem=problem)


def _page(
    frame: PageFrame, listed: Sequence[ListedEntity], *, is_asked: bool, problem: ProblemAnswer | None = None
) -> HTMLResponse:
    status = problem.status if problem else 200
    return frame.page("entities.html", status=status, listed=listed, is_asked=is_asked, problem=problem)
