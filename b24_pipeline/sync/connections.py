"""Opens clients of portals, each within the request budget that all processes share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from b24_pipeline.bitrix.auth.credentials import AppCredential, Credential, WebhookCredential
from b24_pipeline.bitrix.auth.oauth import OAuthApp
from b24_pipeline.bitrix.budget.shared import (
    LeakyBucketStrategy,
    LeakyBucketSupport,
    SharedBudget,
    parse_rate,
)
from b24_pipeline.bitrix.client import BitrixClient, Keeper
from b24_pipeline.bitrix.http.address import read_address
from b24_pipeline.errors import SettingsError
from b24_pipeline.store.database.warehouse import Warehouse
from b24_pipeline.store.portals.budget import PostgresBudgetStorage, PostgresOperatingStore
from b24_pipeline.store.portals.portal import Portal
from b24_pipeline.store.portals.portals import Portals
from b24_pipeline.store.portals.tokens import StoredTokens
from b24_pipeline.sync.keepers import AppKeeper, StatusKeeper


@dataclass(frozen=True, slots=True)
class Connections:
    """Opens clients of an installation's portals.

    `allowed_portals`: host patterns beyond the Bitrix24 clouds. `rate_limit` overrides the plan's budget. `egress`
    names our outgoing address where there are several, as each has a budget of its own. `oauth`: our application;
    without it only portals with a webhook credential can be read.
    """

    warehouse: Warehouse
    portals: Portals
    allowed_portals: Sequence[str] = ()
    rate_limit: str | None = None
    egress: str = ""
    budget_storage: LeakyBucketSupport | None = None  # another place than the database, by setting
    oauth: OAuthApp | None = None

    def client(self, portal: Portal) -> BitrixClient:
        """A client of a connected portal. Raises PortalDisconnected, and SettingsError if it needs an application."""
        if portal.connected_by == "oauth":
            return self._app_client(portal)
        credential = WebhookCredential.parse(self.portals.webhook_url(portal), self.allowed_portals)
        return self.client_of(credential, portal.name, portal.plan, StatusKeeper(self.portals, portal))

    def client_of(
        self, credential: Credential, label: str, plan: str, keeper: Keeper | None = None
    ) -> BitrixClient:
        """A client of a credential that need not be stored yet; messages name the portal by `label`."""
        bucket = "/".join(filter(None, (credential.address.domain, self.egress)))
        budget = SharedBudget(
            LeakyBucketStrategy(self.shared_buckets),  # type: ignore[arg-type]
            parse_rate(self.rate_limit or plan),
            bucket,
            PostgresOperatingStore(self.warehouse.autocommit),
        )
        return BitrixClient(portal=label, credential=credential, budget=budget, keeper=keeper)

    @property
    def shared_buckets(self) -> LeakyBucketSupport:
        """The leaky buckets that all processes share: in the database, or where a setting puts them."""
        return self.budget_storage or PostgresBudgetStorage(self.warehouse.autocommit)

    def _app_client(self, portal: Portal) -> BitrixClient:
        if self.oauth is None:
            raise SettingsError(
                f"{portal.name} is connected by OAuth; set BITRIX24_CLIENT_ID and BITRIX24_CLIENT_SECRET"
            )
        tokens = StoredTokens(self.warehouse, self.portals.vault, portal, self.oauth.refresh)
        address = read_address(portal.domain, self.allowed_portals)
        keeper = AppKeeper(self.portals, portal, self.oauth, tokens, self.allowed_portals)
        return self.client_of(AppCredential(address, tokens), portal.name, portal.plan, keeper)
