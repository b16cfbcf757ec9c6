"""What a field's type means for its column: empty form, written form, form in items.

docs/bitrix24-rest.md, section 5.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from b24_pipeline.sandbox.rows.cells import ABSENT, NOTHING
from b24_pipeline.sandbox.rows.codecs import Cents, DayCodec, Moment, Whole
from b24_pipeline.sandbox.rows.columns import CellColumn, Codec, Coded, Numbers
from b24_pipeline.sandbox.rows.multifields import KINDS, Multifield, MultifieldKind, site_text

LINK_TYPES = frozenset(
    {
        "integer",
        "user",
        "crm_company",
        "crm_contact",
        "crm_lead",
        "crm_deal",
        "crm_quote",
        "crm_category",
        "crm_entity",
    }
)
_LINK_KIND = MultifieldKind("LINK", ("USER",), site_text)
Convert = Callable[[Any], Any]


def empty_column(name: str, field_type: str, size: int, *, multiple: bool = False) -> CellColumn:
    """A column of this type without a value in any row."""
    codec = number_codec(field_type)
    if field_type == "crm_multifield":
        nothing = np.full(size, NOTHING)
        return Multifield(KINDS.get(name, _LINK_KIND), nothing, nothing.copy(), 1)
    if codec is not None and not multiple:
        return Numbers(np.full(size, NOTHING), codec)
    empty = empty_value(field_type, multiple=multiple)
    return coded_column(np.zeros(size), [empty], field_type, multiple=multiple)


def coded_column(codes: Any, table: list[Any], field_type: str, *, multiple: bool = False) -> Coded:
    """A coded column that reads and writes values of this type."""
    to_item, clean = _item_form(field_type), _written_form(field_type)
    empty = empty_value(field_type, multiple=multiple)
    if multiple:
        return Coded(codes, table, _each(to_item), lambda value: _each(clean)(_listed(value)), empty)
    return Coded(codes, table, to_item, clean, empty)


def number_codec(field_type: str) -> Codec | None:
    """The codec of types that are kept as numbers."""
    if field_type in LINK_TYPES:
        return Whole()
    codecs: dict[str, Codec] = {"datetime": Moment(), "date": DayCodec(), "double": Cents(None)}
    return codecs.get(field_type)


def empty_value(field_type: str, *, multiple: bool = False) -> Any:
    """How an unset value of this type looks in a classic list."""
    if field_type == "file":
        return ABSENT
    if multiple:
        return False if field_type == "enumeration" else []
    return "N" if field_type == "char" else None


def _listed(value: Any) -> Any:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else [value] if value not in (None, "", False) else []


def _each(convert: Convert) -> Convert:
    def every(value: Any) -> Any:
        return [convert(element) for element in value] if isinstance(value, list) else value

    return every


def _written_form(field_type: str) -> Convert:
    if field_type == "raw":
        return lambda value: value
    if field_type == "boolean":
        return lambda value: "1" if value in (1, "1", "Y", True) else "0"
    if field_type == "file":
        return lambda value: value if isinstance(value, dict) else ABSENT
    return lambda value: None if value is None else value if isinstance(value, dict) else _text(value)


def _text(value: Any) -> str:
    return ("Y" if value else "N") if isinstance(value, bool) else str(value)


def _item_form(field_type: str) -> Convert:
    if field_type in {"enumeration", "employee", "iblock_element", *LINK_TYPES}:
        return lambda value: int(value) if isinstance(value, str) and value.isdecimal() else value
    if field_type == "boolean":
        return lambda value: {"1": "Y", "0": "N"}.get(value, value) if isinstance(value, str) else value
    if field_type == "file":
        return _item_file
    if field_type == "double":
        return lambda value: float(value) if isinstance(value, str) and value else value
    return lambda value: value


def _item_file(value: Any) -> Any:
    if value is ABSENT:
        return None
    return {"id": value["id"], "url": value["showUrl"], "urlMachine": value["downloadUrl"]}
