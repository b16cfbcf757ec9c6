"""Pipelines, stages and fields out of the portal's directories."""

from __future__ import annotations

from typing import Any

import pytest

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
        (row["entity_type"], row["category_id"], row["is_default"])
        for row in pipeline_rows({"deal": CATEGORIES})
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
    rows = stage_rows({"deal": CATEGORIES}, [WON, extra, {"ENTITY_ID": "SOURCE", "STATUS_ID": "WEB"}])
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
    assert [row["status_name"] for row in stage_rows({"deal": CATEGORIES}, entries)] == ["Gained"]
    assert [row["name"] for row in status_rows(entries)] == ["Gained"]
    assert len(pipeline_rows({"deal": [*CATEGORIES, CATEGORIES[0], {"name": "x"}]})) == 3
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


def test_the_pipeline_of_leads_is_called_leads() -> None:
    """Portals give it no name, and figures must not call it by its number."""
    (row,) = stage_rows({"deal": CATEGORIES}, [{"ENTITY_ID": "STATUS", "STATUS_ID": "NEW", "NAME": "New"}])
    assert (row["entity_type"], row["category_id"], row["category_name"]) == ("lead", 0, "Leads")
    assert pipeline_rows({"deal": CATEGORIES})[0]["name"] == "Leads"
