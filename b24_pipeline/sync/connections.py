"""Clients of the connected portals, each within the budget that all processes share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from b24_pipeline.bitrix.auth import WebhookCredential
from b24_pipeline.bitrix.budget import LeakyBucketStrategy, LeakyBucketSupport, SharedBudget, parse_rate
from b24_pipeline.bitrix.client import BitrixClient
from b24_pipeline.store.budget import PostgresBudgetStorage, PostgresOperatingStore
from b24_pipeline.store.pool import Warehouse
from b24_pipeline.store.portals import Portal, Portals


@dataclass(frozen=True, slots=True)
class Connections:
    """Opens clients. `rate_limit` overrides the plan's budget; `egress` names our way out, if there are several."""

    warehouse: Warehouse
    portals: Portals
    allowed_portals: Sequence[str] = ()
    rate_limit: str | None = None
    egress: str = ""
    budget_storage: LeakyBucketSupport | None = None  # another place than the database, by setting

    def client(self, portal: Portal) -> BitrixClient:
        """A client of a connected portal."""
        credential = WebhookCredential.parse(self.portals.webhook_url(portal), self.allowed_portals)
        return self.client_of(credential, portal.name, portal.plan)

    def client_of(self, credential: WebhookCredential, label: str, plan: str) -> BitrixClient:
        """A client of a credential that may not be stored yet; `label` names it in messages."""
        bucket = "/".join(filter(None, (credential.address.origin.partition("://")[2], self.egress)))
        storage = self.budget_storage or PostgresBudgetStorage(self.warehouse.autocommit)
        budget = SharedBudget(
            LeakyBucketStrategy(storage),  # type: ignore[arg-type]
            parse_rate(self.rate_limit or plan),
            bucket,
            PostgresOperatingStore(self.warehouse.autocommit),
        )
        return BitrixClient(portal=label, credential=credential, budget=budget)
