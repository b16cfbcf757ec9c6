"""The management call that matches own ad leads to the CRM."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter
from pydantic import ConfigDict, Field

from b24_pipeline.web.guard import Guard
from b24_pipeline.web.portal_service import PortalService
from b24_pipeline.web.routes.account import ChosenPortal
from b24_pipeline.web.routes.management import CamelModel, management_routes


class WantedMatches(CamelModel):
    """The entity type that the portal is searched for; if left out, what is counted of the portal."""

    model_config = ConfigDict(extra="forbid")

    entity_type: Literal["lead", "deal", "both"] | None = None


class MatchCounts(CamelModel):
    """Figures of a matching that has ended."""

    success: bool = Field(description="Whether the portal searched for every phone.")
    linked: int = Field(description="Own leads that were linked to the CRM for the first time.")
    updated: int = Field(description="Own leads whose link or whose stage changed.")
    errors: int = Field(
        description="Phones that the portal did not search for; the next call tries them again."
    )


class OwnLeadCalls:
    """The call `/bitrix24/sync-leads`; `guard` checks the key."""

    def __init__(self, service: PortalService, guard: Guard) -> None:
        self._service = service
        self._guard = guard

    def router(self) -> APIRouter:
        """The router with the call."""
        routes = management_routes("own leads", self._guard)
        routes.add_api_route("/sync-leads", self.sync_leads, methods=["POST"])
        return routes

    def sync_leads(self, portal: ChosenPortal, wanted: WantedMatches | None = None) -> MatchCounts:
        """Matches own ad leads by phone: in the copy of the CRM, then by the portal's own search.

        A phone that the portal did not find is searched for again after a day, or when it has changed.
        """
        matched = self._service.sync_leads(portal, wanted.entity_type if wanted else None)
        return MatchCounts(
            success=matched.worked,
            linked=matched.linked,
            updated=matched.updated,
            errors=matched.unsearched,
        )
