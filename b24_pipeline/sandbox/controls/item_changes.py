"""Random changes of items: what users do to smart processes, invoices and quotes."""

from __future__ import annotations

import random
from typing import Any

from b24_pipeline.sandbox.crm.item_entity import QUOTE, CrmItemEntity
from b24_pipeline.sandbox.portal import PortalState
from b24_pipeline.sandbox.vocabulary import ODD_TEXTS, PRODUCTS

ITEM_KINDS = ("edit", "stage", "back", "pipeline", "add", "user_field", "delete")
"""The kinds of change that can happen to items."""


class ItemChanges:
    """Makes one change at a time, by the draws of the series that it belongs to."""

    def __init__(self, portal: PortalState, draw: random.Random) -> None:
        self._portal = portal
        self._random = draw

    def types(self, kind: str) -> tuple[str, ...]:
        """The entity types of items that this kind of change can happen to."""
        if kind not in ITEM_KINDS:
            return ()
        return tuple(entity.type for entity in self._portal.items_of() if self._can(entity, kind))

    def make(self, kind: str, entity_type: str, identifier: int) -> None:
        """Changes one item; `delete` and `add` are not of these."""
        fields = {
            "edit": self._edit,
            "stage": self._stage,
            "back": self._back,
            "pipeline": self._pipeline,
            "user_field": self._user_field,
        }[kind](self._entity(entity_type), identifier)
        self._portal.item_editor.update(entity_type, identifier, fields, self._portal.config.user_id)

    def add(self, entity_type: str) -> int:
        """A new item; its id."""
        fields = self._edit(self._entity(entity_type), 0)
        return self._portal.item_editor.add(entity_type, fields, self._portal.config.user_id)

    def _can(self, entity: CrmItemEntity, kind: str) -> bool:
        if kind in {"stage", "back"}:
            return "STAGE_ID" in entity.listed_fields()
        if kind == "pipeline":
            return entity.type != QUOTE and len(self._portal.directories.category_ids(entity.type)) > 1
        return True

    def _entity(self, entity_type: str) -> CrmItemEntity:
        entity = self._portal.entities[entity_type]
        if not isinstance(entity, CrmItemEntity):
            raise TypeError(f"{entity_type} is no type of items")
        return entity

    def _edit(self, entity: CrmItemEntity, _identifier: int) -> dict[str, Any]:
        draw = self._random
        title = draw.choice((f"{draw.choice(PRODUCTS)} {draw.randrange(10**6)}", draw.choice(ODD_TEXTS[:5])))
        fields: dict[str, Any] = {
            "title": title,
            "opportunity": f"{draw.randrange(10**6)}.{draw.randrange(100):02d}",
        }
        contacts = self._portal.entities["contact"].table
        alive = contacts.ids[contacts.alive_rows()].tolist()
        if alive and draw.random() < 0.3:
            fields["contactIds"] = draw.sample(alive, min(len(alive), draw.randrange(1, 3)))
        return {name: value for name, value in fields.items() if entity.columns_of({name: value})}

    def _place(self, entity: CrmItemEntity, identifier: int) -> tuple[str, int]:
        row = entity.table.row_of(identifier) or 0
        editor = self._portal.item_editor
        return editor.stage(entity, row), editor.category(entity, row)

    def _codes(self, entity: CrmItemEntity, category: int) -> list[str]:
        return [stage.status_id for stage in self._portal.directories.stages(entity.type, category)]

    def _stage(self, entity: CrmItemEntity, identifier: int) -> dict[str, Any]:
        stage, category = self._place(entity, identifier)
        return {
            "stageId": self._random.choice([code for code in self._codes(entity, category) if code != stage])
        }

    def _back(self, entity: CrmItemEntity, identifier: int) -> dict[str, Any]:
        stage, category = self._place(entity, identifier)
        codes = self._codes(entity, category)
        earlier = codes[: codes.index(stage)] if stage in codes else codes[:1]
        return {"stageId": self._random.choice(earlier or codes[1:2])}

    def _pipeline(self, entity: CrmItemEntity, identifier: int) -> dict[str, Any]:
        _, category = self._place(entity, identifier)
        others = [
            number for number in self._portal.directories.category_ids(entity.type) if number != category
        ]
        chosen = self._random.choice(others)
        return {"categoryId": chosen, "stageId": self._random.choice(self._codes(entity, chosen)[:2])}

    def _user_field(self, entity: CrmItemEntity, _identifier: int) -> dict[str, Any]:
        draw, values = self._random, {}
        for field in entity.user_fields:
            if field.type == "string" and not field.multiple:
                values[field.name] = f"новое {draw.randrange(10**6)}"
            elif field.type == "enumeration" and field.options and not field.multiple:
                values[field.name] = str(draw.choice(field.options).id)
        return values
