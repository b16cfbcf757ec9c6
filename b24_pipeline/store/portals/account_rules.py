"""Which account a portal has, and when its data would be mixed with another's."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from uuid import UUID, uuid4

from b24_pipeline.errors import InvitationOver, PortalConflict
from b24_pipeline.store.portals.portal import DISCONNECTED, Portal


def refuse_mixing(known: Mapping[str, Portal], name: str, domain: str, *, moved: bool) -> None:
    """Raises PortalConflict where this name is another portal's, or this address has another name."""
    if name in known and known[name].domain != domain and not moved:
        raise PortalConflict(
            f"{name} is the portal {known[name].domain} already; choose another name, "
            "or add --moved if it is the same portal at a new address"
        )
    twin = next(
        (portal for portal in known.values() if portal.domain == domain and portal.name != name), None
    )
    if twin:
        raise _known_as(twin, domain)


def _known_as(known: Portal, domain: str) -> PortalConflict:
    """The error where a portal is to get a second name: its data would be doubled."""
    if known.status != DISCONNECTED:
        return PortalConflict(f"the portal {domain} is connected already, as {known.name}")
    return PortalConflict(
        f"the portal {domain} belongs to {known.name}, which is disconnected: add it as {known.name} again, "
        f"or `b24 portal remove {known.name} --purge` first"
    )


def require_state(name: str, state: str, wanted: str | None) -> None:
    """Raises InvitationOver where the account does not stand as wanted; None is any."""
    if wanted is not None and state != wanted:
        raise InvitationOver(
            name, "it was connected or disconnected since this was begun; ask for a new link"
        )


def account_for(known: Iterable[Portal], name: str, domain: str, member_id: str) -> UUID:
    """The account id that this portal has, or gets now. Raises PortalConflict."""
    portals = {portal.name: portal for portal in known}
    same = next((portal for portal in portals.values() if portal.member_id == member_id), None)
    if same is not None:
        if same.name != name:
            raise _known_as(same, domain)
        return same.id
    if name in portals and portals[name].member_id:
        raise PortalConflict(f"{name} is another portal, {portals[name].domain}; choose another name")
    refuse_mixing(portals, name, domain, moved=False)
    return portals[name].id if name in portals else uuid4()
