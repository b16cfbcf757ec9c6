"""What happens when somebody changes the CRM: fields, stages, history, dates, deletion."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from b24_pipeline.sandbox.clock import Clock, moment_text
from b24_pipeline.sandbox.crm.contact_links import ContactLinks
from b24_pipeline.sandbox.crm.entity import SEMANTIC_FIELDS, STAGE_FIELDS, CrmEntity
from b24_pipeline.sandbox.crm.item_entity import owner_code
from b24_pipeline.sandbox.crm.stages import Directories
from b24_pipeline.sandbox.crm.user_fields import UserField
from b24_pipeline.sandbox.events import names
from b24_pipeline.sandbox.rows.codecs import php_int
from b24_pipeline.sandbox.rows.comparison import FilterCondition

CREATED, INTERMEDIATE, FINAL, PIPELINE_CHANGED = 1, 2, 3, 5
Announce = Callable[[str, dict[str, Any]], None]
"""Takes the name of an event and its data."""
_HAS = {"PHONE": "HAS_PHONE", "EMAIL": "HAS_EMAIL"}


class Editor:
    """Changes entities as the portal does; every change gets the portal's present second and is announced."""

    def __init__(
        self,
        entities: Mapping[str, CrmEntity],
        directories: Directories,
        clock: Clock,
        announce: Announce,
        *,
        contact_links: ContactLinks,
        history_survives_delete: bool,
    ) -> None:
        self._entities = entities
        self._directories = directories
        self._clock = clock
        self._announce = announce
        self._contact_links = contact_links
        self._history_survives_delete = history_survives_delete

    def add(self, entity_type: str, fields: Mapping[str, Any], user_id: int) -> int:
        """A new element with the next id; read-only and unknown fields are ignored."""
        entity = self._entities[entity_type]
        table, now = entity.table, self._now()
        identifier = table.last_id + 1
        row = table.append(identifier)
        table.write(row, _people(user_id) | {"ID": identifier, "DATE_CREATE": now, "DATE_MODIFY": now})
        table.write(row, _defaults(entity) | _known(fields, entity.writable_fields()))
        table.write(row, {"LAST_ACTIVITY_TIME": now, "LAST_ACTIVITY_BY": user_id})
        self._note_presence(entity, row, fields)
        if entity.history is not None:
            self._enter(entity, row, self._first_stage(entity, row), CREATED, user_id, now)
        self._tell(entity_type, "ADD", identifier)
        return identifier

    def update(self, entity_type: str, identifier: int, fields: Mapping[str, Any], user_id: int) -> None:
        """Change fields; a stage makes history, immutable fields are ignored (docs/bitrix24-rest.md, section 9.17)."""
        entity = self._entities[entity_type]
        row = self._row(entity, identifier)
        known = _known(fields, entity.writable_fields() - entity.immutable_fields())
        stage = known.pop(STAGE_FIELDS.get(entity_type, ""), None)
        entity.table.write(row, known)
        self._note_presence(entity, row, known)
        now = self._touch(entity, row, user_id)
        if stage is not None and stage != self.stage(entity, row):
            self._enter(entity, row, str(stage), self._kind(entity_type, str(stage)), user_id, now)
        self._tell(entity_type, "UPDATE", identifier)

    def move(self, entity_type: str, identifier: int, stage: str, category: int | None, user_id: int) -> None:
        """Put an element into a stage, across pipelines if `category` is another one.

        That raises another event than an update, and no update (docs/bitrix24-rest.md, section 7.2).
        """
        entity = self._entities[entity_type]
        row = self._row(entity, identifier)
        kind = self._kind(entity_type, stage)
        if category is not None and category != self.category(entity, row):
            entity.table.write(row, {"CATEGORY_ID": category})
            kind = PIPELINE_CHANGED
        now = self._touch(entity, row, user_id)
        self._enter(entity, row, stage, kind, user_id, now)
        if kind == PIPELINE_CHANGED:
            place = {"ID": identifier, "CATEGORY_ID": category, "STAGE_ID": stage}
            self._announce(names.FUNNEL_CHANGE, {"FIELDS": place})
        else:
            self._tell(entity_type, "UPDATE", identifier)

    def set_contacts(
        self, entity_type: str, identifier: int, contacts: Sequence[int], user_id: int, *, touched: bool
    ) -> None:
        """Give an owner these contacts, the main one first.

        Not `touched`: as `crm.*.contact.*` may do it, without a new DATE_MODIFY and without an event.
        """
        entity = self._entities[entity_type]
        row = self._row(entity, identifier)
        others = list(contacts)
        if "CONTACT_ID" in entity.table.columns:
            entity.table.write(row, {"CONTACT_ID": others[0] if others else None})
            others = others[1:]
        self._contact_links.set_others(entity_type, identifier, others)
        if touched:
            self._touch(entity, row, user_id)
            self._tell(entity_type, "UPDATE", identifier)

    def delete(self, entity_type: str, identifier: int) -> None:
        """Remove an element, and its history unless that is set to survive."""
        entity = self._entities[entity_type]
        entity.table.delete([self._row(entity, identifier)])
        if entity.history is not None and not self._history_survives_delete:
            owners = entity.history.columns["OWNER_ID"]
            mask = owners.mask(entity.history.size, "equal", identifier)
            entity.history.delete(np.flatnonzero(mask))
        self._drop_rows(entity, identifier)
        self._tell(entity_type, "DELETE", identifier)

    def _drop_rows(self, entity: CrmEntity, identifier: int | None) -> None:
        """Product rows and comments die with their owner; without an id those of all owners of the type."""
        self._drop_comments(entity, identifier)
        rows, code = self._entities.get("product_row"), owner_code(entity)
        if rows is None or not code:
            return
        conditions = [FilterCondition("equal", "OWNER_TYPE", code)]
        if identifier is not None:
            conditions.append(FilterCondition("equal", "OWNER_ID", identifier))
        rows.table.delete(rows.table.matching(conditions))

    def _drop_comments(self, entity: CrmEntity, identifier: int | None) -> None:
        comments = self._entities.get("comment")
        if comments is not None:
            conditions = [FilterCondition("equal", "ENTITY_TYPE", entity.type)]
            conditions += [] if identifier is None else [FilterCondition("equal", "ENTITY_ID", identifier)]
            comments.table.delete(comments.table.matching(conditions))

    def add_user_field(self, field: UserField) -> None:
        """A new user field, empty everywhere."""
        self._entities[field.entity_type].add_user_field(field)
        self._tell_field(field, "USERFIELDADD")

    def change_user_field(self, field: UserField) -> None:
        """Another label or other options for the user field of this name."""
        fields = self._entities[field.entity_type].user_fields
        place = next(place for place, user_field in enumerate(fields) if user_field.name == field.name)
        before, fields[place] = fields[place], field
        self._tell_field(field, "USERFIELDUPDATE")
        if before.options != field.options:
            self._tell_field(field, "USERFIELDSETENUMVALUES")

    def delete_user_field(self, field: UserField) -> None:
        """A user field that lists and the catalogue no longer show."""
        self._entities[field.entity_type].user_fields.remove(field)
        self._tell_field(field, "USERFIELDDELETE")

    def _tell(self, entity_type: str, action: str, identifier: int) -> None:
        self._announce(names.changed(entity_type, action), {"FIELDS": {"ID": identifier}})

    def _tell_field(self, field: UserField, action: str) -> None:
        which = {"ID": field.id, "ENTITY_ID": field.entity_id, "FIELD_NAME": field.name}
        self._announce(names.changed(field.entity_type, action), {"FIELDS": which})

    def _now(self) -> str:
        return moment_text(int(self._clock.now()))

    def _touch(self, entity: CrmEntity, row: int, user_id: int) -> str:
        """Stamp who changed it and when; the time, for what else happens at once."""
        now = self._now()
        entity.table.write(row, {"DATE_MODIFY": now, "MODIFY_BY_ID": user_id})
        return now

    def stage(self, entity: CrmEntity, row: int) -> str:
        """The present stage of a row."""
        return str(entity.table.columns[STAGE_FIELDS[entity.type]].typed(np.array([row]))[0])

    def category(self, entity: CrmEntity, row: int) -> int:
        """The present pipeline of a row; leads have the one pipeline 0."""
        column = entity.table.columns.get("CATEGORY_ID")
        return int(column.typed(np.array([row]))[0]) if column is not None else 0

    def _row(self, entity: CrmEntity, identifier: int) -> int:
        row = entity.table.row_of(identifier)
        if row is None:
            raise LookupError(f"the sandbox has no {entity.type} {identifier}")
        return row

    def _kind(self, entity_type: str, stage: str) -> int:
        semantics = self._directories.semantics(entity_type, stage)
        return INTERMEDIATE if semantics == "P" else FINAL

    def _first_stage(self, entity: CrmEntity, row: int) -> str:
        asked = self.stage(entity, row)
        stages = self._directories.stages(entity.type, self.category(entity, row))
        return asked if asked not in {"None", ""} else stages[0].status_id

    def _enter(self, entity: CrmEntity, row: int, stage: str, kind: int, user_id: int, now: str) -> None:
        semantics = self._directories.semantics(entity.type, stage)
        closed = semantics != "P"
        own: dict[str, Any] = {"DATE_CLOSED": now if closed else None}
        if entity.type == "deal":
            is_new = stage.endswith("NEW")
            own = {"CLOSED": "Y" if closed else "N", "IS_NEW": "Y" if is_new else "N"}
        own |= {STAGE_FIELDS[entity.type]: stage, SEMANTIC_FIELDS[entity.type]: semantics}
        entity.table.write(row, own | {"MOVED_TIME": now, "MOVED_BY_ID": user_id})
        self._log(entity, row, {"TYPE_ID": kind, "CREATED_TIME": now}, (stage, semantics))

    def _log(self, entity: CrmEntity, row: int, values: dict[str, Any], stage: tuple[str, str]) -> None:
        history = entity.history
        if history is None:
            return
        identifier = self._next_history_id(entity)
        names = (
            STAGE_FIELDS.get(entity.type, "STAGE_ID"),
            SEMANTIC_FIELDS.get(entity.type, "STAGE_SEMANTIC_ID"),
        )
        values |= dict(zip(names, stage, strict=True))
        values |= {"ID": identifier, "OWNER_ID": int(entity.table.ids[row])}
        values |= {"CATEGORY_ID": self.category(entity, row)}
        history.write(history.append(identifier), values)

    def _next_history_id(self, entity: CrmEntity) -> int:
        return entity.history.last_id + 1 if entity.history is not None else 1

    def _note_presence(self, entity: CrmEntity, row: int, fields: Mapping[str, Any]) -> None:
        for name, flag in _HAS.items():
            if name in fields and flag in entity.table.columns:
                held = entity.table.columns[name].typed(np.array([row]))[0]
                entity.table.write(row, {flag: "Y" if held else "N"})


def _known(fields: Mapping[str, Any], names: set[str]) -> dict[str, Any]:
    return {name.upper(): value for name, value in fields.items() if name.upper() in names}


def _people(user_id: int) -> dict[str, int]:
    return dict.fromkeys(("ASSIGNED_BY_ID", "CREATED_BY_ID", "MODIFY_BY_ID"), user_id)


def _defaults(entity: CrmEntity) -> dict[str, Any]:
    defaults: dict[str, Any] = {
        field.name: "N" for field in entity.fields if field.type == "char" and field.listed
    }
    if entity.type == "deal":
        defaults |= {"CATEGORY_ID": 0, "OPPORTUNITY": "0", "CURRENCY_ID": "RUB", "OPENED": "Y"}
    stage = STAGE_FIELDS.get(entity.type)
    return defaults | ({stage: ""} if stage else {})


def wanted_id(value: Any) -> int | None:
    """The id that a caller asked for; None unless it is a positive number."""
    number = 0 if isinstance(value, list | dict) or value is None else php_int(value)
    return number if number > 0 else None
