"""The field catalogue of an entity (fact sheet, sections 6.2 and 6.7)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from b24_pipeline.sync.crm.directory_rows import whole

Row = dict[str, Any]


def field_rows(
    entity_type: str, catalogue: Mapping[str, Any], custom: Sequence[Mapping[str, Any]]
) -> list[Row]:
    """Fields by `crm.*.fields`, custom ones completed by `crm.*.userfield.list`."""
    details = {str(field.get("FIELD_NAME")): field for field in custom}
    return [_field(entity_type, name, told, details.get(name, {})) for name, told in catalogue.items()]


def _field(entity_type: str, name: str, told: Mapping[str, Any], detail: Mapping[str, Any]) -> Row:
    return {
        "entity_type": entity_type,
        "field_name": name,
        "field_type": detail.get("USER_TYPE_ID") or told.get("type"),
        "label": _label(told, detail) or name,
        "is_multiple": bool(told.get("isMultiple")),
        "is_required": bool(told.get("isRequired")),
        "is_read_only": bool(told.get("isReadOnly")),
        "is_custom": bool(told.get("isDynamic")) or name.startswith("UF_"),
        "status_type": told.get("statusType"),
        "enumeration_values": _options(told, detail),
        "portal_field_id": whole(detail.get("ID")),
    }


def _label(told: Mapping[str, Any], detail: Mapping[str, Any]) -> str | None:
    labels = (
        detail.get("EDIT_FORM_LABEL"),
        detail.get("LIST_COLUMN_LABEL"),
        told.get("formLabel"),
        told.get("listLabel"),
        told.get("title"),
    )
    return next((str(label) for label in labels if isinstance(label, str) and label), None)


def _options(told: Mapping[str, Any], detail: Mapping[str, Any]) -> list[Row]:
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
    return [{"id": str(option.get("ID")), "value": option.get("VALUE")} for option in told.get("items") or []]
