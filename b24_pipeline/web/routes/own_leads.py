"""The management call for own ad leads: match them to the CRM now."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter
from pydantic import ConfigDict, Field

from b24_pipeline.store.portals.portals import Portals
from b24_pipeline.web.middleware.security import Guard
from b24_pipeline.web.portal_service import PortalService
from b24_pipeline.web.routes.account import Account, chosen_portal
from b24_pipeline.web.routes.management import CamelModel, management_routes


class WantedMatches(CamelModel):
    """What the portal is searched for; without it, what is counted of it."""

    model_config = ConfigDict(extra="forbid")

    entity_type: Literal["lead", "deal", "both"] | None = None


class ToldMatches(CamelModel):
    """What the matching did."""

    success: bool = Field(description="Whether the portal searched for every phone.")
    linked: int = Field(description="Own leads that are newly linked to the CRM.")
    updated: int = Field(description="Own leads that are linked to something else, or stand elsewhere, now.")
    errors: int = Field(description="Phones that the portal did not search for; the next call does it again.")


class OwnLeadCalls:
    """`/bitrix24/sync-leads`, behind the guard."""

    def __init__(self, portals: Portals, service: PortalService, guard: Guard) -> None:
        self._portals = portals
        self._service = service
        self._guard = guard

    def router(self) -> APIRouter:
        """The route."""
        routes = management_routes("own leads", self._guard)
        routes.add_api_route("/sync-leads", self.sync_leads, methods=["POST"])
        return routes

    def sync_leads(self, wanted: WantedMatches | None = None, account: Account = None) -> ToldMatches:
        """Matches own ad leads by phone: in what was copied of the CRM, then by the portal's own search.

        What the portal did not find is searched for again after a day, or when the phone has changed.
        """
        portal = chosen_portal(self._portals, account)
        done = self._service.sync_leads(portal, wanted.entity_type if wanted else None)
        return ToldMatches(
            success=done.worked, linked=done.linked, updated=done.updated, errors=done.unsearched
        )
