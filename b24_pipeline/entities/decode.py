"""Decodes the portal's rows into rows for COPY. Only a row without a usable id is lost by it.

Standard fields become typed columns, `UF_*` go to `custom_fields` under their
own names, fields that an entity gathers to the column it names, anything unknown
to `extra`. A value that does not fit its column goes to `extra` too, under its field's name, and is counted.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from operator import itemgetter
from typing import Any

from b24_pipeline.entities.columns import READERS, Column, ValueReader, json_text, without_access
from b24_pipeline.entities.entity import Entity
from b24_pipeline.entities.whole_columns import USUAL

CUSTOM = "UF_"
_FLAT = frozenset({str, int, float, bool, type(None)})
_MOST_SHAPES = 1000
_LARGEST = 2**63
Picker = Callable[[tuple[Any, ...]], tuple[Any, ...]]
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Shape:
    """Where a row with certain keys has what: pickers out of its values with a None behind them.

    `gathered`: for each beginning of names, the fields that have it, without it.
    """

    columns: Picker
    custom: Picker
    custom_fields: tuple[str, ...]
    unknown: tuple[str, ...]
    gathered: tuple[dict[str, str], ...] = ()

    @classmethod
    def of(
        cls,
        fields: tuple[str, ...],
        columns: Sequence[str],
        known: Collection[str],
        beginnings: Sequence[str] = (),
    ) -> Shape:
        """The shape of rows with these keys in this order."""
        places = {field: place for place, field in enumerate(fields)}
        rest = [field for field in fields if field not in known]
        custom = tuple(field for field in rest if field.startswith(CUSTOM))
        gathered = tuple(
            {field: field.removeprefix(beginning) for field in rest if field.startswith(beginning)}
            for beginning in beginnings
        )
        taken = {*custom, *(field for part in gathered for field in part)}
        return cls(
            _picker([places.get(field, len(fields)) for field in columns]),
            _picker([places[field] for field in custom]),
            custom,
            tuple(field for field in rest if field not in taken),
            gathered,
        )


def _picker(places: Sequence[int]) -> Picker:
    """Like `itemgetter`, but gives a tuple also for one place or none."""
    if len(places) > 1:
        return itemgetter(*places)
    return lambda values: tuple(values[place] for place in places)


class RowDecoder:
    """Decodes the rows of one entity.

    `selected` narrows the columns to fields that were asked for; the others
    keep what the table has. `names` are the columns of the rows made.
    `set_aside` counts the values that did not fit, `left_out` the rows without a usable id.
    """

    def __init__(self, entity: Entity, selected: Iterable[str] | None = None) -> None:
        wanted = None if selected is None else {*selected, entity.id_field}
        chosen = [column for column in entity.columns if wanted is None or column.field in wanted]
        self.entity = entity
        self.names: tuple[str, ...] = (
            *(column.name for column in chosen),
            *(name for _, name in entity.gathered),
            "custom_fields",
            "extra",
            *(name for name, _ in entity.constants),
        )
        self.set_aside = 0
        self.left_out = 0
        self._columns = chosen
        self._fields = tuple(column.field for column in chosen)
        self._known = frozenset(self._fields) | entity.volatile
        self._beginnings = tuple(beginning for beginning, _ in entity.gathered)
        # one that was asked for and is absent is empty: it must not stay as it was
        self._asked = {
            field: None for field in wanted or () if _is_custom(field) and field not in self._fields
        }
        self._shapes: dict[tuple[str, ...], Shape] = {}

    def rows(self, raw_rows: Sequence[Mapping[str, Any]]) -> list[tuple[str | None, ...]]:
        """Rows of COPY texts in the order of `names`.

        One without a usable id has no place in a table: it is left out and counted.
        """
        extras: list[dict[str, Any]] = []
        customs: list[dict[str, Any]] = []
        values: list[tuple[Any, ...]] = []
        shapes: list[Shape] = []
        for raw in raw_rows:
            found = (*raw.values(), None)
            shape = self._shapes.get(tuple(raw)) or self._shape(tuple(raw))
            shapes.append(shape)
            values.append(shape.columns(found))
            customs.append(dict(zip(shape.custom_fields, shape.custom(found), strict=False)))
            extras.append({field: without_access(raw[field]) for field in shape.unknown})
        texts = [
            self._column(*column, extras)
            for column in zip(self._columns, zip(*values, strict=True), strict=False)
        ]
        gathered = self._gathered(raw_rows, shapes)
        custom_texts, extra_texts = map(self._custom_text, customs), map(self._json, extras)
        constants = ([text] * len(raw_rows) for _, text in self.entity.constants)
        rows = list(zip(*texts, *gathered, custom_texts, extra_texts, *constants, strict=True))
        usable = [row for row in rows if row[0] is not None]
        self.left_out += len(rows) - len(usable)
        return usable

    def _shape(self, fields: tuple[str, ...]) -> Shape:
        """Rows come in a handful of shapes, since absent phones are absent keys."""
        if len(self._shapes) >= _MOST_SHAPES:
            self._shapes.clear()
        shape = self._shapes[fields] = Shape.of(fields, self._fields, self._known, self._beginnings)
        return shape

    def _gathered(self, raw_rows: Sequence[Mapping[str, Any]], shapes: Sequence[Shape]) -> list[list[str]]:
        """The columns that gather fields: what is empty or 0 is left out of them."""
        return [
            [
                self._json(
                    {name: raw[field] for field, name in shape.gathered[place].items() if _told(raw[field])}
                )
                for raw, shape in zip(raw_rows, shapes, strict=True)
            ]
            for place in range(len(self._beginnings))
        ]

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

    def _value(self, field: str, read: ValueReader, value: Any, extra: dict[str, Any]) -> str | None:
        """The value, or None where it does not fit and goes to `extra`."""
        if value is None:
            return None
        try:
            return read(value)
        except ValueError:
            extra[field] = cleaned(without_access(value))
            self.set_aside += field != self.entity.id_field  # without its id the whole row is left out
            return None

    def _custom_text(self, custom: dict[str, Any]) -> str:
        if not _FLAT.issuperset(map(type, custom.values())):
            custom = {field: without_access(value) for field, value in custom.items()}
        return self._json(self._asked | custom if self._asked else custom)

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


def _told(value: Any) -> bool:
    """Whether a gathered field has a value: of a link 0 means none."""
    return value not in (None, False, "", "0", 0, [], {})


def row_id(raw: Mapping[str, Any], id_field: str = "ID") -> int:
    """The id of a portal's row. Raises ValueError where it has none."""
    return int(raw[id_field])


def unique(rows: Sequence[dict[str, Any]], id_field: str = "ID") -> list[dict[str, Any]]:
    """The rows with each id once, the last of each: paged lists repeat rows while others change."""
    return list({str(row.get(id_field)): row for row in rows}.values())
