"""What happens when somebody changes items of smart processes, smart invoices or quotes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from b24_pipeline.sandbox.crm.editing import CREATED, FINAL, PIPELINE_CHANGED, Editor
from b24_pipeline.sandbox.crm.entity import CrmEntity
from b24_pipeline.sandbox.crm.item_entity import QUOTE, CrmItemEntity
from b24_pipeline.sandbox.crm.user_fields import UserField
from b24_pipeline.sandbox.events import names


class ItemEditor(Editor):
    """Changes items: docs/bitrix24-rest-more.md, sections 1.4 and 1.5, has where they differ from deals."""

    def add(self, entity_type: str, fields: Mapping[str, Any], user_id: int) -> int:
        """A new item. Made in a final stage, its history begins with type 3."""
        entity = self._item_entity(entity_type)
        table, now = entity.table, self._now()
        identifier = table.last_id + 1
        row = table.append(identifier)
        people = dict.fromkeys(
            ("ASSIGNED_BY_ID", "CREATED_BY_ID", "MODIFY_BY_ID", "LAST_ACTIVITY_BY"), user_id
        )
        times = dict.fromkeys(("DATE_CREATE", "DATE_MODIFY", "LAST_ACTIVITY_TIME"), now)
        table.write(row, people | times | {"ID": identifier})
        table.write(row, self._defaults(entity))
        given = _with_contacts(entity.columns_of(fields))
        category = given.pop("CATEGORY_ID", None) or self._directories.category_ids(entity_type)[0]
        if "CATEGORY_ID" in table.columns:
            table.write(row, {"CATEGORY_ID": category})
        asked = given.pop("STAGE_ID", None)
        table.write(row, given)
        stage = str(asked or self._directories.stages(entity_type, int(category))[0].status_id)
        self._stand(entity, row, stage, CREATED, user_id, now)
        self._tell(entity_type, "ADD", identifier)
        return identifier

    def update(self, entity_type: str, identifier: int, fields: Mapping[str, Any], user_id: int) -> None:
        """Changes fields; another stage or funnel makes history, and the event is a plain update."""
        entity = self._item_entity(entity_type)
        row = self._row(entity, identifier)
        known = _with_contacts(entity.columns_of(fields))
        stage, category = known.pop("STAGE_ID", None), known.pop("CATEGORY_ID", None)
        entity.table.write(row, known)
        now = self._touch(entity, row, user_id)
        self._go(entity, row, (stage, category), user_id, now)
        self._tell(entity_type, "UPDATE", identifier)

    def move(self, entity_type: str, identifier: int, stage: str, category: int | None, user_id: int) -> None:
        """Puts an item into a stage, across funnels if `category` is another one."""
        self.update(entity_type, identifier, {"stageId": stage, "categoryId": category}, user_id)

    def set_contacts(
        self, entity_type: str, identifier: int, contacts: Sequence[int], user_id: int, *, touched: bool
    ) -> None:
        """Gives an item these contacts, the main one first; not `touched`, its `updatedTime` stays."""
        if touched:
            self.update(entity_type, identifier, {"contactIds": list(contacts)}, user_id)
            return
        entity = self._item_entity(entity_type)
        values = _with_contacts({"CONTACT_IDS": list(contacts)})
        entity.table.write(self._row(entity, identifier), values)

    def _item_entity(self, entity_type: str) -> CrmItemEntity:
        entity = self._entities[entity_type]
        if not isinstance(entity, CrmItemEntity):
            raise TypeError(f"{entity_type} is no type of items")
        return entity

    def _defaults(self, entity: CrmItemEntity) -> dict[str, Any]:
        shown = set(entity.listed_fields())
        flags = {field.name: "N" for field in entity.fields if field.type == "char"}
        money = {"OPPORTUNITY": "0", "TAX_VALUE": "0", "CURRENCY_ID": "RUB"} if "OPPORTUNITY" in shown else {}
        return flags | {"OPENED": "Y"} | money

    def _go(self, entity: CrmItemEntity, row: int, place: tuple[Any, Any], user_id: int, now: str) -> None:
        """To a stage or funnel; what is the same place already is not written again."""
        asked, category = place
        before = self.category(entity, row)
        changed = category is not None and int(category) != before
        if changed:
            entity.table.write(row, {"CATEGORY_ID": category})
            first = self._directories.stages(entity.type, int(category))[0].status_id
            asked = asked or first
        if asked is None or (not changed and str(asked) == self.stage(entity, row)):
            return
        stage = str(asked)
        kind = PIPELINE_CHANGED if changed else self._kind(entity.type, stage)
        self._stand(entity, row, stage, kind, user_id, now)

    def _stand(self, entity: CrmItemEntity, row: int, stage: str, kind: int, user_id: int, now: str) -> None:
        table = entity.table
        semantics = self._directories.semantics(entity.type, stage)
        own: dict[str, Any] = {"STAGE_ID": stage}
        if "PREVIOUS_STAGE_ID" in table.columns and kind != CREATED:
            own["PREVIOUS_STAGE_ID"] = self.stage(entity, row)
        if "MOVED_TIME" in table.columns:
            own |= {"MOVED_TIME": now, "MOVED_BY_ID": user_id}
        if "CLOSED" in table.columns:
            own["CLOSED"] = "Y" if semantics != "P" else "N"
        table.write(row, own)
        if "MOVED_TIME" in entity.listed_fields():
            first = kind == CREATED and semantics != "P"
            self._log(
                entity, row, {"TYPE_ID": FINAL if first else kind, "CREATED_TIME": now}, (stage, semantics)
            )

    def _next_history_id(self, entity: CrmEntity) -> int:
        """All types write into one table (docs/bitrix24-rest-more.md, section 1.4)."""
        items = (one for one in self._entities.values() if isinstance(one, CrmItemEntity))
        return 1 + max(one.history.last_id for one in items if one.history is not None)

    def stage(self, entity: CrmEntity, row: int) -> str:
        """The present stage of a row."""
        return str(entity.table.columns["STAGE_ID"].typed(np.array([row]))[0])

    def _tell(self, entity_type: str, action: str, identifier: int) -> None:
        if entity_type == QUOTE:
            super()._tell(entity_type, action, identifier)
            return
        type_id = self._item_entity(entity_type).type_id
        data = {"FIELDS": {"ID": str(identifier), "ENTITY_TYPE_ID": str(type_id)}}
        for event in names.item_events(action, type_id):
            self._announce(event, data)

    def _tell_field(self, field: UserField, action: str) -> None:
        """User fields of smart processes and invoices belong to their type, those of quotes to quotes."""
        subject = field.entity_type if field.entity_type == QUOTE else "TYPE"
        which = {"ID": field.id, "ENTITY_ID": field.entity_id, "FIELD_NAME": field.name}
        self._announce(names.changed(subject, action), {"FIELDS": which})


def _with_contacts(given: dict[str, Any]) -> dict[str, Any]:
    """The main contact is the first of all: whichever is written, the other follows."""
    if "CONTACT_IDS" in given:
        contacts = [int(contact) for contact in given["CONTACT_IDS"] or []]
        return given | {"CONTACT_IDS": contacts, "CONTACT_ID": contacts[0] if contacts else None}
    if "CONTACT_ID" in given:
        main = given["CONTACT_ID"]
        return given | {"CONTACT_IDS": [int(main)] if main else []}
    return given
