"""The management call for the audit: who changed what."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import Field

from b24_pipeline.store.access.audit import changes
from b24_pipeline.store.database.warehouse import Warehouse
from b24_pipeline.web.guard import Guard
from b24_pipeline.web.routes.account import Account, CurrentHolder, SeenPortals, chosen_portal
from b24_pipeline.web.routes.management import CamelModel, management_routes

Before = Annotated[
    int | None, Query(ge=1, le=2**63 - 1, description="Only changes with a lower id, to read on.")
]
Most = Annotated[int, Query(ge=1, le=1000, description="At most so many.")]


class ChangeItem(CamelModel):
    """A change of what a person decides."""

    id: int
    changed_at: datetime
    changed_by: str = Field(
        description="A key's name, B24_ADMIN_KEY, a command and who ran it, or `pipeline`: a sync or an event."
    )
    account: str | None = Field(description="The portal's name at that time; null for a key.")
    what: str = Field(
        description="portal, entities, stage flags, key stages, qualification, own leads or key."
    )
    subject: str
    before: Any = Field(description="As it was; null where it is new.")
    after: Any = Field(description="As it is; null where it was deleted.")


class ChangeList(CamelModel):
    """Changes, the latest first."""

    changes: list[ChangeItem]


class AuditCalls:
    """The call `/bitrix24/audit`; `guard` checks the key."""

    def __init__(self, warehouse: Warehouse, guard: Guard) -> None:
        self._warehouse = warehouse
        self._guard = guard

    def router(self) -> APIRouter:
        """The router with the call."""
        routes = management_routes("audit", self._guard, admin=("/audit",))
        routes.add_api_route("/audit", self.audit)
        return routes

    def audit(
        self,
        seen: SeenPortals,
        holder: CurrentHolder,
        account: Account = None,
        before: Before = None,
        most: Most = 100,
    ) -> ChangeList:
        """Who changed what, the latest first: of all portals and keys, or of one portal."""
        portal = None if account is None else chosen_portal(seen, account).id
        found = changes(self._warehouse, portals=holder.portals, portal=portal, before=before, most=most)
        return ChangeList(
            changes=[
                ChangeItem(
                    id=change.id,
                    changed_at=change.changed_at,
                    changed_by=change.changed_by,
                    account=change.portal,
                    what=change.what,
                    subject=change.subject,
                    before=change.before,
                    after=change.after,
                )
                for change in found
            ]
        )
