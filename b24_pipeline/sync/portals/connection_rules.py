"""What a portal and whoever connects it must fulfil."""

from __future__ import annotations

from b24_pipeline.bitrix.http.address import PortalAddress
from b24_pipeline.errors import InvitationRefused, NotAdministrator, OtherPortal, UsageError
from b24_pipeline.store.portals.portal import DISCONNECTED, Portal
from b24_pipeline.sync.events.bindings import EVENTS
from b24_pipeline.sync.portals.probe import Probe


def require_open(known: Portal | None) -> None:
    """Raises InvitationRefused for a portal that its operator has disconnected."""
    if known is not None and known.is_closed:
        raise InvitationRefused(
            known.name,
            "its operator has disconnected it, so that an installation does not connect it again; "
            "`b24 portal connect` does",
        )


def require_rights(known: Portal | None, probed: Probe, name: str, *, is_installation: bool) -> None:
    """An installation is an administrator's, and an administrator is only replaced by another one.

    Rows that a user may not see are left out without an error. Raises NotAdministrator.
    """
    if probed.is_admin or (known is not None and known.user_id == probed.user_id):
        return
    if is_installation:
        raise NotAdministrator(
            name, "the application is installed by an administrator of the portal; this is none"
        )
    if known is not None and known.status != DISCONNECTED and known.user_is_admin is not False:
        raise NotAdministrator(
            name,
            "it is connected by another user, and this one is no administrator of the portal: "
            "let an administrator connect it, or disconnect it first",
        )


def require_entity_type(entity_type: str) -> None:
    """Raises UsageError for what is neither lead, deal nor both."""
    if entity_type not in EVENTS:
        raise UsageError(f"the entity type is lead, deal or both, not {entity_type[:20]!r}").of_case(
            "counted"
        )


def other_portal(asked: PortalAddress) -> OtherPortal:
    """The error for a portal that is not the one that was asked for."""
    return OtherPortal(
        asked.named,
        "another portal answered than the one that was asked for; nothing was stored; begin again",
    )
