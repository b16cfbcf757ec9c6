"""What happens when somebody changes activities, calls, products, tasks and other records."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from b24_pipeline.sandbox.crm.editing import Editor
from b24_pipeline.sandbox.crm.entity import CrmEntity
from b24_pipeline.sandbox.crm.record_entity import RecordEntity
from b24_pipeline.sandbox.events import names

EventOf = Callable[[str, dict[str, Any]], tuple[str, dict[str, Any]] | None]
"""Action and shown record -> the event's name and data; None where nobody is told."""


class RecordEditor(Editor):
    """Changes records: each gets the portal's present second where it has a column for it, and is announced."""

    def add(self, entity_type: str, fields: Mapping[str, Any], user_id: int) -> int:
        """A new record with the next id."""
        entity = self._records(entity_type)
        table, now = entity.table, self._now()
        identifier = table.last_id + 1
        row = table.append(identifier)
        stamps = {name: now for name in (entity.created, entity.modified) if name}
        table.write(row, dict(entity.defaults) | stamps | entity.columns_of(fields) | {"ID": identifier})
        self._tell_record(entity, row, "ADD")
        return identifier

    def update(self, entity_type: str, identifier: int, fields: Mapping[str, Any], user_id: int) -> None:
        """Changes fields, and the time of change unless it is given."""
        entity = self._records(entity_type)
        row = self._row(entity, identifier)
        stamp = {entity.modified: self._now()} if entity.modified else {}
        entity.table.write(row, stamp | entity.columns_of(fields))
        self._tell_record(entity, row, "UPDATE")

    def complete(self, entity_type: str, identifier: int, fields: Mapping[str, Any]) -> None:
        """Changes fields as the portal does behind everybody's back: without a time and without an event."""
        entity = self._records(entity_type)
        entity.table.write(self._row(entity, identifier), entity.columns_of(fields))

    def drop_rows_of(self, owners: CrmEntity) -> None:
        """Removes the product rows of all elements of a type that goes."""
        self._drop_rows(owners, None)

    def move(self, entity_type: str, identifier: int, stage: str, category: int | None, user_id: int) -> None:
        """Records have no stages."""
        raise LookupError(f"{entity_type} has no stages in the sandbox")

    def delete(self, entity_type: str, identifier: int) -> None:
        """Removes a record."""
        entity = self._records(entity_type)
        row = self._row(entity, identifier)
        self._tell_record(entity, row, "DELETE")
        entity.table.delete([row])

    def _records(self, entity_type: str) -> RecordEntity:
        entity = self._entities[entity_type]
        if not isinstance(entity, RecordEntity):
            raise TypeError(f"{entity_type} is no type of records")
        return entity

    def _tell_record(self, entity: RecordEntity, row: int, action: str) -> None:
        event_of = EVENTS.get(entity.type)
        if event_of is None:
            return
        shown = entity.table.page(np.array([row]), entity.listed_fields()).row(0)
        told = event_of(action, shown)
        if told is not None:
            self._announce(*told)


def _by_id(subject: str) -> EventOf:
    return lambda action, shown: (names.changed(subject, action), {"FIELDS": {"ID": shown["ID"]}})


_OF_CALLS = (
    "CALL_ID", "CALL_TYPE", "PHONE_NUMBER", "PORTAL_NUMBER", "PORTAL_USER_ID", "CALL_DURATION",
    "CALL_START_DATE", "COST", "COST_CURRENCY", "CALL_FAILED_CODE", "CALL_FAILED_REASON", "CRM_ACTIVITY_ID",
)  # fmt: skip


def _call_end(action: str, shown: dict[str, Any]) -> tuple[str, dict[str, Any]] | None:
    """Flat, with neither the row's id nor the CRM's element; later changes of a call are not told."""
    return (names.CALL_END, {name: shown.get(name) for name in _OF_CALLS}) if action == "ADD" else None


def _comment(action: str, shown: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Without FIELDS, and without the element that it is about."""
    return names.changed("TIMELINECOMMENT", action), {"ID": shown["ID"]}


def _task(action: str, shown: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """The side that there is not is the text `undefined`."""
    sides = {"BEFORE": action != "ADD", "AFTER": action != "DELETE"}
    data: dict[str, Any] = {
        f"FIELDS_{side}": {"ID": shown["ID"]} if there else "undefined" for side, there in sides.items()
    }
    data |= {f"IS_ACCESSIBLE_{side}": "Y" if there else "N" for side, there in sides.items()}
    return f"ONTASK{action}", data


def _of_catalogue(subject: str, *more: str) -> EventOf:
    """Named with dots."""

    def told(action: str, shown: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        return f"CATALOG.{subject}.ON.{action}", {"FIELDS": {name: shown[name] for name in ("ID", *more)}}

    return told


EVENTS: dict[str, EventOf] = {
    "activity": _by_id("ACTIVITY"),
    "call": _call_end,
    "product": _of_catalogue("PRODUCT", "TYPE"),
    "price": _of_catalogue("PRICE"),
    "requisite": _by_id("REQUISITE"),
    "comment": _comment,
    "task": _task,
}
"""What is told of which records (docs/bitrix24-rest-more.md)."""
