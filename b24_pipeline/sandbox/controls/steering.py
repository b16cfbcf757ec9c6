"""What tests do to the portal from inside: change data, directories and fields."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import count
from typing import Any

from b24_pipeline.sandbox.config import Quirks
from b24_pipeline.sandbox.controls.changes import DEFAULT_KINDS, KINDS, ChangeReport, Changes
from b24_pipeline.sandbox.controls.daily_work import DailyWork
from b24_pipeline.sandbox.controls.truth import Truth
from b24_pipeline.sandbox.crm.contact_links import OWNERS
from b24_pipeline.sandbox.crm.editing import Editor
from b24_pipeline.sandbox.crm.entity import CrmEntity
from b24_pipeline.sandbox.crm.item_entity import CrmItemEntity
from b24_pipeline.sandbox.crm.stages import DirectoryEntry, directory_of
from b24_pipeline.sandbox.crm.user_fields import EnumOption, UserField
from b24_pipeline.sandbox.portal import PortalState

_COLORS = {"": "#39A8EF", "S": "#7BD500", "F": "#FF5752"}


class Steering:
    """Changes take the portal's lock and its present second; LookupError names what is missing."""

    def __init__(self, portal: PortalState) -> None:
        self.portal = portal
        self.truth = Truth(portal)

    def change(
        self, n: int = 1000, seed: int = 1, kinds: Sequence[str] | None = None, *, distinct: bool = True
    ) -> ChangeReport:
        """Make `n` random changes, each to another element unless not `distinct`.

        `kinds` are of `edit stage back pipeline add phone user_field delete late rows`; all but
        `delete`, `late` (what calls lacked comes) and `rows` (other product rows) by default.
        """
        chosen = tuple(kinds or DEFAULT_KINDS)
        unknown = set(chosen) - set(KINDS)
        if unknown:
            raise ValueError(f"unknown kinds of change {sorted(unknown)}: there are {', '.join(KINDS)}")
        with self.portal.lock:
            return Changes(self.portal, seed, distinct=distinct).make(n, chosen)

    def work(self, n: int = 1, seed: int = 1) -> ChangeReport:
        """Lets people work: `n` things happen to leads and deals as in a company's day, few of them backward."""
        with self.portal.lock:
            return DailyWork(self.portal, seed).do(n)

    def add(self, entity_type: str, fields: Mapping[str, Any]) -> int:
        """Adds an element; returns its id."""
        with self.portal.lock:
            return self._editor(entity_type).add(entity_type, fields, self.portal.config.user_id)

    def update(self, entity_type: str, id: int, fields: Mapping[str, Any]) -> None:  # noqa: A002
        """Change fields as `crm.*.update` does."""
        with self.portal.lock:
            self._editor(entity_type).update(entity_type, id, fields, self.portal.config.user_id)

    def move(self, entity_type: str, id: int, stage: str, category: int | None = None) -> None:  # noqa: A002
        """Put an element into a stage; into another pipeline with `category`."""
        with self.portal.lock:
            self._editor(entity_type).move(entity_type, id, stage, category, self.portal.config.user_id)

    def set_contacts(
        self,
        entity_type: str,
        id: int,  # noqa: A002
        contacts: Sequence[int],
        *,
        touched: bool = True,
    ) -> None:
        """Give a lead, deal, company or item these contacts, the main one first.

        Not `touched`: its time of change stays, and no event is sent.
        """
        if entity_type == "contact":
            raise LookupError(f"contacts are of {', '.join(OWNERS)} and items, not of {entity_type!r}")
        with self.portal.lock:
            self._editor(entity_type).set_contacts(
                entity_type, id, contacts, self.portal.config.user_id, touched=touched
            )

    def delete(self, entity_type: str, id: int) -> None:  # noqa: A002
        """Delete an element; there is no recycle bin."""
        with self.portal.lock:
            self._editor(entity_type).delete(entity_type, id)

    def add_user_field(
        self,
        entity_type: str,
        name: str,
        type: str,  # noqa: A002
        *,
        label: str = "",
        multiple: bool = False,
        options: Sequence[str] = (),
    ) -> UserField:
        """A new user field; `name` gets `UF_CRM_` in front if it has not; `options` of an enumeration."""
        with self.portal.lock:
            entity = self.portal.entity(entity_type)
            number = self._next_field_id(entity)
            prefix, owner = _user_field_owner(entity)
            name = name.upper() if name.upper().startswith("UF_CRM_") else f"{prefix}{name.upper()}"
            choices = tuple(EnumOption(number * 1000 + place, text) for place, text in enumerate(options))
            field = UserField(number, entity_type, name, type, label or name, multiple, choices, owner)
            self._editor(entity_type).add_user_field(field)
            return field

    def change_user_field(
        self, entity_type: str, name: str, *, label: str | None = None, options: Sequence[str] | None = None
    ) -> UserField:
        """Give a user field another label or, keeping the ids of old ones, other options."""
        with self.portal.lock:
            before = self._user_field(entity_type, name)
            choices = before.options if options is None else _options(before, options)
            field = replace(before, label=before.label if label is None else label, options=choices)
            self._editor(field.entity_type).change_user_field(field)
            return field

    def delete_user_field(self, entity_type: str, name: str) -> None:
        """Delete a user field with its values."""
        with self.portal.lock:
            self._editor(entity_type).delete_user_field(self._user_field(entity_type, name))

    def set_activity_links(self, id: int, links: Sequence[tuple[int, int]]) -> None:  # noqa: A002
        """Links an activity to these elements, (entity type id, id) each, beside its main owner."""
        with self.portal.lock:
            self.portal.activity_links.set_others(id, links)
            self.portal.record_editor.update("activity", id, {}, self.portal.config.user_id)

    def complete_call(self, id: int, fields: Mapping[str, Any]) -> None:  # noqa: A002
        """Gives a call what comes late, such as its record: no event and no time tell of it."""
        with self.portal.lock:
            self.portal.record_editor.complete("call", id, fields)

    def set_rows(self, entity_type: str, id: int, rows: Sequence[Mapping[str, Any]]) -> list[int]:  # noqa: A002
        """Gives a lead, deal, quote, invoice or item these product rows; the ids of new ones.

        A row with an `id` that the owner has is changed, others of the owner are removed.
        The owner is saved too, as the portal's own page does it.
        """
        with self.portal.lock:
            return sorted(self.portal.set_rows(entity_type, id, rows, self.portal.config.user_id)[1])

    def set_quirks(self, **changes: Any) -> Quirks:
        """Let the portal do otherwise from now on: the fields of `Quirks` by name."""
        with self.portal.lock:
            self.portal.quirks = self.portal.quirks.changed(**changes)
            return self.portal.quirks

    def _editor(self, entity_type: str) -> Editor:
        return self.portal.editor_of(entity_type)

    def _next_field_id(self, entity: CrmEntity) -> int:
        """Of items, one that no field of the portal has: `userfieldconfig.list` tells all at once."""
        others = self.portal.entities.values() if isinstance(entity, CrmItemEntity) else [entity]
        return max((field.id for other in others for field in other.user_fields), default=0) + 1

    def _user_field(self, entity_type: str, name: str) -> UserField:
        for field in self.portal.entity(entity_type).user_fields:
            if field.name == name:
                return field
        raise LookupError(f"the sandbox has no user field {name} of {entity_type}")

    def add_stage(
        self,
        entity_type: str,
        status_id: str,
        name: str,
        *,
        category: int = 0,
        sort: int = 500,
        semantics: str = "",
    ) -> DirectoryEntry:
        """A new stage; `status_id` is the whole code, such as `C4:UC_X`; `semantics` S, F or empty."""
        with self.portal.lock:
            stage = DirectoryEntry(
                id=0,
                entity_id=directory_of(entity_type, category),
                status_id=status_id,
                name=name,
                sort=sort,
                semantics=semantics,
                color=_COLORS[semantics],
                category_id=category or None,
            )
            return self.portal.directories.add(stage)

    def rename_stage(
        self, entity_type: str, status_id: str, name: str, *, category: int = 0
    ) -> DirectoryEntry:
        """Renames a stage."""
        return self._change_stage(entity_type, status_id, category, name=name)

    def sort_stage(self, entity_type: str, status_id: str, sort: int, *, category: int = 0) -> DirectoryEntry:
        """Moves a stage to another place in the order."""
        return self._change_stage(entity_type, status_id, category, sort=sort)

    def delete_stage(self, entity_type: str, status_id: str, *, category: int = 0) -> None:
        """Delete a stage; elements and history go on naming it."""
        with self.portal.lock:
            self.portal.directories.delete(
                directory_of(entity_type, _category(status_id, category)), status_id
            )

    def _change_stage(
        self, entity_type: str, status_id: str, category: int, **changes: Any
    ) -> DirectoryEntry:
        with self.portal.lock:
            entity_id = directory_of(entity_type, _category(status_id, category))
            return self.portal.directories.change(entity_id, status_id, **changes)


def _user_field_owner(entity: CrmEntity) -> tuple[str, str]:
    """How codes of new fields begin, and what the fields belong to, where that is not the entity's own name."""
    return (
        (entity.user_field_prefix, entity.user_field_entity)
        if isinstance(entity, CrmItemEntity)
        else ("UF_CRM_", "")
    )


def _options(field: UserField, values: Sequence[str]) -> tuple[EnumOption, ...]:
    ids = {option.value: option.id for option in field.options}
    fresh = count(max(ids.values(), default=field.id * 1000 - 1) + 1)
    return tuple(EnumOption(ids[value] if value in ids else next(fresh), value) for value in values)


def _category(status_id: str, given: int) -> int:
    """The pipeline of a code such as `C4:NEW` or `DT156_12:NEW`; codes of the default one have no prefix."""
    prefix = status_id.partition(":")[0]
    number = prefix[1:].rpartition("_")[2]
    return int(number) if prefix != status_id and number.isdecimal() else given
