"""Random changes: what users do to a portal while somebody reads it."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from b24_pipeline.sandbox.controls.item_changes import ItemChanges
from b24_pipeline.sandbox.controls.record_changes import LATE, ROWS, RecordChanges
from b24_pipeline.sandbox.crm.entity import CrmEntity
from b24_pipeline.sandbox.portal import PortalState
from b24_pipeline.sandbox.vocabulary import FIRST_NAMES, LAST_NAMES, ODD_TEXTS, PRODUCTS, SOURCES

STAGED = ("lead", "deal")
PHONED = ("lead", "contact", "company")
ALL = ("lead", "deal", "contact", "company")
KINDS: dict[str, tuple[str, ...]] = {
    "edit": ALL,
    "stage": STAGED,
    "back": STAGED,
    "pipeline": ("deal",),
    "add": ALL,
    "phone": PHONED,
    "user_field": ALL,
    "delete": ALL,
    LATE: (),
    ROWS: (),
}
"""Kind of change -> classic entity types that it can happen to; those of items and records are joined to them."""
DEFAULT_KINDS = tuple(kind for kind in KINDS if kind not in {"delete", LATE, ROWS})


@dataclass
class ChangeReport:
    """Ids by entity type: changed, added, deleted; an element is in one set only."""

    changed: dict[str, set[int]] = field(default_factory=lambda: {name: set() for name in ALL})
    added: dict[str, set[int]] = field(default_factory=lambda: {name: set() for name in ALL})
    deleted: dict[str, set[int]] = field(default_factory=lambda: {name: set() for name in ALL})

    @property
    def total(self) -> int:
        """How many elements were touched."""
        return sum(
            len(ids)
            for ids_by_type in (self.changed, self.added, self.deleted)
            for ids in ids_by_type.values()
        )

    def as_dict(self) -> dict[str, dict[str, list[int]]]:
        """The changes as JSON, with sorted lists."""
        return {
            name: {entity_type: sorted(ids) for entity_type, ids in getattr(self, name).items()}
            for name in ("changed", "added", "deleted")
        }


class Changes:
    """One series of changes; each hits another element while `distinct`."""

    def __init__(self, portal: PortalState, seed: int, *, distinct: bool) -> None:
        self._portal = portal
        self._random = random.Random(seed)  # noqa: S311 - repeatable, not secret
        self._distinct = distinct
        self._pools = {name: self._shuffled(name) for name in ALL}
        self._items = ItemChanges(portal, self._random)
        self._records = RecordChanges(portal, self._random)
        self._record_types = self._records.present()
        self._report = ChangeReport()
        self._join_others()
        self._acts: dict[str, Callable[[str, int], None]] = {
            "edit": self._edit,
            "stage": self._stage,
            "back": self._back,
            "pipeline": self._pipeline,
            "phone": self._phone,
            "user_field": self._user_field,
            "delete": self._delete,
        }

    def make(self, count: int, kinds: Sequence[str]) -> ChangeReport:
        """Make `count` changes; ValueError if there are too few elements."""
        for _ in range(count):
            kind = self._random.choice(list(kinds))
            if kind == "add":
                self._add(self._random.choice(self._types(kind)))
            else:
                self._change(kind)
        return self._report

    def _change(self, kind: str) -> None:
        types = [name for name in self._types(kind) if self._pools[name]]
        if not types:
            raise ValueError(
                f"the sandbox has no element left to change by {kind!r}: generate more or ask for less"
            )
        entity_type = self._random.choices(types, [len(self._pools[name]) for name in types])[0]
        identifier = self._taken(kind, entity_type)
        if kind == ROWS:
            self._set_rows(entity_type, identifier)
        elif entity_type not in ALL and kind != "delete":
            self._others(entity_type).make(kind, entity_type, identifier)
        else:
            self._acts[kind](entity_type, identifier)
        if kind != "delete":
            self._report.changed[entity_type].add(identifier)

    def _taken(self, kind: str, entity_type: str) -> int:
        """An element of the pool that is still there: comments go with what they are about."""
        pool, table = self._pools[entity_type], self._portal.entities[entity_type].table
        while pool:
            identifier = pool.pop() if self._distinct or kind == "delete" else self._random.choice(pool)
            if table.row_of(identifier) is not None:
                return identifier
            if identifier in pool:
                pool.remove(identifier)
        raise ValueError(f"the sandbox has no {entity_type} left: generate more or ask for less")

    def _others(self, entity_type: str) -> ItemChanges | RecordChanges:
        return self._records if entity_type in self._record_types else self._items

    def _types(self, kind: str) -> tuple[str, ...]:
        return KINDS[kind] + self._items.types(kind) + self._records.types(kind)

    def _join_others(self) -> None:
        """Items and records come after the classic types, so that a portal without them changes as it always did."""
        for name in (*(entity.type for entity in self._portal.items_of()), *self._record_types):
            self._pools[name] = self._shuffled(name)
            for ids in (self._report.changed, self._report.added, self._report.deleted):
                ids[name] = set()

    def _set_rows(self, entity_type: str, identifier: int) -> None:
        user_id = self._portal.config.user_id
        gone, added = self._portal.set_rows(entity_type, identifier, self._records.rows(), user_id)
        self._report.deleted["product_row"].update(gone - self._report.added["product_row"])
        self._report.added["product_row"] = (self._report.added["product_row"] - gone) | added

    def _shuffled(self, entity_type: str) -> list[int]:
        table = self._portal.entities[entity_type].table
        ids: list[int] = table.ids[table.alive_rows()].tolist()
        self._random.shuffle(ids)
        return ids

    def _update(self, entity_type: str, identifier: int, fields: dict[str, Any]) -> None:
        self._portal.editor.update(entity_type, identifier, fields, self._portal.config.user_id)

    def _edit(self, entity_type: str, identifier: int) -> None:
        draw = self._random
        title = draw.choice((f"{draw.choice(PRODUCTS)} {draw.randrange(10**6)}", draw.choice(ODD_TEXTS[:5])))
        name = "NAME" if entity_type == "contact" else "TITLE"
        fields = {name: title, "COMMENTS": draw.choice((None, "", "изменено", title)), "OPENED": "N"}
        if entity_type in STAGED:
            fields |= {"OPPORTUNITY": f"{draw.randrange(10**6)}.{draw.randrange(100):02d}"}
        self._update(entity_type, identifier, fields)

    def _codes(self, entity_type: str, category: int) -> list[str]:
        return [stage.status_id for stage in self._portal.directories.stages(entity_type, category)]

    def _place(self, entity_type: str, identifier: int) -> tuple[CrmEntity, int, str, int]:
        entity = self._portal.entities[entity_type]
        row = entity.table.row_of(identifier) or 0
        editor = self._portal.editor
        return entity, row, editor.stage(entity, row), editor.category(entity, row)

    def _stage(self, entity_type: str, identifier: int) -> None:
        *_, stage, category = self._place(entity_type, identifier)
        candidates = [code for code in self._codes(entity_type, category) if code != stage]
        self._move(entity_type, identifier, self._random.choice(candidates), None)

    def _back(self, entity_type: str, identifier: int) -> None:
        *_, stage, category = self._place(entity_type, identifier)
        codes = self._codes(entity_type, category)
        earlier = codes[: codes.index(stage)] if stage in codes else codes[:1]
        self._move(entity_type, identifier, self._random.choice(earlier or codes[1:2]), None)

    def _pipeline(self, entity_type: str, identifier: int) -> None:
        *_, category = self._place(entity_type, identifier)
        candidates = [
            category_id
            for category_id in self._portal.directories.category_ids(entity_type)
            if category_id != category
        ]
        chosen = self._random.choice(candidates)
        self._move(entity_type, identifier, self._random.choice(self._codes(entity_type, chosen)[:2]), chosen)

    def _move(self, entity_type: str, identifier: int, stage: str, category: int | None) -> None:
        self._portal.editor.move(entity_type, identifier, stage, category, self._portal.config.user_id)

    def _phone(self, entity_type: str, identifier: int) -> None:
        self._update(entity_type, identifier, {"PHONE": [{"VALUE": self._number(), "VALUE_TYPE": "MOBILE"}]})

    def _number(self) -> str:
        return f"8 (9{self._random.randrange(100):02d}) {self._random.randrange(10**7):07d}"

    def _user_field(self, entity_type: str, identifier: int) -> None:
        fields = self._portal.entities[entity_type].user_fields
        texts = [
            user_field for user_field in fields if user_field.type == "string" and not user_field.multiple
        ]
        flags = [user_field for user_field in fields if user_field.type == "boolean"]
        values: dict[str, Any] = {
            user_field.name: f"новое {self._random.randrange(10**6)}" for user_field in texts[:1]
        }
        values |= {user_field.name: self._random.choice(("1", "0")) for user_field in flags[:1]}
        values |= {
            user_field.name: str(self._random.choice(user_field.options).id)
            for user_field in fields
            if user_field.type == "enumeration" and not user_field.multiple
        }
        self._update(entity_type, identifier, values)

    def _add(self, entity_type: str) -> None:
        if entity_type not in ALL:
            self._report.added[entity_type].add(self._others(entity_type).add(entity_type))
            return
        draw = self._random
        fields: dict[str, Any] = {
            "TITLE": f"{draw.choice(PRODUCTS)} {draw.randrange(10**6)}",
            "NAME": draw.choice(FIRST_NAMES),
            "LAST_NAME": draw.choice(LAST_NAMES),
            "SOURCE_ID": draw.choice(list(SOURCES)),
            "OPPORTUNITY": str(draw.randrange(10**6)),
            "CURRENCY_ID": "RUB",
            "PHONE": [{"VALUE": self._number(), "VALUE_TYPE": "WORK"}],
        }
        identifier = self._portal.editor.add(entity_type, fields, self._portal.config.user_id)
        self._report.added[entity_type].add(identifier)

    def _delete(self, entity_type: str, identifier: int) -> None:
        self._portal.editor_of(entity_type).delete(entity_type, identifier)
        self._report.deleted[entity_type].add(identifier)
