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

from b24_pipeline.entities.columns import READERS, Column, Reader, json_text, without_access
from b24_pipeline.entities.entity import Entity
from b24_pipeline.entities.usual import USUAL

CUSTOM = "UF_"
_TEXTS = frozenset({str})
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
        self._columns = chosen
        self._fields = [column.field for column in chosen]
        self._custom: dict[str, None] = {}  # custom fields seen so far, in their order
        self._taken = frozenset(self._fields)
        self._known = self._taken | entity.volatile
        # one that was asked for and is absent is empty: it must not stay as it was
        self._asked = {
            field: None for field in wanted or () if _is_custom(field) and field not in self._taken
        }

    def rows(self, raw_rows: Sequence[Mapping[str, Any]]) -> list[tuple[str | None, ...]]:
        """Rows of COPY texts in the order of `names`.

        One without a usable id has no place in a table: it is left out and counted.
        """
        extras: list[dict[str, Any]] = [{} for _ in raw_rows]
        values = zip(*(map(raw.get, self._fields) for raw in raw_rows), strict=True)
        texts = [self._column(*column, extras) for column in zip(self._columns, values, strict=False)]
        rests = [self._rest(raw, extra) for raw, extra in zip(raw_rows, extras, strict=True)]
        rows = list(zip(*texts, *zip(*rests, strict=True), strict=True))
        usable = [row for row in rows if row[0] is not None]
        self.set_aside += len(rows) - len(usable)
        return usable

    def _column(
        self, column: Column, values: Sequence[Any], extras: list[dict[str, Any]]
    ) -> list[str | None]:
        """A column of the page; what does not fit it goes to `extras`."""
        usual = USUAL.get(column.kind)
        texts = usual(values) if usual else None
        if texts is not None:
            return texts
        read, field = READERS[column.kind], column.field
        return [self._value(field, read, value, extra) for value, extra in zip(values, extras, strict=True)]

    def _value(self, field: str, read: Reader, value: Any, extra: dict[str, Any]) -> str | None:
        """The value, or None where it does not fit and goes to `extra`."""
        if value is None:
            return None
        try:
            return read(value)
        except ValueError:
            extra[field] = cleaned(without_access(value))
            self.set_aside += 1
            return None

    def _rest(self, raw: Mapping[str, Any], extra: dict[str, Any]) -> tuple[str, str]:
        """What no column takes: custom fields, and the unknown."""
        custom = {field: raw[field] for field in self._custom if field in raw}
        if len(custom) + len(self._fields) != len(raw) or not self._taken <= raw.keys():
            custom = self._told_apart(raw, extra)
        for field, value in custom.items():
            if type(value) is dict or (type(value) is list and not _TEXTS.issuperset(map(type, value))):
                custom[field] = without_access(value)
        return self._json(self._asked | custom if self._asked else custom), self._json(extra)

    def _told_apart(self, raw: Mapping[str, Any], extra: dict[str, Any]) -> dict[str, Any]:
        """The custom fields of a row that has others than the rows before; the unknown goes to `extra`."""
        rest = {field: value for field, value in raw.items() if field not in self._known}
        custom = {field: value for field, value in rest.items() if field.startswith(CUSTOM)}
        extra |= {field: without_access(value) for field, value in rest.items() if field not in custom}
        self._custom |= dict.fromkeys(custom)
        return custom

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
