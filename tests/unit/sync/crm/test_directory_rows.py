"""Pipelines, stages and fields out of the portal's directories."""

from __future__ import annotations

from typing import Any

import pytest

from b24_pipeline.entities import DEAL_HISTORY, LEAD_HISTORY
from b24_pipeline.sync.crm.directories import language_of
from b24_pipeline.sync.crm.directory_rows import (
    STATUS_KEY,
    field_rows,
    integer_or_none,
    nameless_rows,
    pipeline_of,
    pipeline_rows,
    semantics_of,
    stage_rows,
    status_rows,
)
from b24_pipeline.sync.crm.history import move_of

CATEGORIES: list[dict[str, Any]] = [
    {"id": 0, "name": "Main", "sort": 100, "isDefault": "Y"},
    {"id": "4", "name": "B2B"},
]
WON: dict[str, Any] = {
    "ENTITY_ID": "DEAL_STAGE_4",
    "STATUS_ID": "C4:WON",
    "NAME": "Won",
    "SORT": "60",
    "SEMANTICS": "S",
}


def test_leads_have_the_one_pipeline_0() -> None:
    """The pipelines of deals come with the single pipeline of leads."""
    assert [
        (row["entity_type"], row["category_id"], row["is_default"]) for row in pipeline_rows(CATEGORIES)
    ] == [
        ("lead", 0, True),
        ("deal", 0, True),
        ("deal", 4, False),
    ]


@pytest.mark.parametrize(
    ("directory", "place"),
    [
        ("STATUS", ("lead", 0)),
        ("DEAL_STAGE", ("deal", 0)),
        ("DEAL_STAGE_4", ("deal", 4)),
        ("DEAL_STAGE_", None),
        ("DEAL_STAGE_x", None),
        ("DEAL_STAGE_²", None),
        ("SMART_INVOICE_STAGE_1", None),
        ("SOURCE", None),
    ],
)
def test_directory_tells_entity_and_pipeline(directory: str, place: tuple[str, int] | None) -> None:
    """Only the directories of leads and deals hold stages of ours."""
    assert pipeline_of(directory) == place


@pytest.mark.parametrize(
    ("status", "semantics"),
    [
        ({"SEMANTICS": "S"}, "success"),
        ({"SEMANTICS": "F"}, "failure"),
        ({"SEMANTICS": None}, "process"),
        ({"SEMANTICS": ""}, "process"),
        ({}, "process"),
        ({"EXTRA": {"SEMANTICS": "success"}}, "success"),
        ({"EXTRA": {"SEMANTICS": "apology"}}, "failure"),
        ({"SEMANTICS": "S", "EXTRA": {"SEMANTICS": "process"}}, "success"),
        ({"EXTRA": []}, "process"),
        ({"SEMANTICS": "new kind"}, "process"),
    ],
)
def test_semantics_come_from_either_place(status: dict[str, Any], semantics: str) -> None:
    """The portal leaves them empty for stages in progress."""
    assert semantics_of(status) == semantics


def test_stage_has_its_pipeline_color_and_place() -> None:
    """Color from EXTRA where the row has none; a pipeline that is not shown has no name."""
    extra = {"ENTITY_ID": "DEAL_STAGE_9", "STATUS_ID": "C9:NEW", "EXTRA": {"COLOR": "#39A8EF"}, "SORT": "x"}
    rows = stage_rows(CATEGORIES, [WON, extra, {"ENTITY_ID": "SOURCE", "STATUS_ID": "WEB"}])
    assert rows == [
        {
            "entity_type": "deal",
            "category_id": 4,
            "category_name": "B2B",
            "status_id": "C4:WON",
            "status_name": "Won",
            "color": None,
            "sort": 60,
            "semantics": "success",
        },
        {
            "entity_type": "deal",
            "category_id": 9,
            "category_name": None,
            "status_id": "C9:NEW",
            "status_name": None,
            "color": "#39A8EF",
            "sort": None,
            "semantics": "process",
        },
    ]


def test_repeated_and_nameless_entries_are_taken_once_or_not_at_all() -> None:
    """A paged directory may repeat a row while somebody sorts it anew."""
    entries = [WON, WON | {"NAME": "Gained"}, {"NAME": "nameless"}, {"ENTITY_ID": "SOURCE"}]
    assert [row["status_name"] for row in stage_rows(CATEGORIES, entries)] == ["Gained"]
    assert [row["name"] for row in status_rows(entries)] == ["Gained"]
    assert len(pipeline_rows([*CATEGORIES, CATEGORIES[0], {"name": "x"}])) == 3
    assert nameless_rows(entries, *STATUS_KEY) == 2


@pytest.mark.parametrize(
    ("value", "number"),
    [("10", 10), (10, 10), ("", None), (None, None), ("x", None), (2**70, None), ("²", None)],
)
def test_whole_number_or_none(value: Any, number: int | None) -> None:
    """A sort that is no number is stored as null and fails nothing."""
    assert integer_or_none(value) == number


