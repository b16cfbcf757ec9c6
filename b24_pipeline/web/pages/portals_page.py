"""The page of the portals: how each stands, and what can be done with it."""

from __future__ import annotations

from time import time
from typing import Annotated, Literal

from fastapi import APIRouter, Form, Query
from fastapi.responses import HTMLResponse, RedirectResponse

from b24_pipeline.store.database.warehouse import Warehouse
from b24_pipeline.store.figures.portal_standing import portal_states
from b24_pipeline.store.portals import pauses
from b24_pipeline.web.frame.page_frame import PlainFrame, PortalInPath
from b24_pipeline.web.frame.signed_in import SignedIn
from b24_pipeline.web.portal_service import PortalService

PORTALS = "/portals"
AWAITED_SECONDS = 60
"""So long the page looks for a sync that somebody has started: Dagster's sensor takes some seconds to begin it."""


class PortalsPage:
    """The routes `/portals...`. A manager starts syncs; an admin chooses what is counted, pauses and disconnects."""

    def __init__(self, warehouse: Warehouse, service: PortalService) -> None:
        self._warehouse = warehouse
        self._service = service

    def routers(self, signed_in: SignedIn) -> list[APIRouter]:
        """The page and its forms, by the role that they need."""
        for_managers, for_admins = signed_in.routes(), signed_in.routes(change="admin")
        for_managers.add_api_route(PORTALS, self.portals)
        for_managers.add_api_route(f"{PORTALS}/{{portal}}/sync", self.sync, methods=["POST"])
        for name, form in (
            ("counted", self.count),
            ("pause", self.pause),
            ("resume", self.resume),
            ("disconnect", self.disconnect),
        ):
            for_admins.add_api_route(f"{PORTALS}/{{portal}}/{name}", form, methods=["POST"])
        return [for_managers, for_admins]

    def portals(self, frame: PlainFrame, at: Annotated[int, Query(ge=0)] = 0) -> HTMLResponse:
        """One card a portal: its address, how far behind it is, whether it agrees with the portal, events.

        `at`: when a sync was started on this page, in seconds since 1970; it may not be seen at work yet.
        """
        with self._warehouse.connect() as connection:
            states = portal_states(connection, {portal.id for portal in frame.portals})
        return frame.page(
            "portals.html",
            states=states,
            is_syncing=any(state.is_syncing for state in states.values()),
            is_awaited=time() - at < AWAITED_SECONDS,
        )

    def sync(self, portal: PortalInPath) -> RedirectResponse:
        """Starts a sync, which the page shows at work."""
        self._service.start_sync(portal)
        return RedirectResponse(f"{PORTALS}?started={portal.name}&at={int(time())}", 303)

    def count(
        self,
        portal: PortalInPath,
        counted: Annotated[Literal["lead", "deal", "both"], Form()],
    ) -> RedirectResponse:
        """Sets whose funnel is counted; the events are bound anew."""
        self._service.set_entity_type(portal, counted)
        return RedirectResponse(PORTALS, 303)

    def pause(self, portal: PortalInPath) -> RedirectResponse:
        """Has nothing asked of the portal until somebody lets it go on."""
        pauses.pause(self._warehouse, portal)
        return RedirectResponse(PORTALS, 303)

    def resume(self, portal: PortalInPath) -> RedirectResponse:
        """Lets a portal go on that somebody has paused."""
        pauses.resume(self._warehouse, portal)
        return RedirectResponse(PORTALS, 303)

    def disconnect(self, portal: PortalInPath) -> RedirectResponse:
        """Unbinds the portal's events and forgets its secrets; the copied data stay."""
        self._service.disconnect(portal)
        return RedirectResponse(PORTALS, 303)
