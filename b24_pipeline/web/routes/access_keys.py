"""The management calls for keys: listed, made and revoked by an admin whose key is for all portals."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from fastapi import APIRouter
from pydantic import ConfigDict, Field

from b24_pipeline.errors import RoleTooLow
from b24_pipeline.store.access.holder import AccessRole, KeyHolder
from b24_pipeline.store.access.keys import AccessKeys
from b24_pipeline.store.database.warehouse import Warehouse
from b24_pipeline.web.guard import Guard
from b24_pipeline.web.routes.account import CurrentHolder, SeenPortals, chosen_portal
from b24_pipeline.web.routes.management import CamelModel, management_routes

PATH = "/access-keys"


class KeyItem(CamelModel):
    """A key that works, without what would let somebody use it."""

    name: str
    role: AccessRole
    is_limited: bool = Field(description="It sees the portals in `portals` alone; else all.")
    portals: list[str]
    created_at: datetime
    last_used_at: datetime | None


class KeyList(CamelModel):
    """The keys, by name."""

    keys: list[KeyItem]


class WantedKey(CamelModel):
    """A key to make."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(max_length=63, description="Who or what uses it.")
    role: AccessRole
    portals: list[str] = Field(default_factory=list, max_length=1000, description="Only these; all, if none.")


class MadeKey(CamelModel):
    """A new key: it is in no later answer."""

    name: str
    key: str


class Revoked(CamelModel):
    """The key opens nothing any more."""

    success: Literal[True] = True


class KeyCalls:
    """The calls `/bitrix24/access-keys...`; `guard` checks the key."""

    def __init__(self, warehouse: Warehouse, guard: Guard) -> None:
        self._keys = AccessKeys(warehouse)
        self._guard = guard

    def router(self) -> APIRouter:
        """The router with the three calls."""
        one = f"{PATH}/{{name}}"
        routes = management_routes("access", self._guard, admin=(PATH, one))
        routes.add_api_route(PATH, self.keys)
        routes.add_api_route(PATH, self.add, methods=["POST"])
        routes.add_api_route(one, self.revoke, methods=["DELETE"])
        return routes

    def keys(self, holder: CurrentHolder) -> KeyList:
        """The keys that are not revoked."""
        only_for_all(holder)
        return KeyList(keys=[KeyItem.model_validate(key, from_attributes=True) for key in self._keys.all()])

    def add(self, wanted: WantedKey, holder: CurrentHolder, seen: SeenPortals) -> MadeKey:
        """Makes a key; the answer alone has it."""
        only_for_all(holder)
        portals = [chosen_portal(seen, name) for name in wanted.portals]
        return MadeKey(name=wanted.name, key=self._keys.add(wanted.name, wanted.role, portals))

    def revoke(self, name: str, holder: CurrentHolder) -> Revoked:
        """Ends a key at once, and the sessions that it began."""
        only_for_all(holder)
        self._keys.revoke(name)
        return Revoked()


def only_for_all(holder: KeyHolder) -> None:
    """Raises RoleTooLow where the holder sees some portals alone: keys may open others."""
    if holder.portals is not None:
        raise RoleTooLow(f"the key {holder.name!r} is for some portals; keys are managed by one for all")
