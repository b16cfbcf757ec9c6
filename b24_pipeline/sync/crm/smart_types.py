"""Which smart processes a portal has: by `crm.type.list`, or `crm.enum.ownertype` where a credential may not ask that.

docs/bitrix24-rest.md, section 6.1. Only an administrator of the CRM is shown the types with their switches; their
numbers and names are told to everybody.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from b24_pipeline.bitrix.answers import BatchAnswer, Row, decoding, rows_of
from b24_pipeline.bitrix.batch import Command
from b24_pipeline.bitrix.lists.read import read_pages
from b24_pipeline.entities.columns import read_text, read_timestamp
from b24_pipeline.errors.groups import REFUSES_ENTITY
from b24_pipeline.store.portals import entity_choice
from b24_pipeline.sync.crm.directory_rows import DirectoryRow, distinct_rows, fitting, integer_or_none
from b24_pipeline.sync.job import Job
from b24_pipeline.sync.outcome import Outcome

NAME = "smart_type"
"""The smart processes in the sync log."""

TYPES = "smart_types"
OWNER_TYPES = "owner_types"
_TYPE_LIST = Command("crm.type.list", {"order": {"id": "ASC"}})

COMMANDS: Mapping[str, Command] = {TYPES: _TYPE_LIST, OWNER_TYPES: Command("crm.enum.ownertype", {})}
"""The questions, of which one suffices."""


def store_smart_types(job: Job, answer: BatchAnswer, outcome: Outcome, *, marks_gone: bool = True) -> None:
    """Stores the smart processes by the answers to `COMMANDS`; those that are gone are marked with their items.

    Without `marks_gone` these stay as they are, for whoever may not mark rows: the next sync finds them.
    Raises PortalError where the portal tells them in neither way.
    """
    try:
        rows = type_rows(_listed(job, answer))
    except REFUSES_ENTITY:
        with decoding(job.portal.name, COMMANDS[OWNER_TYPES].method):
            rows = owner_type_rows(rows_of(answer.get(OWNER_TYPES)))
    stored = job.transact(entity_choice.store_types, rows, are_all=marks_gone)
    outcome.rows_read, outcome.rows_changed = len(rows), stored.rows_changed
    outcome.rows_deleted = len(stored.gone)


def _listed(job: Job, answer: BatchAnswer) -> list[Row]:
    first = answer.get(TYPES)
    with decoding(job.portal.name, _TYPE_LIST.method):
        if answer.nexts.get(TYPES) is None:
            return rows_of(first, "types")
    pages = read_pages(
        job.client, _TYPE_LIST.method, _TYPE_LIST.params, wrapper="types", first=answer.one(TYPES)
    )
    return [row for page in pages for row in page]


def type_rows(types: Iterable[Mapping[str, Any]]) -> list[DirectoryRow]:
    """The rows of the smart processes that `crm.type.list` shows; one without a number cannot be stored."""
    return [
        {
            "entity_type_id": integer_or_none(one["entityTypeId"]),
            "id": integer_or_none(one.get("id")),
            "title": fitting(read_text, one.get("title")),
            "code": fitting(read_text, one.get("code")),
            "custom_section_id": integer_or_none(one.get("customSectionId")),
            "switches": {key: value for key, value in one.items() if key.startswith("is")},
            "created_time": fitting(read_timestamp, one.get("createdTime")),
            "updated_time": fitting(read_timestamp, one.get("updatedTime")),
        }
        for one in distinct_rows(types, "entityTypeId")
        if integer_or_none(one["entityTypeId"]) is not None
    ]


def owner_type_rows(types: Iterable[Mapping[str, Any]]) -> list[DirectoryRow]:
    """The rows of the smart processes among the kinds of owners that `crm.enum.ownertype` tells."""
    return [
        {
            "entity_type_id": integer_or_none(one["ID"]),
            "title": fitting(read_text, one.get("NAME")),
        }
        for one in distinct_rows(types, "ID")
        if str(one.get("SYMBOL_CODE", "")).startswith("DYNAMIC_") and integer_or_none(one["ID"]) is not None
    ]
