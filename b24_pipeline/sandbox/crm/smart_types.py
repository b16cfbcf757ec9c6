"""Smart processes as records: their identifiers and switches (docs/bitrix24-rest-more.md, sections 1.1 and 1.2)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from b24_pipeline.sandbox.clock import moment_text

SWITCHES = (
    "isCategoriesEnabled", "isStagesEnabled", "isBeginCloseDatesEnabled", "isClientEnabled",
    "isUseInUserfieldEnabled", "isLinkWithProductsEnabled", "isMycompanyEnabled", "isDocumentsEnabled",
    "isSourceEnabled", "isObserversEnabled", "isRecyclebinEnabled", "isAutomationEnabled",
    "isBizProcEnabled", "isSetOpenPermissions", "isPaymentsEnabled", "isCountersEnabled",
)  # fmt: skip
_FIRST_TYPE_ID = 130
_CLIENTS = (3, 4)


@dataclass(frozen=True)
class SmartTypeRecord:
    """One smart process; `parents` are entity type ids, times are Unix seconds."""

    id: int
    entity_type_id: int
    title: str
    code: str
    created_by: int
    created: int
    updated: int
    switches: Mapping[str, bool]
    parents: tuple[int, ...] = ()

    @property
    def entity_type(self) -> str:
        """How the sandbox calls its items."""
        return f"dynamic_{self.entity_type_id}"

    @property
    def short_symbol(self) -> str:
        """`T9c` for 156."""
        return f"T{self.entity_type_id:x}"

    def rendered(self) -> dict[str, Any]:
        """The entry of `crm.type.list`."""
        entry: dict[str, Any] = {
            "id": self.id,
            "title": self.title,
            "code": self.code,
            "createdBy": self.created_by,
            "entityTypeId": self.entity_type_id,
            "customSectionId": None,
        }
        entry |= {name: "Y" if self.switches[name] else "N" for name in SWITCHES}
        times = {"createdTime": moment_text(self.created), "updatedTime": moment_text(self.updated)}
        return entry | times | {"updatedBy": self.created_by}

    def described(self, children: list[int]) -> dict[str, Any]:
        """The answer of `crm.type.get`, which alone tells relations."""
        clients = _CLIENTS if self.switches["isClientEnabled"] else ()
        parents = [_relation(number, predefined=True) for number in clients]
        parents += [_relation(number, predefined=False) for number in self.parents]
        inner = {
            "relations": {
                "parent": parents,
                "child": [_relation(number, predefined=False) for number in children],
            },
            "linkedUserFields": {"CALENDAR_EVENT|UF_CRM_CAL_EVENT": "N", "TASKS_TASK|UF_CRM_TASK": "Y"},
            "customSections": [],
        }
        return self.rendered() | inner


def _relation(type_id: int, *, predefined: bool) -> dict[str, Any]:
    return {
        "entityTypeId": type_id,
        "isChildrenListEnabled": "Y",
        "isPredefined": "Y" if predefined else "N",
    }


@dataclass
class SmartTypeRecords:
    """All of them, by the id of their record; whoever reads or changes them holds the portal's lock."""

    rows: list[SmartTypeRecord] = field(default_factory=list)
    _last_id: int = 0
    _last_type_id: int = _FIRST_TYPE_ID

    def next_ids(self, gap: int = 1) -> tuple[int, int]:
        """The id and the entity type id of the next one: neither can be computed from the other."""
        self._last_id += gap
        self._last_type_id += 8 * gap + 2
        return self._last_id, self._last_type_id

    def add(self, smart_type: SmartTypeRecord) -> SmartTypeRecord:
        """One more."""
        self.rows.append(smart_type)
        return smart_type

    def of(self, entity_type_id: int) -> SmartTypeRecord:
        """The one with this entity type id; LookupError names those there are."""
        for smart_type in self.rows:
            if smart_type.entity_type_id == entity_type_id:
                return smart_type
        known = ", ".join(str(smart_type.entity_type_id) for smart_type in self.rows)
        raise LookupError(f"no smart process {entity_type_id} in the sandbox: {known or 'there is none'}")

    def change(self, entity_type_id: int, **changes: Any) -> SmartTypeRecord:
        """Another title, switch or parent; the changed record."""
        before = self.of(entity_type_id)
        changed = replace(before, **changes)
        self.rows[self.rows.index(before)] = changed
        return changed

    def remove(self, entity_type_id: int) -> SmartTypeRecord:
        """Forgets one; the others are no longer its children."""
        gone = self.of(entity_type_id)
        self.rows.remove(gone)
        for other in list(self.rows):
            kept = tuple(number for number in other.parents if number != entity_type_id)
            if kept != other.parents:
                self.change(other.entity_type_id, parents=kept)
        return gone

    def children(self, entity_type_id: int) -> list[int]:
        """The types whose items hang below items of this one."""
        return [one.entity_type_id for one in self.rows if entity_type_id in one.parents]
