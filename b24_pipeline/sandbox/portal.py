"""The portal itself: its CRM, its people, its app, its clock. Knows nothing of HTTP."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar

from b24_pipeline.sandbox.addresses import SandboxAddresses
from b24_pipeline.sandbox.caller import Caller
from b24_pipeline.sandbox.clock import Clock, moment_text
from b24_pipeline.sandbox.config import SandboxConfig
from b24_pipeline.sandbox.crm.contact_links import ContactLinks
from b24_pipeline.sandbox.crm.editing import Editor
from b24_pipeline.sandbox.crm.entity import TYPE_IDS, CrmEntity
from b24_pipeline.sandbox.crm.item_editing import ItemEditor
from b24_pipeline.sandbox.crm.item_entity import CrmItemEntity, owner_code
from b24_pipeline.sandbox.crm.record_editing import RecordEditor
from b24_pipeline.sandbox.crm.record_entity import RecordEntity
from b24_pipeline.sandbox.crm.users import first_moments
from b24_pipeline.sandbox.data.generate import Generation
from b24_pipeline.sandbox.events.bus import Bus
from b24_pipeline.sandbox.events.sender import Sender
from b24_pipeline.sandbox.oauth.installed_app import Application
from b24_pipeline.sandbox.rows.comparison import FilterCondition

E = TypeVar("E", bound=Editor)


class PortalState:
    """Shared state. Whoever reads or changes it holds `lock`.

    `caller` is who acts: the webhook's maker, unless `acting` says otherwise.
    """

    def __init__(self, config: SandboxConfig, addresses: SandboxAddresses | None = None) -> None:
        generated = Generation(config).run()
        self.config = config
        self.quirks = config.quirks
        self.clock = Clock(config.clock_offset_seconds)
        self.lock = threading.RLock()
        self.entities = generated.entities
        self.contact_links = ContactLinks(self.entities, generated.other_contacts)
        self.directories = generated.directories
        self.smart_types = generated.smart_types
        self.activity_links = generated.activity_links
        self.users = generated.users
        self.user_moments = first_moments(self.users)
        self.departments = generated.departments
        self.currencies = generated.currencies
        self.caller = self.owner = Caller(config.user_id, config.scope)
        self.addresses = addresses or SandboxAddresses(config.host)
        self.application = Application(config, self.addresses)
        self.sender = Sender(config.events)
        self.events = Bus(self.application, self.clock, self.sender)
        self.editor = self._editor(Editor)
        self.item_editor = self._editor(ItemEditor)
        self.record_editor = self._editor(RecordEditor)

    def _editor(self, kind: type[E]) -> E:
        """Their rules differ, what they change is the same."""
        return kind(
            self.entities,
            self.directories,
            self.clock,
            self.events.raise_event,
            contact_links=self.contact_links,
            history_survives_delete=self.config.history_survives_delete,
        )

    @contextmanager
    def acting(self, caller: Caller) -> Iterator[None]:
        """Hold the lock, with this caller as the one who acts."""
        with self.lock:
            self.caller = caller
            try:
                yield
            finally:
                self.caller = self.owner

    @property
    def caller_is_admin(self) -> bool:
        """Whether the caller may administrate the CRM."""
        return self.config.admin and not self.quirks.admin_lost and self.caller.user_id == self.config.user_id

    def row_owners(self) -> tuple[str, ...]:
        """The types of elements that can have product rows."""
        return tuple(one.type for one in self.entities.values() if owner_code(one))

    def set_rows(
        self, entity_type: str, identifier: int, rows: Iterable[Mapping[str, Any]], user_id: int
    ) -> tuple[set[int], set[int]]:
        """Gives an owner these product rows instead of those it has; the ids that went and that came.

        A row with an `id` of its own stays and is changed. The owner is saved too.
        """
        code, table = owner_code(self.entity(entity_type)), self.entity("product_row").table
        if not code or self.entity(entity_type).table.row_of(identifier) is None:
            raise LookupError(f"no {entity_type} {identifier} in the sandbox that could have product rows")
        mine = [
            FilterCondition("equal", "OWNER_TYPE", code),
            FilterCondition("equal", "OWNER_ID", identifier),
        ]
        held = set(table.ids[table.matching(mine)].tolist())
        kept, added = set(), set()
        for row in rows:
            fields = {**row, "ownerType": code, "ownerId": identifier}
            if row.get("id") in held:
                self.record_editor.update("product_row", row["id"], fields, user_id)
                kept.add(row["id"])
            else:
                added.add(self.record_editor.add("product_row", fields, user_id))
        for gone in held - kept:
            self.record_editor.delete("product_row", gone)
        self.editor_of(entity_type).update(entity_type, identifier, {}, user_id)
        return held - kept, added

    def moment_text(self, seconds: int = 0) -> str:
        """The portal's present second as a method tells it, or one so many seconds from it."""
        return moment_text(int(self.clock.now()) + seconds)

    def items_of(self) -> list[CrmItemEntity]:
        """The types that `crm.item.*` alone can read."""
        return [entity for entity in self.entities.values() if isinstance(entity, CrmItemEntity)]

    def entity_of(self, type_id: int) -> CrmEntity | None:
        """The entity with this number, None where the portal has none."""
        for name, number in TYPE_IDS.items():
            if number == type_id:
                return self.entities[name]
        return next((entity for entity in self.items_of() if entity.type_id == type_id), None)

    def editor_of(self, entity_type: str) -> Editor:
        """Who changes elements of this type; LookupError names the types there are."""
        entity = self.entity(entity_type)
        if isinstance(entity, RecordEntity):
            return self.record_editor
        return self.item_editor if isinstance(entity, CrmItemEntity) else self.editor

    def entity(self, entity_type: str) -> CrmEntity:
        """The entity of this type; LookupError names the ones there are."""
        if entity_type not in self.entities:
            raise LookupError(f"no entity type {entity_type!r} in the sandbox: {', '.join(self.entities)}")
        return self.entities[entity_type]
