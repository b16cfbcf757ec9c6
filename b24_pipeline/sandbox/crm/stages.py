"""Pipelines, stages and the other directories (docs/bitrix24-rest.md, section 6.4)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

_WITHOUT_FUNNELS = {"lead": "STATUS", "quote": "QUOTE_STATUS"}
_EXTRA = {"S": "success", "F": "failure", "": "process"}


@dataclass(frozen=True)
class CrmPipeline:
    """A funnel of deals, or of items of another type; category 0 is the default one of deals."""

    category_id: int
    name: str
    sort: int
    type_id: int = 2
    is_default: bool = False

    def rendered(self) -> dict[str, Any]:
        """The entry of `crm.category.list`; only added funnels have origin keys [seen]."""
        entry: dict[str, Any] = {
            "id": self.category_id,
            "name": self.name,
            "sort": self.sort,
            "entityTypeId": self.type_id,
            "isDefault": "Y" if self.is_default or not self.category_id else "N",
        }
        return entry | ({"originId": "", "originatorId": ""} if self.category_id else {})


@dataclass(frozen=True)
class DirectoryEntry:
    """A row of a directory; of a stage directory it is a stage. `semantics`: S, F or empty."""

    id: int
    entity_id: str
    status_id: str
    name: str
    sort: int
    semantics: str = ""
    color: str = ""
    system: bool = False
    category_id: int | None = None

    @property
    def is_stage(self) -> bool:
        """True in the directories that `directory_of` names."""
        return self.has_extra or "_STAGE_" in self.entity_id

    @property
    def has_extra(self) -> bool:
        """Stages of smart processes and invoices have no `EXTRA` (docs/bitrix24-rest-more.md, section 1.4)."""
        return self.entity_id in {"STATUS", "QUOTE_STATUS"} or self.entity_id.startswith("DEAL_STAGE")

    def rendered(self) -> dict[str, Any]:
        """The entry of `crm.status.list`, all text."""
        entry: dict[str, Any] = {
            "ID": str(self.id),
            "ENTITY_ID": self.entity_id,
            "STATUS_ID": self.status_id,
            "NAME": self.name,
            "NAME_INIT": self.name if self.system else "",
            "SORT": str(self.sort),
            "SYSTEM": "Y" if self.system else "N",
            "CATEGORY_ID": None if self.category_id is None else str(self.category_id),
            "COLOR": self.color,
            "SEMANTICS": self.semantics or None,
        }
        if self.has_extra:
            entry["EXTRA"] = {"SEMANTICS": self._extra_semantics(), "COLOR": self.color}
        return entry

    def _extra_semantics(self) -> str:
        return "apology" if self.status_id.endswith("APOLOGY") else _EXTRA[self.semantics]


def directory_of(entity_type: str, category_id: int = 0) -> str:
    """The directory that holds the stages of a pipeline."""
    if entity_type in _WITHOUT_FUNNELS:
        return _WITHOUT_FUNNELS[entity_type]
    if entity_type == "deal":
        return f"DEAL_STAGE_{category_id}" if category_id else "DEAL_STAGE"
    return f"{entity_type.upper()}_STAGE_{category_id}"


class Directories:
    """Every directory of the portal, with what the sandbox's owner may do to a stage."""

    def __init__(self, pipelines: Iterable[CrmPipeline], statuses: Iterable[DirectoryEntry]) -> None:
        self.pipelines = list(pipelines)
        self.item_pipelines: dict[str, list[CrmPipeline]] = {}
        self._statuses = list(statuses)
        self._gone: dict[str, DirectoryEntry] = {}

    def rows(self) -> list[DirectoryEntry]:
        """All directory rows, by id."""
        return list(self._statuses)

    def items(self, entity_id: str) -> list[DirectoryEntry]:
        """One directory in its order."""
        return sorted(
            (status for status in self._statuses if status.entity_id == entity_id),
            key=lambda status: status.sort,
        )

    def stages(self, entity_type: str, category_id: int = 0) -> list[DirectoryEntry]:
        """The stages of a pipeline in their order."""
        return self.items(directory_of(entity_type, category_id))

    def category_ids(self, entity_type: str) -> list[int]:
        """Pipelines of an entity type; leads and quotes have the one pipeline 0."""
        if entity_type in _WITHOUT_FUNNELS:
            return [0]
        return [pipeline.category_id for pipeline in self.pipelines_of(entity_type)]

    def pipelines_of(self, entity_type: str) -> list[CrmPipeline]:
        """The funnels of an entity type, the default one first."""
        return self.pipelines if entity_type == "deal" else self.item_pipelines.get(entity_type, [])

    def add_pipeline(self, entity_type: str, name: str, type_id: int) -> CrmPipeline:
        """One more funnel of items, the first one their default; its number is unique in the portal."""
        held = self.item_pipelines.setdefault(entity_type, [])
        known = [*self.pipelines, *(one for rows in self.item_pipelines.values() for one in rows)]
        number = max((one.category_id for one in known), default=0) + 3
        held.append(CrmPipeline(number, name, (len(held) + 1) * 100, type_id, is_default=not held))
        return held[-1]

    def remove_type(self, entity_type: str) -> None:
        """Forgets the funnels and stages of a type that is gone."""
        for pipeline in self.item_pipelines.pop(entity_type, []):
            directory = directory_of(entity_type, pipeline.category_id)
            self._statuses = [status for status in self._statuses if status.entity_id != directory]

    def stage(self, entity_type: str, status_id: str) -> DirectoryEntry | None:
        """A stage by its code, deleted ones included."""
        for category_id in self.category_ids(entity_type):
            entity_id = directory_of(entity_type, category_id)
            for status in [*self._statuses, *self._gone.values()]:
                if status.status_id == status_id and status.entity_id == entity_id:
                    return status
        return None

    def semantics(self, entity_type: str, status_id: str) -> str:
        """P, S or F; a code that was never known is in progress."""
        stage = self.stage(entity_type, status_id)
        return (stage.semantics or "P") if stage else "P"

    def add(self, status: DirectoryEntry) -> DirectoryEntry:
        """Add a row; its id is given here."""
        added = replace(status, id=max((entry.id for entry in self._all()), default=0) + 1)
        self._statuses.append(added)
        return added

    def change(self, entity_id: str, status_id: str, **changes: Any) -> DirectoryEntry:
        """Rename, recolour or re-sort a row."""
        place = self._place(entity_id, status_id)
        self._statuses[place] = replace(self._statuses[place], **changes)
        return self._statuses[place]

    def delete(self, entity_id: str, status_id: str) -> None:
        """Drop a row; entities and history go on naming its code."""
        gone = self._statuses.pop(self._place(entity_id, status_id))
        self._gone[f"{entity_id}:{status_id}"] = gone

    def _all(self) -> list[DirectoryEntry]:
        return [*self._statuses, *self._gone.values()]

    def _place(self, entity_id: str, status_id: str) -> int:
        for place, status in enumerate(self._statuses):
            if (status.entity_id, status.status_id) == (entity_id, status_id):
                return place
        raise LookupError(f"no status {status_id!r} in directory {entity_id!r} of the sandbox")
