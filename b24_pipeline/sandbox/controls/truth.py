"""What is true in the portal, in Python's types, computed past the REST methods."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import pandas as pd

from b24_pipeline.sandbox.crm.entity import CrmEntity
from b24_pipeline.sandbox.crm.item_entity import CrmItemEntity
from b24_pipeline.sandbox.crm.item_names import item_name
from b24_pipeline.sandbox.crm.record_entity import RecordEntity
from b24_pipeline.sandbox.crm.smart_types import SmartTypeRecord
from b24_pipeline.sandbox.portal import PortalState
from b24_pipeline.sandbox.rows.cells import ABSENT, Family, Rows
from b24_pipeline.sandbox.rows.codecs import Moment, Whole
from b24_pipeline.sandbox.rows.columns import CellColumn, Numbers
from b24_pipeline.sandbox.rows.page import Page
from b24_pipeline.sandbox.rows.selection import is_user_field

_CHUNK = 1000


class Truth:
    """Reads the portal's state; every call reflects all changes so far."""

    def __init__(self, portal: PortalState) -> None:
        self._portal = portal

    def entities(self, entity_type: str) -> pd.DataFrame:
        """One row an element alive, by ID, all fields under the names that their lists have.

        Of items those are `id`, `createdTime`, and user fields under their original names.
        Ids and integers are `Int64` (`ID` `int64`), money `Decimal`, times UTC timestamps,
        dates `datetime.date`, flags `"Y"`/`"N"`, multifields lists of dicts as rendered
        or None, user fields as rendered; no value is None, NaT or NA.
        """
        with self._portal.lock:
            entity = self._portal.entity(entity_type)
            rows = entity.table.alive_rows()
            series = {
                name: _series(column, entity.table.columns[column], rows)
                for name, column in _shown(entity).items()
            }
        return pd.DataFrame(series)

    def contacts(self, entity_type: str) -> dict[int, list[int]]:
        """The ids of the contacts of each lead, deal or company alive, the main one first; none left out."""
        with self._portal.lock:
            table = self._portal.entity(entity_type).table
            rows = table.alive_rows()
            found = self._portal.contact_links.of_rows(entity_type, rows)
            return dict(zip(table.ids[rows].tolist(), found, strict=True))

    def raw(self, entity_type: str) -> Iterator[dict[str, Any]]:
        """Each element alive exactly as a list renders it with every field selected."""
        entity = self._portal.entity(entity_type)
        with self._portal.lock:
            rows = entity.table.alive_rows()
        for start in range(0, len(rows), _CHUNK):
            with self._portal.lock:
                fields = [(name, entity.table.columns[column]) for name, column in _shown(entity).items()]
                objects = Page(fields, rows[start : start + _CHUNK], _family(entity)).objects()
            yield from objects

    def history(self, entity_type: str) -> pd.DataFrame:
        """All moves, also those of earlier pipelines that the portal may hide: `history_id,
        owner_id, type_id, category_id, stage_id, semantics, created_time` (UTC)."""
        prefix = "STATUS" if entity_type == "lead" else "STAGE"
        names = {
            "history_id": "ID",
            "owner_id": "OWNER_ID",
            "type_id": "TYPE_ID",
            "category_id": "CATEGORY_ID",
            "stage_id": f"{prefix}_ID",
            "semantics": f"{prefix}_SEMANTIC_ID",
            "created_time": "CREATED_TIME",
        }
        with self._portal.lock:
            history = self._portal.entity(entity_type).history
            if history is None:
                raise LookupError(f"{entity_type} has no history")
            rows = history.alive_rows()
            return pd.DataFrame(
                {name: _series("ID", history.columns[column], rows) for name, column in names.items()}
            )

    def stages(self, entity_type: str) -> pd.DataFrame:
        """`category_id, status_id, name, sort, semantics` (P, S, F), `color`; by pipeline and sort."""
        directories = self._portal.directories
        return pd.DataFrame(
            [
                {
                    "category_id": category_id,
                    "status_id": stage.status_id,
                    "name": stage.name,
                    "sort": stage.sort,
                    "semantics": stage.semantics or "P",
                    "color": stage.color,
                }
                for category_id in directories.category_ids(entity_type)
                for stage in directories.stages(entity_type, category_id)
            ]
        )

    def pipelines(self, entity_type: str = "deal") -> pd.DataFrame:
        """`category_id, name, sort, is_default` of the pipelines of deals, or of a type of items."""
        return pd.DataFrame(
            [
                {
                    "category_id": pipeline.category_id,
                    "name": pipeline.name,
                    "sort": pipeline.sort,
                    "is_default": pipeline.is_default or not pipeline.category_id,
                }
                for pipeline in self._portal.directories.pipelines_of(entity_type)
            ]
        )

    def activity_links(self) -> dict[int, list[tuple[int, int]]]:
        """The links of each activity alive, (entity type id, id), the main owner first."""
        with self._portal.lock:
            table = self._portal.entity("activity").table
            return {
                number: self._portal.activity_links.of(number)
                for number in table.ids[table.alive_rows()].tolist()
            }

    def types(self) -> pd.DataFrame:
        """The smart processes: `id, entity_type_id, title, switches` (those that are on), `parents` and more."""
        return pd.DataFrame([_type(smart_type) for smart_type in self._portal.smart_types.rows])

    def users(self) -> pd.DataFrame:
        """All users, dismissed ones included, `ID` as int."""
        return pd.DataFrame([user | {"ID": int(user["ID"])} for user in self._portal.users])

    def fields(self, entity_type: str) -> pd.DataFrame:
        """`name, type, label, multiple, custom, options` (option id -> text)."""
        entity = self._portal.entity(entity_type)
        names = {column: name for name, column in _shown(entity).items()}
        standard: list[tuple[Any, ...]] = [
            (names.get(field.name, field.name), field.type, field.title, "M" in field.flags, False, {})
            for field in entity.fields
        ]
        custom = [
            (
                user_field.name,
                user_field.type,
                user_field.label,
                user_field.multiple,
                True,
                {o.id: o.value for o in user_field.options},
            )
            for user_field in entity.user_fields
        ]
        return pd.DataFrame(
            standard + custom, columns=["name", "type", "label", "multiple", "custom", "options"]
        )


