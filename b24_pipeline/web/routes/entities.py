"""The management calls for what is read of a portal beside leads, deals, contacts and companies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime

from fastapi import APIRouter
from pydantic import ConfigDict, Field

from b24_pipeline.errors import UnknownEntity
from b24_pipeline.store.database.warehouse import Warehouse
from b24_pipeline.store.portals import entity_choice
from b24_pipeline.store.portals.entity_choice import KnownEntity
from b24_pipeline.store.portals.portal import Portal
from b24_pipeline.sync.portals.entity_listing import ListedEntity
from b24_pipeline.web.guard import Guard
from b24_pipeline.web.portal_service import PortalService
from b24_pipeline.web.routes.account import ChosenPortal
from b24_pipeline.web.routes.management import CamelModel, management_routes


class EntityItem(CamelModel):
    """Invoices, quotes or a smart process of a portal."""

    entity_type: str = Field(description="`invoice`, `quote`, or `item_` and the number of a smart process.")
    title: str | None = Field(description="The name of a smart process in the portal.")
    is_read: bool = Field(description="It was chosen: each sync reads it.")
    rows_alive: int = Field(description="Rows in our copy that are not deleted.")
    deleted_at: datetime | None = Field(description="When the portal was found not to have it any more.")


class FirstReadCost(CamelModel):
    """What reading all rows and moves once will cost the portal."""

    commands: int = Field(description="Pages of fifty rows.")
    requests: int = Field(description="HTTP requests of up to fifty commands.")
    seconds: float = Field(description="How long it takes at least.")
    operating_seconds: float | None = Field(
        description="Run time in the portal; null before a first sync has told what a request takes."
    )


class CountedEntity(EntityItem):
    """The same, as the portal has told it now."""

    in_portal: int | None = Field(description="Rows in the portal; null where it does not tell them.")
    problem: str | None = Field(description="What the portal said instead.")
    first_read: FirstReadCost | None = Field(
        description="The cost of a first read; null where nothing was told."
    )


class EntityList(CamelModel):
    """What can be read of a portal, what is read first."""

    entities: list[EntityItem]


class CountedEntities(CamelModel):
    """What can be read of a portal, as it is now, what is read first."""

    entities: list[CountedEntity]


class WantedEntity(CamelModel):
    """Whether an entity is to be read."""

    model_config = ConfigDict(extra="forbid")

    is_read: bool


class EntityCalls:
    """The calls `/bitrix24/entities`, `entities/{entity}` and `sync-entities`; `guard` checks the key."""

    def __init__(self, service: PortalService, warehouse: Warehouse, guard: Guard) -> None:
        self._service = service
        self._warehouse = warehouse
        self._guard = guard

    def router(self) -> APIRouter:
        """The router with the calls."""
        routes = management_routes("entities", self._guard, admin=("/entities/{entity}",))
        routes.add_api_route("/entities", self.entities)
        routes.add_api_route("/entities/{entity}", self.choose, methods=["PATCH"])
        routes.add_api_route("/sync-entities", self.sync_entities, methods=["POST"])
        return routes

    def entities(self, portal: ChosenPortal) -> EntityList:
        """What was found in the portal when it was asked last; the portal is not asked."""
        known = self._warehouse.transact(entity_choice.known_entities, portal.id)
        return EntityList(entities=[EntityItem.model_validate(_told(one)) for one in known])

    def sync_entities(self, portal: ChosenPortal) -> CountedEntities:
        """Asks the portal which smart processes it has, and how many rows each: two requests."""
        listed = self._service.sync_entities(portal)
        return CountedEntities(entities=list(map(_counted, listed)))

    def choose(self, entity: str, wanted: WantedEntity, portal: ChosenPortal) -> EntityItem:
        """Has an entity read from the next sync on, if the portal has and shows it; or no more, and its rows stay."""
        if wanted.is_read:
            known: Sequence[KnownEntity] = [
                one.known for one in self._service.sync_entities(portal, [entity])
            ]
        else:
            known = self._left(portal, entity)
        return EntityItem.model_validate(_told(_named(known, entity)))

    def _left(self, portal: Portal, entity: str) -> list[KnownEntity]:
        _named(self._warehouse.transact(entity_choice.known_entities, portal.id), entity)
        self._warehouse.transact(entity_choice.leave, portal.id, [entity])
        return self._warehouse.transact(entity_choice.known_entities, portal.id)


def _named(known: Sequence[KnownEntity], entity: str) -> KnownEntity:
    found = next((one for one in known if one.entity_type == entity), None)
    if found is None:
        raise UnknownEntity(entity, [one.entity_type for one in known])
    return found


def _told(known: KnownEntity) -> dict[str, object]:
    return {
        "entity_type": known.entity_type,
        "title": known.title,
        "is_read": known.is_chosen,
        "rows_alive": known.rows_alive,
        "deleted_at": known.deleted_at,
    }


def _counted(listed: ListedEntity) -> CountedEntity:
    problem = None if listed.error is None else str(listed.error)
    return CountedEntity.model_validate(
        _told(listed.known)
        | {
            "in_portal": listed.in_portal,
            "problem": problem,
            "first_read": listed.cost and asdict(listed.cost),
        }
    )
