"""Connects portals by an inbound webhook: nothing is stored unless the portal answers and lets the CRM be read."""

from __future__ import annotations

from b24_pipeline.bitrix.auth.credentials import WebhookCredential
from b24_pipeline.store.portals.portal import Portal
from b24_pipeline.store.portals.portal_names import require_name, require_new_name
from b24_pipeline.sync.connections import Connections
from b24_pipeline.sync.portals.probe import Probe, probe


def connect_webhook(
    connections: Connections,
    name: str,
    credential: WebhookCredential,
    *,
    entity_type: str | None = None,
    plan: str | None = None,
    moved: bool = False,
    application_token: str | None = None,
) -> tuple[Portal, Probe]:
    """The portal as it is stored, and what the probe found; a known one keeps entity type and plan that are None.

    `moved`: it is the same portal at a new address. `application_token` proves the events of its outbound webhook.
    Raises UsageError for the name, what a probe raises, and PortalConflict where two portals would be mixed.
    """
    require_name(name)
    known = next((portal for portal in connections.portals.all() if portal.name == name), None)
    if known is None:
        require_new_name(name)
    counted = entity_type or (known.entity_type if known else "both")
    budget = plan or (known.plan if known else "standard")
    with connections.client_of(credential, f"{name} ({credential.address.named})", budget) as client:
        found = probe(client)
    portal = connections.portals.add_webhook(
        name,
        credential.address.domain,
        credential.base_url,
        entity_type=counted,
        plan=budget,
        user_id=found.user_id,
        time_zone=found.time_zone,
        moved=moved,
        application_token=application_token,
    )
    connections.portals.note_admin(portal, is_admin=found.is_admin)
    return portal, found
