"""What the table of items must hold, computed from the sandbox's own truth, apart from our code."""

from __future__ import annotations

import re
from typing import Any

from b24_pipeline.sandbox import Sandbox
from tests.support.expected.tables import SEMANTICS, assert_history_equal, plain, rows, without_access
from tests.support.frames import records, tuples

RENAMED = {
    "createdTime": "date_create",
    "updatedTime": "date_modify",
    "createdBy": "created_by_id",
    "updatedBy": "modify_by_id",
    "movedBy": "moved_by_id",
}


def sandbox_name(name: str) -> str:
    """What the sandbox calls an entity of ours."""
    return "smart_invoice" if name == "invoice" else name.replace("item_", "dynamic_")


def column_of(field: str) -> str:
    """The column of a field of an item."""
    return RENAMED.get(field, re.sub(r"(?<!^)([A-Z])", r"_\1", field).lower())


def held(row: dict[str, Any], field: str) -> Any:
    """What our table has of a field."""
    if field.startswith("UF_"):
        return without_access(row["custom_fields"].get(field))
    if field.startswith("parentId"):
        return row["parents"].get(field.removeprefix("parentId"))
    column = column_of(field)
    return row[column] if column in row else row["extra"].get(field)


def is_as_shown(field: str) -> bool:
    """Whether our table has the value as the list shows it."""
    return field.startswith("UF_") or field in {"observers", "contactIds"}


def assert_items_equal(url: str, sandbox: Sandbox, name: str) -> None:
    """Every row alive of an entity, every field, custom ones included, and nothing that the portal does not show."""
    truth = sandbox.truth.entities(sandbox_name(name))
    # of lists and custom fields the truth has the text of a classic method
    shown = {row["id"]: row for row in sandbox.truth.raw(sandbox_name(name))}
    found = rows(url, "select * from bitrix24_items where entity_type = %s and deleted_at is null", name)
    stored = {row["id"]: row for row in found}
    assert set(stored) == set(truth["id"])
    for expected in records(truth):
        row, as_shown = stored[expected["id"]], shown[expected["id"]]
        expected |= {
            field: as_shown.get(field)
            for field, value in expected.items()
            if is_as_shown(field) or plain(field, value) is None
        }
        differing = {
            field: (plain(field, value), held(row, field))
            for field, value in expected.items()
            if held(row, field) != plain(field, value)
        }
        assert not differing, f"{name} {expected['id']}: {differing}"
        assert sum(map(len, (row["custom_fields"], row["parents"], row["extra"]))) <= len(expected)


def assert_item_history_equal(url: str, sandbox: Sandbox, name: str) -> None:
    """Every move of an entity that the portal has, with where it came from."""
    assert_history_equal(url, sandbox, sandbox_name(name), name)


def assert_item_stages_equal(url: str, sandbox: Sandbox, name: str) -> None:
    """The stages and pipelines of an entity."""
    expected = {
        (int(stage.category_id), stage.status_id): (stage.name, int(stage.sort), SEMANTICS[stage.semantics])
        for stage in tuples(sandbox.truth.stages(sandbox_name(name)))
    }
    stored = {
        (row["category_id"], row["status_id"]): (
            row["status_name"],
            row["status_sort"],
            row["status_semantics"],
        )
        for row in rows(
            url,
            "select * from bitrix24_pipeline_stages where entity_type = %s and deleted_at is null",
            name,
        )
    }
    assert stored == expected
    pipelines = rows(
        url, "select category_id from bitrix24_pipelines where entity_type = %s and deleted_at is null", name
    )
    assert {row["category_id"] for row in pipelines} >= {category for category, _ in expected}
