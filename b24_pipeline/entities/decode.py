"""Rows of the portal into rows for COPY. No row is ever lost here.

Standard fields become typed columns, `UF_*` go to `custom_fields` under their
own names, anything unknown to `extra`. A value that does not fit its column
goes to `extra` too, under its field's name, and is counted.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from math import isfinite
from typing import Any

from b24_pipeline.entities.columns import READERS, Reader, json_text, without_access
from b24_pipeline.entities.entity import Entity

CUSTOM = "UF_"
_NESTED = (dict, list)
_LARGEST = 2**63
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


class RowDecoder:
    """Decodes the rows of one entity.

    `selected` narrows the columns to fields that were asked for; the others
    keep what the table has. `names` are the columns of the rows made.
    `set_aside` counts the values that did not fit.
    """

    def __init__(self, entity: Entity, selected: Iterable[str] | None = None) -> None:
        wanted = None if selected is None else {*selected, "ID"}
        chosen = [column for column in entity.columns if wanted is None or column.field in wanted]
        self.entity = entity
        self.names: tuple[str, ...] = (*(column.name for column in chosen), "custom_fields", "extra")
        self.set_aside = 0
        self._plan: list[tuple[str, Reader]] = [(column.field, READERS[column.kind]) for column in chosen]
        self._known = frozenset(field for field, _ in self._plan) | entity.volatile
        taken = {column.field for column in chosen}
        # one that was asked for and is absent is empty: it must not stay as it was
        self._asked = {field: None for field in wanted or () if _is_custom(field) and field not in taken}

    def rows(self, raw_rows: Iterable[Mapping[str, Any]]) -> list[tuple[str | None, ...]]:
        """Rows of COPY texts in the order of `names`."""
        return [self.row(raw) for raw in raw_rows]

    def row(self, raw: Mapping[str, Any]) -> tuple[str | None, ...]:
        """One row."""
        get = raw.get
        extra: dict[str, Any] = {}
        try:
            values = [None if (value := get(field)) is None else read(value) for field, read in self._plan]
        except ValueError:
            values = [self._value(field, read, get(field), extra) for field, read in self._plan]
        values += self._rest(raw, extra)
        return tuple(values)

    def _value(self, field: str, read: Reader, value: Any, extra: dict[str, Any]) -> str | None:
        """The value, or None where it does not fit and goes to `extra`."""
        if value is None:
            return None
        try:
            return read(value)
        except ValueError:
            extra[field] = value
            self.set_aside += 1
            return None

    def _rest(self, raw: Mapping[str, Any], extra: dict[str, Any]) -> tuple[str, str]:
        """What no column takes: custom fields, and the unknown."""
        known = self._known
        rest = {
            field: without_access(value) if type(value) in _NESTED else value
            for field, value in raw.items()
            if field not in known
        }
        unknown = [field for field in rest if not field.startswith(CUSTOM)]
        extra |= {field: rest.pop(field) for field in unknown}
        return self._json(rest), self._json(extra)

    def _json(self, value: dict[str, Any]) -> str:
        if not value:
            return "{}"
        try:
            return json_text(value)
        except ValueError:
            self.set_aside += 1
            return json_text(cleaned(value))


def cleaned(value: Any) -> Any:
    """The value as PostgreSQL can store it.

    U+FFFD stands for each NUL and half character; a number that JSON cannot
    hold becomes text.
    """
    if isinstance(value, str):
        return _UNSTORABLE.sub("\ufffd", value)
    if isinstance(value, float) and not isfinite(value):
        return str(value)
    if isinstance(value, int) and not -_LARGEST <= value < _LARGEST:
        return str(value)
    if isinstance(value, dict):
        return {cleaned(key): cleaned(item) for key, item in value.items()}
    if isinstance(value, list):
        return [cleaned(item) for item in value]
    return value


def _is_custom(field: str) -> bool:
    return field.startswith(CUSTOM) and "*" not in field


def row_id(raw: Mapping[str, Any]) -> int:
    """The row's id. Raises ValueError where it has none."""
    return int(raw["ID"])


def unique(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows with each id once, the last one winning: paged lists repeat rows while others change."""
    return list({str(row.get("ID")): row for row in rows}.values())