def test_field_is_completed_by_its_user_field() -> None:
    """Type, label and options come from the list of custom fields if it has them."""
    catalogue = {
        "TITLE": {"type": "string", "title": "Title", "isRequired": True},
        "UF_CRM_1": {"type": "enumeration", "isDynamic": True, "items": [{"ID": "61", "VALUE": "A"}]},
        "UF_CRM_2": {"type": "enumeration", "formLabel": "Form", "items": [{"ID": "7", "VALUE": "B"}]},
    }
    options = [{"ID": "61", "VALUE": "A", "SORT": "10", "DEF": "Y", "XML_ID": "x"}]
    detail = {"FIELD_NAME": "UF_CRM_1", "ID": "318", "USER_TYPE_ID": "enumeration", "EDIT_FORM_LABEL": "Kind"}
    title, first, second = field_rows("lead", catalogue, [detail | {"LIST": options}])
    assert (title["label"], title["is_custom"], title["is_required"]) == ("Title", False, True)
    assert (first["label"], first["portal_field_id"], first["is_custom"]) == ("Kind", 318, True)
    assert first["enumeration_values"] == [
        {"id": "61", "value": "A", "sort": "10", "default": True, "xml_id": "x"}
    ]
    assert (second["label"], second["enumeration_values"]) == ("Form", [{"id": "7", "value": "B"}])


@pytest.mark.parametrize(
    ("domain", "language"), [("a.bitrix24.ru", "ru"), ("a.bitrix24.kz:8080", "ru"), ("a.bitrix24.com", "en")]
)
def test_labels_are_asked_for_in_the_portal_s_language(domain: str, language: str) -> None:
    """Labels are asked for in Russian in the zones that speak it, else in English."""
    assert language_of(domain) == language


MOVE = {
    "ID": "9001",
    "TYPE_ID": "2",
    "OWNER_ID": "31",
    "CREATED_TIME": "2026-09-01T11:25:10+03:00",
    "CATEGORY_ID": "4",
    "STAGE_ID": "C4:NEW",
}


def test_move_is_read_from_texts_and_from_numbers() -> None:
    """Recorded answers have texts, the documentation has numbers."""
    numbers = MOVE | {"ID": 9001, "TYPE_ID": 2, "OWNER_ID": 31, "CATEGORY_ID": 4}
    assert move_of(DEAL_HISTORY, MOVE) == move_of(DEAL_HISTORY, numbers)
    assert move_of(DEAL_HISTORY, MOVE) == (9001, 31, 2, 4, "C4:NEW", "2026-09-01T11:25:10+03:00")


def test_move_of_a_lead_has_pipeline_0() -> None:
    """Leads have a status; one whose code is a number is a code all the same."""
    row = {key: MOVE[key] for key in ("ID", "OWNER_ID", "CREATED_TIME")} | {"STATUS_ID": 1, "TYPE_ID": None}
    assert move_of(LEAD_HISTORY, row) == (9001, 31, None, 0, "1", "2026-09-01T11:25:10+03:00")


@pytest.mark.parametrize(
    "broken",
    [
        {"ID": None},
        {"ID": str(2**64)},
        {"OWNER_ID": ""},
        {"STAGE_ID": ""},
        {"STAGE_ID": "a\x00"},
        {"STAGE_ID": None},
        {"STAGE_ID": ["NEW"]},
        {"CREATED_TIME": "2026-09-01T11:25:10"},
        {"CREATED_TIME": "0000-00-00"},
        {"CREATED_TIME": None},
        {"CREATED_TIME": "9999-12-31T23:59:59-03:00"},
        {"OWNER_ID": "x"},
    ],
)
def test_move_that_names_no_entity_stage_or_time_is_none(broken: dict[str, Any]) -> None:
    """It is left out, and the others of its page are stored."""
    assert move_of(DEAL_HISTORY, MOVE | broken) is None


@pytest.mark.parametrize("given", ["absent", None, "", "x", [], str(2**70)])
@pytest.mark.parametrize(
    ("code", "pipeline"),
    [
        ("C7:NEW", 7),
        ("C7:UC_1:2", 7),
        ("NEW", 0),
        ("UC_ABC", 0),
        ("17", 0),
        ("DT128_3:NEW", None),
        ("C:NEW", None),
        ("C7:", None),
        ("C99999999999999999999:NEW", None),
    ],
)
def test_move_without_a_pipeline_takes_it_from_the_code_of_its_stage(
    given: Any, code: str, pipeline: int | None
) -> None:
    """The move is never lost; a code of another form leaves its pipeline unknown."""
    row = MOVE | {"STAGE_ID": code, "CATEGORY_ID": given}
    if given == "absent":
        del row["CATEGORY_ID"]
    assert move_of(DEAL_HISTORY, row) == (9001, 31, 2, pipeline, code, "2026-09-01T11:25:10+03:00")


@pytest.mark.parametrize("kind", ["99999", "x", None, []])
def test_unknown_kind_of_move_is_kept_without_its_number(kind: Any) -> None:
    """A move whose type the table cannot hold is stored without the type."""
    move = move_of(DEAL_HISTORY, MOVE | {"TYPE_ID": kind})
    assert move
    assert move[2] is None


def test_the_pipeline_of_leads_is_called_leads() -> None:
    """Portals give it no name, and figures must not call it by its number."""
    (row,) = stage_rows(CATEGORIES, [{"ENTITY_ID": "STATUS", "STATUS_ID": "NEW", "NAME": "New"}])
    assert (row["entity_type"], row["category_id"], row["category_name"]) == ("lead", 0, "Leads")
    assert pipeline_rows(CATEGORIES)[0]["name"] == "Leads"
