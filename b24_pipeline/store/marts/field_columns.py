"""The columns of a typed view: one a custom field, two where it is money."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from b24_pipeline.store.marts.names import column_name

# a type of the portal that is not here is shown as it came, as jsonb (a file, a type of an application)
_READERS = {
    "string": "b24_as_text",
    "string_formatted": "b24_as_text",
    "url": "b24_as_text",
    "address": "b24_as_text",
    "crm": "b24_as_text",
    "crm_status": "b24_as_text",
    "enumeration": "b24_as_text",
    "integer": "b24_as_whole",
    "employee": "b24_as_whole",
    "user": "b24_as_whole",
    "iblock_element": "b24_as_whole",
    "iblock_section": "b24_as_whole",
    "hlblock": "b24_as_whole",
    "double": "b24_as_number",
    "boolean": "b24_as_flag",
    "char": "b24_as_flag",
    "date": "b24_as_date",
    "datetime": "b24_as_time",
}
_AS_IT_CAME = "b24_as_json"
_MONEY = (("_amount", "b24_as_amount"), ("_currency", "b24_as_currency"))


@dataclass(frozen=True, slots=True)
class CustomField:
    """A field of the catalogue. `options`: {id, value, ...} of an enumeration."""

    field_name: str
    field_type: str | None
    label: str
    is_multiple: bool
    options: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class FieldColumn:
    """A column: the field's key, the function that reads a value, and the words of an enumeration as JSON."""

    name: str
    key: str
    label: str
    reader: str
    is_multiple: bool
    words: str | None


def columns_of_fields(fields: Sequence[CustomField], taken: Collection[str] = ()) -> list[FieldColumn]:
    """The columns of these fields, in their order, a new field at the end; none has a name of `taken`."""
    names = dict[tuple[str, str], str]()
    parts = [(custom, suffix) for custom in fields for suffix, _ in _parts(custom)]
    # a column of a money field gives way to a field that is called so
    for custom, suffix in sorted(parts, key=lambda part: part[1] != ""):
        names[custom.field_name, suffix] = column_name(
            custom.field_name, {"entity_id", *taken, *names.values()}, suffix
        )
    return [column for custom in fields for column in _columns(custom, names)]


def _parts(custom: CustomField) -> tuple[tuple[str, str], ...]:
    if custom.field_type == "money":
        return _MONEY
    return (("", _READERS.get(custom.field_type or "", _AS_IT_CAME)),)


def _columns(custom: CustomField, names: dict[tuple[str, str], str]) -> Iterator[FieldColumn]:
    for suffix, reader in _parts(custom):
        yield FieldColumn(
            name=names[custom.field_name, suffix],
            key=custom.field_name,
            label=custom.label + suffix.replace("_", ", "),
            reader=reader,
            is_multiple=custom.is_multiple and reader != _AS_IT_CAME,
            words=_words(custom) if custom.field_type == "enumeration" else None,
        )


def _words(custom: CustomField) -> str:
    return orjson.dumps({str(option["id"]): option.get("value") for option in custom.options}).decode()
