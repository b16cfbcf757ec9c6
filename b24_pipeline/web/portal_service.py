"""The management calls that ask a portal and wait for its answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from b24_pipeline.bitrix.auth.credentials import WebhookCredential
from b24_pipeline.errors import PortalPaused, SettingsError
from b24_pipeline.store.portals.portal import Portal
from b24_pipeline.sync.connections import Connections
from b24_pipeline.sync.crm.directories import sync_directories
from b24_pipeline.sync.events.watch import check_bindings
from b24_pipeline.sync.options import Options
from b24_pipeline.sync.own_leads.match import MatchOutcome, match
from b24_pipeline.sync.parallel import opened_job
from b24_pipeline.sync.portals.entity_listing import ListedEntity, list_entities
from b24_pipeline.sync.portals.knock import knock
from b24_pipeline.sync.portals.oauth import PortalConnector
from b24_pipeline.sync.portals.webhook import connect_webhook
from b24_pipeline.web.work import Work


@dataclass(frozen=True, slots=True)
class PortalService:
    """Asks the portals of an installation. Without `connecting` none is connected by OAuth, and no events are bound.

    `work` is what nobody waits for.
    """

    connections: Connections
    connecting: PortalConnector | None
    options: Options
    work: Work

    def invite(self, name: str, domain: str, entity_type: str | None) -> str:
        """The link by which somebody else may connect this portal once, within a day.

        Raises AddressRefused, PortalConflict, UsageError, and SettingsError where there is no application.
        """
        if self.connecting is None:
            raise SettingsError("BITRIX24_CLIENT_ID and BITRIX24_CLIENT_SECRET are not set")
        return self.connecting.link(name, domain, entity_type)

    def connect_webhook(self, name: str, url: str, entity_type: str | None) -> Portal:
        """Connects a portal by the address of an inbound webhook, as `b24 portal add` does; `url` holds a secret.

        Raises SettingsError where it is no such address, AddressRefused, UsageError, PortalError, and PortalConflict.
        """
        credential = WebhookCredential.parse(url, self.connections.allowed_portals)
        self.knock(
            credential.address.written
        )  # it answers within seconds, and a client would ask again and again
        portal, _ = connect_webhook(self.connections, name, credential, entity_type=entity_type)
        return portal

    def knock(self, domain: str) -> None:
        """Raises PortalError unless a Bitrix24 portal whose REST is open answers at this address."""
        knock(domain, self.connections.allowed_portals)

    def scopes(self, portal: Portal) -> frozenset[str]:
        """The permissions that the portal grants. Raises PortalError and SettingsError."""
        with self.connections.client(portal) as client:
            return frozenset(str(scope) for scope in client.call("scope").result)

    def disconnect(self, portal: Portal) -> None:
        """Unbinds the portal's events and forgets its secrets; the data stay."""
        if self.connecting:
            self.connecting.disconnect(portal)
        else:
            self.connections.portals.disconnect(portal)

    def set_entity_type(self, portal: Portal, entity_type: str) -> None:
        """Changes whose funnel is counted (lead, deal or both), and with it the events. Raises BindingRefused."""
        if self.connecting:
            self.connecting.set_entity_type(portal, entity_type)
        else:
            self.connections.portals.set_entity_type(portal, entity_type)

    def start_sync(self, portal: Portal) -> None:
        """Has the portal read, and does not wait; what is read and how it ends stands in the sync log.

        Raises PortalPaused where a person has paused it.
        """
        if portal.is_held:
            raise PortalPaused(portal.name)
        self.work.sync(portal)

    def leave_models(self) -> bool:
        """Asks Dagster for a build of the models where this process may not do it; returns whether it has asked."""
        return self.work.leave_models()

    def build_models(self) -> bool:
        """Builds the models in a process of its own and waits for it; returns whether it ended well."""
        return self.work.build_models()

    @property
    def is_asked_of_dagster(self) -> bool:
        """Whether a sync begins only where Dagster's daemon runs: this process may not do it."""
        return self.work.is_asked_of_dagster

    def sync_pipelines(self, portal: Portal) -> int:
        """Reads pipelines, stages and fields again; returns how many stages there are. Raises B24Error."""
        with opened_job(self.connections, portal, self.options) as job:
            outcomes = sync_directories(job, marks_gone=False)
        for outcome in outcomes:
            if outcome.error:
                raise outcome.error
        return next(outcome.rows_read for outcome in outcomes if outcome.entity == "stage")

    def sync_entities(self, portal: Portal, add: Sequence[str] = ()) -> list[ListedEntity]:
        """Asks which entities the portal has beside those of every portal, once `add` are chosen.

        Raises B24Error; where the portal refuses one of them (EntityRefused), or a name is unknown, none is chosen.

        Smart processes that are gone are left for the next sync, as rows of the CRM are not ours to mark.
        """
        with opened_job(self.connections, portal, self.options) as job:
            listed = list_entities(job, add, marks_gone=False)
            if add:
                check_bindings(job)
        return listed

    def sync_leads(self, portal: Portal, entity_type: str | None) -> MatchOutcome:
        """Matches own ad leads. Raises B24Error where it could not be done to the end."""
        with opened_job(self.connections, portal, self.options) as job:
            matched = match(job, entity_type)
        if matched.error:
            raise matched.error
        return matched
