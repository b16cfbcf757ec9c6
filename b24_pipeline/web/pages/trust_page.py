"""The page of trust: our figures beside the portal's, what was read and proved, and the events."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Form
from fastapi.responses import HTMLResponse, RedirectResponse

from b24_pipeline.store.checks.coverage import coverage
from b24_pipeline.store.database.warehouse import Warehouse
from b24_pipeline.store.events.backlog import replay
from b24_pipeline.store.figures.trust import (
    comparisons,
    event_counts,
    failed_events,
    recurring_templates,
    syncs,
)
from b24_pipeline.web.frame.page_frame import PortalFrame, PortalInPath
from b24_pipeline.web.frame.signed_in import SignedIn
from b24_pipeline.web.pages.explanations import explained

MOST_DAYS = 30


class TrustPage:
    """The routes `/p/{portal}/trust...`."""

    def __init__(self, warehouse: Warehouse) -> None:
        self._warehouse = warehouse

    def router(self, signed_in: SignedIn) -> APIRouter:
        """The page, and the form that has events handled again."""
        routes = signed_in.routes()
        routes.add_api_route("/p/{portal}/trust", self.trust)
        routes.add_api_route("/p/{portal}/trust/replay", self.replay, methods=["POST"])
        return routes

    def trust(self, portal: PortalInPath, frame: PortalFrame) -> HTMLResponse:
        """Stage by stage beside the portal, proofs, the last syncs, and events by their state."""
        with self._warehouse.connect() as connection:
            compared = comparisons(connection, portal.name)
            proofs = coverage(connection, portal.id)
            runs = syncs(connection, portal.id)
            events = event_counts(connection, portal.id)
            failed = failed_events(connection, portal.id)
            templates = recurring_templates(connection, portal.id)
        return frame.page(
            "trust.html",
            comparisons=compared,
            wrong=sum(not stage.is_explained for stage in compared),
            differing=sum(not stage.is_equal for stage in compared),
            proofs=proofs,
            syncs=runs,
            events=events,
            failed=failed,
            explained=explained,
            templates=templates,
            is_public=frame.request.app.state.connect_values.is_public,
        )

    def replay(
        self,
        portal: PortalInPath,
        frame: PortalFrame,
        days: Annotated[int, Form(ge=1, le=MOST_DAYS)] = 1,
    ) -> RedirectResponse:
        """Has the events of the last days handled again: an event is a hint to fetch, so nothing is counted twice."""
        since = datetime.now(UTC) - timedelta(days=days)
        replayed = self._warehouse.transact(replay, since, [portal.id])
        return RedirectResponse(frame.address("trust", replayed=replayed), 303)
