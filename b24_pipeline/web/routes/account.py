"""The parameter `account` of a management call, and the portal that it names."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query

from b24_pipeline.errors import AccountNeeded, UnknownPortal
from b24_pipeline.store.portals.portal import Portal
from b24_pipeline.store.portals.portals import Portals

Account = Annotated[
    str | None, Query(max_length=63, description="The portal's name; needed where several are connected.")
]


def chosen_portal(portals: Portals, account: str | None) -> Portal:
    """The portal of this name, or the only one that is not disconnected. Raises UnknownPortal, AccountNeeded."""
    known = {portal.name: portal for portal in portals.all()}
    if account is not None:
        if account not in known:
            raise UnknownPortal(account, known)
        return known[account]
    active = [portal for portal in known.values() if portal.status != "disconnected"]
    candidates = active or list(known.values())
    if not candidates:
        raise UnknownPortal("", known)
    if len(candidates) > 1:
        raise AccountNeeded
    return candidates[0]
