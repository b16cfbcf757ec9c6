"""The parameter `account` of a management call, and the portal that it names among those that the holder sees."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from fastapi import Depends, Query, Request

from b24_pipeline.errors import AccountNeeded, UnknownPortal
from b24_pipeline.store.access.holder import KeyHolder
from b24_pipeline.store.portals.portal import Portal
from b24_pipeline.store.portals.portals import Portals

Account = Annotated[
    str | None, Query(max_length=63, description="The portal's name; needed where several are connected.")
]


def _holder_of(request: Request) -> KeyHolder:
    holder: KeyHolder = request.state.holder
    return holder


def _seen(request: Request, holder: CurrentHolder) -> list[Portal]:
    portals: Portals = request.app.state.portals
    return [portal for portal in portals.all() if holder.sees(portal.id)]


def _chosen(seen: SeenPortals, account: Account = None) -> Portal:
    return chosen_portal(seen, account)


CurrentHolder = Annotated[KeyHolder, Depends(_holder_of)]
"""The parameter that has whoever calls."""

SeenPortals = Annotated[list[Portal], Depends(_seen)]
"""The parameter that has the portals that the holder sees, by name; only these exist for them."""

ChosenPortal = Annotated[Portal, Depends(_chosen)]
"""The parameter that has the portal of `account`, which is read from the address."""


def chosen_portal(seen: Sequence[Portal], account: str | None) -> Portal:
    """The portal of this name, or the only one that is not disconnected. Raises UnknownPortal, AccountNeeded."""
    known = {portal.name: portal for portal in seen}
    if account is not None:
        if account not in known:
            raise UnknownPortal(account, known)
        return known[account]
    active = [portal for portal in seen if portal.status != "disconnected"]
    candidates = active or seen
    if not candidates:
        raise UnknownPortal("", known)
    if len(candidates) > 1:
        raise AccountNeeded
    return candidates[0]
