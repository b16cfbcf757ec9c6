"""Turns the portal's answers into rows of pipelines, stages, statuses, fields, departments and currencies.

The answers are described in docs/bitrix24-rest.md, sections 6.2 (fields), 6.4 (pipelines and stages),
6.7 (user fields) and 6.8 (departments, currencies).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias

from b24_pipeline.entities import CRM, Entity
from b24_pipeline.entities.columns import (
    ValueReader,
    read_flag,
    read_integer,
    read_link,
    read_money,
    read_text,
)

DirectoryRow = dict[str, Any]
PipelineNames: TypeAlias = Mapping[tuple[str, int | None], Any]

Categories: TypeAlias = Mapping[str, Sequence[Mapping[str, Any]]]
"""The pipelines that the portal has told, by the name of their entity."""

STATUS_KEY = ("ENTITY_ID", "STATUS_ID")
_SEMANTICS = {
    "S": "success",
    "F": "failure",
    "success": "success",
    "failure": "failure",
    "apology": "failure",
}


def distinct_rows(rows: Iterable[Mapping[str, Any]], *key: str) -> list[Mapping[str, Any]]:
    """The rows that have all parts of this key, each key once: paged lists repeat rows while others change."""
    named = {tuple(str(row[part]) for part in key): row for row in rows if all(part in row for part in key)}
    return list(named.values())


def nameless_rows(rows: Iterable[Mapping[str, Any]], *key: str) -> int:
    """How many rows lack a part of this key, so that they cannot be stored."""
    return sum(any(part not in row for part in key) for row in rows)


def pipeline_rows(categories: Categories, entities: Sequence[Entity] = CRM) -> list[DirectoryRow]:
    """The rows of the pipelines of these entities, as far as they were told, and of those that have a single one."""
    rows: list[DirectoryRow] = []
    for entity in entities:
        if entity.stages and entity.stages.pipeline:
            rows.append(_only_pipeline(entity.name, entity.stages.pipeline))
        told = distinct_rows(categories.get(entity.name, ()), "id")
        rows += [_pipeline(entity.name, category) for category in told]
    return rows


def _only_pipeline(entity_type: str, name: str) -> DirectoryRow:
    return {
        "entity_type": entity_type,
        "category_id": 0,
        "name": name,
        "sort": 0,
        "is_default": True,
    }


def _pipeline(entity_type: str, category: Mapping[str, Any]) -> DirectoryRow:
    return {
        "entity_type": entity_type,
        "category_id": int(category["id"]),
        "name": category.get("name"),
        "sort": integer_or_none(category.get("sort")),
        "is_default": category.get("isDefault") == "Y",
    }


def stage_rows(
    categories: Categories, statuses: Iterable[Mapping[str, Any]], entities: Sequence[Entity] = CRM
) -> list[DirectoryRow]:
    """The rows of all stages: the statuses that are stages of these entities, each with its pipeline."""
    names: dict[tuple[str, int | None], Any] = {
        (entity.name, integer_or_none(category["id"])): category.get("name")
        for entity in entities
        for category in distinct_rows(categories.get(entity.name, ()), "id")
    }
    names |= {
        (entity.name, 0): entity.stages.pipeline
        for entity in entities
        if entity.stages and entity.stages.pipeline
    }
    entries = distinct_rows(statuses, *STATUS_KEY)
    found = ((pipeline_of(str(status["ENTITY_ID"]), entities), status) for status in entries)
    return [_stage(pipeline, names, status) for pipeline, status in found if pipeline]


def pipeline_of(directory: str, entities: Sequence[Entity] = CRM) -> tuple[str, int] | None:
    """The entity type and category id of the pipeline whose stages a directory holds; None for other directories."""
    for entity in entities:
        number = entity.stages.pipeline_of(directory) if entity.stages else None
        if number is not None:
            return entity.name, number
    return None


def _stage(pipeline: tuple[str, int], names: PipelineNames, status: Mapping[str, Any]) -> DirectoryRow:
    entity_type, category_id = pipeline
    return {
        "entity_type": entity_type,
        "category_id": category_id,
        "category_name": names.get(pipeline),
        "status_id": str(status["STATUS_ID"]),
        "status_name": status.get("NAME"),
        "color": _color(status),
        "sort": integer_or_none(status.get("SORT")),
        "semantics": semantics_of(status),
    }


def status_rows(
    statuses: Sequence[Mapping[str, Any]], entities: Sequence[Entity] = CRM
) -> list[DirectoryRow]:
    """The rows of all entries of all directories; those that are stages of these entities have a semantics."""
    return [
        {
            "directory": str(status["ENTITY_ID"]),
            "status_id": str(status["STATUS_ID"]),
            "name": status.get("NAME"),
            "sort": integer_or_none(status.get("SORT")),
            "color": _color(status),
            "semantics": semantics_of(status) if pipeline_of(str(status["ENTITY_ID"]), entities) else None,
        }
        for status in distinct_rows(statuses, *STATUS_KEY)
    ]


def semantics_of(status: Mapping[str, Any]) -> str:
    """The semantics of a stage: process, success or failure. The portal leaves it empty for stages in progress."""
    code = status.get("SEMANTICS") or _extra(status).get("SEMANTICS")
    return _SEMANTICS.get(str(code), "process")


def _color(status: Mapping[str, Any]) -> str | None:
    color = status.get("COLOR") or _extra(status).get("COLOR")
    return str(color) if color else None


def _extra(status: Mapping[str, Any]) -> Mapping[str, Any]:
    extra = status.get("EXTRA")
    return extra if isinstance(extra, Mapping) else {}


def department_rows(departments: Iterable[Mapping[str, Any]]) -> list[DirectoryRow]:
    """The rows of all departments; one without a number cannot be stored."""
    return [
        {
            "id": integer_or_none(department["ID"]),
            "name": fitting(read_text, department.get("NAME")),
            "sort": integer_or_none(department.get("SORT")),
            "parent": fitting(read_link, department.get("PARENT")),
            "uf_head": fitting(read_link, department.get("UF_HEAD")),
        }
        for department in distinct_rows(departments, "ID")
        if integer_or_none(department["ID"]) is not None
    ]


def currency_rows(currencies: Iterable[Mapping[str, Any]]) -> list[DirectoryRow]:
    """The rows of all currencies, amounts as text: JSON would round them."""
    return [
        {
            "currency": str(currency["CURRENCY"]),
            "full_name": fitting(read_text, currency.get("FULL_NAME")),
            "amount": fitting(read_money, currency.get("AMOUNT")),
            "amount_cnt": fitting(read_money, currency.get("AMOUNT_CNT")),
            "base": fitting(read_flag, currency.get("BASE")) == "t",
            "sort": integer_or_none(currency.get("SORT")),
        }
        for currency in distinct_rows(currencies, "CURRENCY")
    ]


def fitting(reader: ValueReader, value: Any) -> str | None:
    """What a reader makes of a value; None where it does not fit."""
    try:
        return reader(value)
    except ValueError:
        return None


def integer_or_none(value: Any) -> int | None:
    """A value as an integer of 64 bits; None for anything else."""
    try:
        text = read_integer(value)
    except ValueError:
        return None
    return int(text) if text else None


def field_rows(
    entity_type: str, catalogue: Mapping[str, Any], custom: Sequence[Mapping[str, Any]]
) -> list[DirectoryRow]:
    """The rows of an entity's fields, from `crm.*.fields` (`catalogue`) and `crm.*.userfield.list` (`custom`)."""
    details = {str(field.get("FIELD_NAME")): field for field in custom}
    named = {_field_name(name, entry): entry for name, entry in catalogue.items()}
    return [_field(entity_type, name, entry, details.get(name, {})) for name, entry in named.items()]