def _shown(entity: CrmEntity) -> dict[str, str]:
    """Name in lists -> column of the fields that an entity has."""
    if isinstance(entity, RecordEntity):
        return {entity.shown_name(name): name for name in entity.listed_fields()}
    original = not isinstance(entity, CrmItemEntity)
    return {name if original else item_name(name, original=True): name for name in entity.listed_fields()}


def _family(entity: CrmEntity) -> Family:
    if isinstance(entity, RecordEntity):
        return entity.family
    return "item" if isinstance(entity, CrmItemEntity) else "classic"


def _type(smart_type: SmartTypeRecord) -> dict[str, Any]:
    switched_on = sorted(name for name, on in smart_type.switches.items() if on)
    return asdict(smart_type) | {"switches": switched_on, "entity_type": smart_type.entity_type}


def _series(name: str, column: CellColumn, rows: Rows) -> pd.Series[Any]:
    if is_user_field(name):
        return pd.Series(_present(column, rows), dtype=object)
    values = column.typed(rows)
    if isinstance(column, Numbers) and isinstance(column.codec, Moment):
        return pd.Series(pd.to_datetime(pd.Series(values, dtype=object), utc=True))
    if isinstance(column, Numbers) and isinstance(column.codec, Whole):
        numbers = pd.Series(values, dtype="Int64")
        return numbers.astype("int64") if name == "ID" else numbers
    return pd.Series(values, dtype=object)


def _present(column: CellColumn, rows: Rows) -> list[Any]:
    """Rendered values; what is absent on the wire is None."""
    return [None if value is ABSENT else value for value in column.rendered(rows, "classic")]
