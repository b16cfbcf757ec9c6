"""The management calls of one portal: its status, its entity type, its pipelines, and disconnecting it."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from fastapi import APIRouter
from pydantic import Field

from b24_pipeline.store.database.warehouse import Warehouse
from b24_pipeline.store.portals import pauses
from b24_pipeline.store.portals.portal import Portal
from b24_pipeline.web.guard import Guard
from b24_pipeline.web.portal_service import PortalService
from b24_pipeline.web.routes.account import (
    Account,
    ChosenPortal,
    CurrentHolder,
    SeenPortals,
    chosen_portal,
)
from b24_pipeline.web.routes.management import CamelModel, management_routes

EntityType = Literal["lead", "deal", "both"]


class Status(CamelModel):
    """The status of a portal; all fields but `connected` are null where there is no portal."""

    connected: bool
    account: str | None = None
    domain: str | None = None
    member_id: str | None = None
    entity_type: EntityType | None = None
    token_expires_at: datetime | None = None
    connected_at: datetime | None = None
    status: Literal["connected", "reauthorization_required", "paused", "disconnected"] | None = None
    reason: str | None = None


class Disconnected(CamelModel):
    """The answer to a disconnect: the tokens are forgotten, the data stay."""

    success: Literal[True] = True
    account: str


class Funnel(CamelModel):
    """Whose funnel a portal counts: of leads, of deals, or of both."""

    entity_type: EntityType


class FunnelChanged(Funnel):
    """The funnel that is counted from now on."""

    success: Literal[True] = True


class PipelinesSynced(Funnel):
    """The number of stages that the portal has now."""

    success: Literal[True] = True
    count: int


class Invited(CamelModel):
    """The portal that somebody else may connect: its name in this service, and its address."""

    account: str = Field(max_length=63)
    domain: str = Field(max_length=255)
    entity_type: EntityType | None = None


class InvitationLink(CamelModel):
    """The link that connects the portal, once and within a day; whoever has it may use it."""

    link: str


class StatusChanged(CamelModel):
    """The status that the portal has from now on."""

    success: Literal[True] = True
    account: str
    status: Literal["connected", "paused"]


ADMIN = ("/invitations", "/disconnect", "/pause", "/resume", "/entity-type")


class PortalCalls:
    """The calls `/bitrix24/status`, `invitations`, `disconnect`, `pause`, `resume`, `entity-type` and `sync-pipelines`.

    `guard` checks the key.
    """

    def __init__(self, service: PortalService, warehouse: Warehouse, guard: Guard) -> None:
        self._service = service
        self._warehouse = warehouse
        self._guard = guard

    def router(self) -> APIRouter:
        """The router with the calls."""
        routes = management_routes("portals", self._guard, admin=ADMIN)
        routes.add_api_route("/status", self.status)
        routes.add_api_route("/invitations", self.invite, methods=["POST"])
        routes.add_api_route("/disconnect", self.disconnect, methods=["DELETE"])
        routes.add_api_route("/pause", self.pause, methods=["POST"])
        routes.add_api_route("/resume", self.resume, methods=["POST"])
        routes.add_api_route("/entity-type", self.change_entity_type, methods=["POST"])
        routes.add_api_route("/sync-pipelines", self.sync_pipelines, methods=["POST"])
        return routes

    def status(self, seen: SeenPortals, account: Account = None) -> Status:
        """The status of the portal."""
        if account is None and not seen:
            return Status(connected=False)
        return _status(chosen_portal(seen, account))

    def invite(self, wanted: Invited, holder: CurrentHolder, seen: SeenPortals) -> InvitationLink:
        """Makes the link by which somebody else connects a portal, as `b24 portal connect` prints it."""
        if holder.portals is not None:
            chosen_portal(seen, wanted.account)  # a key for some portals connects no others
        return InvitationLink(link=self._service.invite(wanted.account, wanted.domain, wanted.entity_type))

    def disconnect(self, portal: ChosenPortal) -> Disconnected:
        """Unbinds the portal's events and forgets its tokens; the copied data stay."""
        self._service.disconnect(portal)
        return Disconnected(account=portal.name)

    def pause(self, portal: ChosenPortal) -> StatusChanged:
        """Has nothing asked of the portal until it is resumed; its events are kept meanwhile."""
        pauses.pause(self._warehouse, portal)
        return StatusChanged(account=portal.name, status="paused")

    def resume(self, portal: ChosenPortal) -> StatusChanged:
        """Lets a portal go on that was paused: the next sync reads what has changed meanwhile."""
        pauses.resume(self._warehouse, portal)
        return StatusChanged(account=portal.name, status="connected")

    def change_entity_type(self, wanted: Funnel, portal: ChosenPortal) -> FunnelChanged:
        """Sets whose funnel is counted: of leads, of deals, or of both. The events are bound anew."""
        self._service.set_entity_type(portal, wanted.entity_type)
        return FunnelChanged(entity_type=wanted.entity_type)

    def sync_pipelines(self, portal: ChosenPortal) -> PipelinesSynced:
        """Reads the portal's pipelines, stages and fields again."""
        count = self._service.sync_pipelines(portal)
        return PipelinesSynced(count=count, entity_type=_entity_type(portal))


def _entity_type(portal: Portal) -> EntityType:
    return Funnel.model_validate({"entityType": portal.entity_type}).entity_type


def _status(portal: Portal) -> Status:
    return Status.model_validate(
        {
            "connected": portal.status == "connected",
            "account": portal.name,
            "domain": portal.domain,
            "member_id": portal.member_id,
            "entity_type": portal.entity_type,
            "token_expires_at": portal.token_expires_at,
            "connected_at": portal.connected_at,
            "status": portal.status,
            "reason": portal.status_reason,
        }
    )
