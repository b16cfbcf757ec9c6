"""What an administrator does to smart processes: makes, switches, renames and removes them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

import numpy as np

from b24_pipeline.sandbox.crm.field_types import empty_column
from b24_pipeline.sandbox.crm.item_entity import CrmItemEntity
from b24_pipeline.sandbox.crm.item_fields import every_smart_field, smart_fields
from b24_pipeline.sandbox.crm.smart_types import SWITCHES, SmartTypeRecord
from b24_pipeline.sandbox.crm.stages import directory_of
from b24_pipeline.sandbox.data.histories import empty_item_history
from b24_pipeline.sandbox.data.item_pipelines import add_item_pipeline
from b24_pipeline.sandbox.events import names
from b24_pipeline.sandbox.portal import PortalState
from b24_pipeline.sandbox.rows.table import Table

_WITHOUT_CATEGORIES = 1


class TypeSteering:
    """Changes of types take the portal's lock and are announced; LookupError names the types there are."""

    portal: PortalState

    def add_type(
        self, title: str, *, off: Iterable[str] = (), parents: Iterable[int] = (), funnels: int = 1
    ) -> dict[str, Any]:
        """A new smart process without items, with all switches on but for those `off`; its record.

        `parents` are entity type ids. Several `funnels` need the switch `isCategoriesEnabled`.
        """
        missing = set(off)
        _check_switches(missing)
        if funnels > _WITHOUT_CATEGORIES and "isCategoriesEnabled" in missing:
            raise ValueError("several funnels need the switch isCategoriesEnabled")
        with self.portal.lock:
            smart_type = self._new_type(title, missing, tuple(parents))
            for place in range(funnels):
                add_item_pipeline(
                    self.portal.directories,
                    smart_type.entity_type,
                    f"Воронка {place + 1}",
                    smart_type.entity_type_id,
                )
            self.portal.entities[smart_type.entity_type] = self._new_entity(smart_type)
            self._tell(smart_type, "ADD")
            return asdict(smart_type)

    def switch_type(self, entity_type_id: int, switch: str, on: bool) -> None:
        """Turns a switch of a smart process: its columns come, empty where they never were, or go."""
        _check_switches({switch})
        with self.portal.lock:
            before = self.portal.smart_types.of(entity_type_id)
            self._change(entity_type_id, switches={**before.switches, switch: bool(on)})

    def rename_type(self, entity_type_id: int, title: str) -> None:
        """Another title."""
        with self.portal.lock:
            self._change(entity_type_id, title=title)

    def delete_type(self, entity_type_id: int) -> None:
        """Removes a smart process with its items, history, funnels, user fields and bindings of its own events.

        No event tells of the fields; whether one tells of each item is a quirk
        (docs/bitrix24-rest-more.md, section 1.5).
        """
        with self.portal.lock:
            gone = self.portal.smart_types.of(entity_type_id)
            entity = self.portal.entities[gone.entity_type]
            if self.portal.quirks.type_deletion_tells_items:
                for identifier in entity.table.ids[entity.table.alive_rows()].tolist():
                    self.portal.item_editor.delete(gone.entity_type, identifier)
            own = set(names.of_type(entity_type_id))
            self.portal.events.subscriptions.unbind(lambda binding: binding.event in own)
            self.portal.smart_types.remove(entity_type_id)
            self.portal.directories.remove_type(gone.entity_type)
            self.portal.record_editor.drop_rows_of(entity)
            del self.portal.entities[gone.entity_type]
            self._take_parent(entity_type_id)
            self._tell(gone, "DELETE")

    def _new_type(self, title: str, off: set[str], parents: tuple[int, ...]) -> SmartTypeRecord:
        number, type_id = self.portal.smart_types.next_ids()
        now = int(self.portal.clock.now())
        return self.portal.smart_types.add(
            SmartTypeRecord(
                id=number,
                entity_type_id=type_id,
                title=title,
                code=f"process_{number}",
                created_by=self.portal.config.user_id,
                created=now,
                updated=now,
                switches={name: name not in off for name in SWITCHES},
                parents=parents,
            )
        )

    def _new_entity(self, smart_type: SmartTypeRecord) -> CrmItemEntity:
        fields = every_smart_field(smart_type.parents)
        columns = {
            field.name: empty_column(field.name, field.type, 0, multiple="M" in field.flags)
            for field in fields
        }
        default = self.portal.directories.category_ids(smart_type.entity_type)[0]
        return CrmItemEntity(
            type=smart_type.entity_type,
            table=Table(np.zeros(0, dtype=np.int64), columns),
            history=empty_item_history() if smart_type.switches["isStagesEnabled"] else None,
            fields=smart_fields(smart_type.switches, smart_type.parents),
            type_id=smart_type.entity_type_id,
            user_field_entity=f"CRM_{smart_type.id}",
            user_field_prefix=f"UF_CRM_{smart_type.id}_",
            default_directory=directory_of(smart_type.entity_type, default),
        )

    def _change(self, entity_type_id: int, **changes: Any) -> None:
        now = int(self.portal.clock.now())
        smart_type = self.portal.smart_types.change(entity_type_id, updated=now, **changes)
        entity = self.portal.entities[smart_type.entity_type]
        entity.fields = smart_fields(smart_type.switches, smart_type.parents)
        if entity.history is None and smart_type.switches["isStagesEnabled"]:
            entity.history = empty_item_history()
        self._tell(smart_type, "UPDATE")

    def _take_parent(self, entity_type_id: int) -> None:
        """The field that pointed to the type is gone from its children."""
        gone = f"PARENT_ID_{entity_type_id}"
        for entity in self.portal.items_of():
            entity.fields = tuple(field for field in entity.fields if field.name != gone)

    def _tell(self, smart_type: SmartTypeRecord, action: str) -> None:
        """The event names the record, not the entity type id."""
        self.portal.events.raise_event(names.changed("TYPE", action), {"FIELDS": {"ID": smart_type.id}})


def _check_switches(given: set[str]) -> None:
    unknown = given - set(SWITCHES)
    if unknown:
        raise ValueError(f"no switch {', '.join(sorted(unknown))}: there are {', '.join(SWITCHES)}")