def _field_name(name: str, entry: Mapping[str, Any]) -> str:
    """The name under which rows have the field: custom fields keep their own in `crm.item.list` as well."""
    original = entry.get("upperName")
    return str(original) if original and entry.get("isDynamic") else name


def _field(entity_type: str, name: str, entry: Mapping[str, Any], detail: Mapping[str, Any]) -> DirectoryRow:
    return {
        "entity_type": entity_type,
        "field_name": name,
        "field_type": detail.get("USER_TYPE_ID") or entry.get("type"),
        "label": _label(entry, detail) or name,
        "is_multiple": bool(entry.get("isMultiple")),
        "is_required": bool(entry.get("isRequired")),
        "is_read_only": bool(entry.get("isReadOnly")),
        "is_custom": bool(entry.get("isDynamic")) or name.startswith("UF_"),
        "status_type": entry.get("statusType"),
        "enumeration_values": _options(entry, detail),
        "portal_field_id": integer_or_none(detail.get("ID")),
    }


def _label(entry: Mapping[str, Any], detail: Mapping[str, Any]) -> str | None:
    labels = (
        detail.get("EDIT_FORM_LABEL"),
        detail.get("LIST_COLUMN_LABEL"),
        entry.get("formLabel"),
        entry.get("listLabel"),
        entry.get("title"),
    )
    return next((str(label) for label in labels if isinstance(label, str) and label), None)


def _options(entry: Mapping[str, Any], detail: Mapping[str, Any]) -> list[DirectoryRow]:
    if detail.get("LIST"):
        return [
            {
                "id": str(option.get("ID")),
                "value": option.get("VALUE"),
                "sort": option.get("SORT"),
                "default": option.get("DEF") == "Y",
                "xml_id": option.get("XML_ID"),
            }
            for option in detail["LIST"]
        ]
    return [
        {"id": str(option.get("ID")), "value": option.get("VALUE")} for option in entry.get("items") or []
    ]
