"""What the raw tables must hold, computed from the sandbox's own truth with pandas, apart from our code."""

from __future__ import annotations

import re
from typing import Any

import pandas as pd
import psycopg
from psycopg.rows import dict_row

from b24_pipeline.sandbox import Sandbox
from tests.support.frames import records, tuples

TABLES = {
    "lead": "bitrix24_leads",
    "deal": "bitrix24_deals",
    "contact": "bitrix24_contacts",
    "company": "bitrix24_companies",
}
RENAMED = {"PHONE": "phones", "EMAIL": "emails", "WEB": "webs", "IM": "ims", "LINK": "links"}
FLAGS = {"Y": True, "N": False}
SEMANTICS = {"P": "process", "S": "success", "F": "failure"}


def rows(url: str, statement: str, *parameters: object) -> list[dict[str, Any]]:
    """Rows of the database as dicts."""
    with psycopg.connect(url, row_factory=dict_row) as connection:
        return connection.execute(statement, parameters).fetchall()


def assert_entities_equal(url: str, sandbox: Sandbox, entity_type: str) -> None:
    """Every row alive, every field, custom ones included."""
    truth = sandbox.truth.entities(entity_type)
    stored = {
        row["id"]: row for row in rows(url, f"select * from {TABLES[entity_type]} where deleted_at is null")
    }
    assert set(stored) == set(truth["ID"])
    for expected in records(truth):
        differing = {
            field: (plain(field, value), found)
            for field, value in expected.items()
            if (found := held(stored[expected["ID"]], field)) != plain(field, value)
        }
        assert not differing, f"{entity_type} {expected['ID']}: {differing}"


def held(row: dict[str, Any], field: str) -> Any:
    """What our table has of a field."""
    if field.startswith("UF_"):
        return without_access(row["custom_fields"].get(field))
    column = RENAMED.get(field, field.lower())
    return row[column] if column in row else row["extra"].get(field)


def plain(field: str, value: Any) -> Any:
    """A truth's value in the types of our table."""
    if field.startswith("UF_"):
        return without_access(value)
    if value is None or value is pd.NaT or value is pd.NA:
        return None
    if isinstance(value, pd.Timestamp):
        return value.to_pydatetime()
    if isinstance(value, str):
        return FLAGS.get(value, value or None)
    if isinstance(value, list | dict):
        return without_access(value) or None
    return value


def without_access(value: Any) -> Any:
    """A file's links without the access token that each read changes."""
    if isinstance(value, dict):
        return {key: without_access(item) for key, item in value.items()}
    if isinstance(value, list):
        return [without_access(item) for item in value]
    return re.sub(r"auth=[^&]*", "auth=", value) if isinstance(value, str) else value


def assert_history_equal(url: str, sandbox: Sandbox, entity_type: str, stored_as: str | None = None) -> None:
    """Every move, with where it came from; `stored_as` is our name where it is not the sandbox's."""
    truth = sandbox.truth.history(entity_type).sort_values(["owner_id", "created_time", "history_id"])
    if entity_type == "lead":
        truth["category_id"] = 0
    by_owner = truth.groupby("owner_id")
    truth["from_stage"] = by_owner["stage_id"].shift()
    truth["from_category"] = by_owner["category_id"].shift()
    expected = {
        move.history_id: (
            move.owner_id,
            int(move.category_id or 0),
            move.stage_id,
            move.created_time.to_pydatetime(),
            None if pd.isna(move.from_stage) else move.from_stage,
            None if pd.isna(move.from_category) else int(move.from_category),
        )
        for move in tuples(truth)
    }
    stored = {
        row["history_id"]: (
            row["entity_id"],
            row["to_category_id"],
            row["to_status_id"],
            row["changed_at"],
            row["from_status_id"],
            row["from_category_id"],
        )
        for row in rows(
            url,
            "select * from bitrix24_status_history where entity_type = %s and source = 'history'",
            stored_as or entity_type,
        )
    }
    assert stored == expected


def assert_directories_equal(url: str, sandbox: Sandbox) -> None:
    """Pipelines and stages."""
    for entity_type in ("lead", "deal"):
        expected = {
            (int(stage.category_id), stage.status_id): (
                stage.name,
                int(stage.sort),
                SEMANTICS[stage.semantics],
            )
            for stage in tuples(sandbox.truth.stages(entity_type))
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
                entity_type,
            )
        }
        assert stored == expected
    pipelines = {(int(one.category_id), one.name) for one in tuples(sandbox.truth.pipelines())}
    stored_pipelines = rows(
        url, "select * from bitrix24_pipelines where entity_type = 'deal' and deleted_at is null"
    )
    assert {(row["category_id"], row["name"]) for row in stored_pipelines} == pipelines
