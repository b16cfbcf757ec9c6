"""The page of the portals: how each stands, and what can be done with it."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Form
from fastapi.responses import HTMLResponse, RedirectResponse

from b24_pipeline.errors import RoleTooLow
from b24_pipeline.store.access.holder import KeyHolder
from b24_pipeline.store.database.warehouse import Warehouse
from b24_pipeline.store.figures.portal_standing import portal_states
from b24_pipeline.web.frame.page_frame import PlainFrame, PortalInPath
from b24_pipeline.web.frame.signed_in import SignedIn
from b24_pipeline.web.portal_service import PortalService
from b24_pipeline.web.routes.account import CurrentHolder

PORTALS = "/portals"


class PortalsPage:
    """The routes `/portals...`. A manager starts syncs; an admin chooses what is counted, and disconnects."""

    def __init__(self, warehouse: Warehouse, service: PortalService) -> None:
        self._warehouse = warehouse
        self._service = service

    def router(self, signed_in: SignedIn) -> APIRouter:
        """The page and its forms."""
        routes = signed_in.routes()
        routes.add_api_route(PORTALS, self.portals)
        for name, form in (("sync", self.sync), ("counted", self.count), ("disconnect", self.disconnect)):
            routes.add_api_route(f"{PORTALS}/{{portal}}/{name}", form, methods=["POST"])
        return routes

    def portals(self, frame: PlainFrame) -> HTMLResponse:
        """One card a portal: its address, how far behind it is, whether it agrees with the portal, events."""
        with self._warehouse.connect() as connection:
            states = portal_states(connection, {portal.id for portal in frame.portals})
        return frame.page(
            "portals.html", states=states, is_syncing=any(state.is_syncing for state in states.values())
        )

    def sync(self, portal: PortalInPath) -> RedirectResponse:
        """Starts a sync, which the page shows at work."""
        self._service.start_sync(portal)
        return RedirectResponse(f"{PORTALS}?started={portal.name}", 303)

    def count(
        self,
        portal: PortalInPath,
        holder: CurrentHolder,
        counted: Annotated[Literal["lead", "deal", "both"], Form()],
    ) -> RedirectResponse:
        """Sets whose funnel is counted; the events are bound anew."""
        _require_admin(holder)
        self._service.set_entity_type(portal, counted)
        return RedirectResponse(PORTALS, 303)

    def disconnect(self, portal: PortalInPath, holder: CurrentHolder) -> RedirectResponse:
        """Unbinds the portal's events and forgets its secrets; the copied data stay."""
        _require_admin(holder)
        self._service.disconnect(portal)
        return RedirectResponse(PORTALS, 303)


def _require_admin(holder: KeyHolder) -> None:
    if not holder.may("admin"):
        raise RoleTooLow(f"{holder.name!r} has the role {holder.role}; this needs admin")
