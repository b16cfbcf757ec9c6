"""Entities of `crm.item.list`: their names, and how their rows are decoded."""

from __future__ import annotations

import json
from typing import Any

import pytest

from b24_pipeline.entities import DEAL, INVOICE, QUOTE, Entity, RowDecoder, find, smart_process
from b24_pipeline.entities.items import item_name

ROW: dict[str, Any] = {
    "id": 7,
    "title": "Order",
    "categoryId": 3,
    "stageId": "DT156_3:NEW",
    "opportunity": 1000.5,
    "opened": "Y",
    "companyId": 0,
    "contactIds": [4, 5],
    "createdTime": "2026-09-21T13:33:20+03:00",
    "begindate": "2026-09-21T03:00:00+03:00",
    "parentId2": 15,
    "parentId31": None,
    "parentId7": 0,
    "UF_CRM_5_COLOR": ["a"],
    "isWork": None,
}


def decoded(entity: Entity, row: dict[str, Any]) -> dict[str, str | None]:
    """One row by the names of its columns."""
    decoder = RowDecoder(entity)
    (texts,) = decoder.rows([row])
    assert not decoder.set_aside
    return dict(zip(decoder.names, texts, strict=True))


def test_each_field_of_an_item_finds_its_column() -> None:
    """Typed columns, parents, custom fields and the unknown; and which entity the row is of."""
    row = decoded(smart_process(156), ROW)
    assert row["id"] == "7"
    assert (row["entity_type"], row["entity_type_id"]) == ("item_156", "156")
    assert (row["category_id"], row["stage_id"]) == ("3", "DT156_3:NEW")
    assert (row["opportunity"], row["opened"], row["company_id"]) == ("1000.5", "t", None)
    assert row["contact_ids"] == "[4,5]"
    assert row["date_create"] == "2026-09-21T13:33:20+03:00"
    assert row["begindate"] == "2026-09-21"
    assert json.loads(row["parents"] or "") == {"2": 15}
    assert json.loads(row["custom_fields"] or "") == {"UF_CRM_5_COLOR": ["a"]}
    assert json.loads(row["extra"] or "") == {"isWork": None}


def test_a_field_that_its_type_has_switched_off_is_empty() -> None:
    """Columns stay, and nothing stands in them: the table has those of all types."""
    row = decoded(smart_process(156), {"id": 1})
    assert {name for name, text in row.items() if text is not None} == {
        "id",
        "entity_type",
        "entity_type_id",
        "parents",
        "custom_fields",
        "extra",
    }


def test_a_quote_stands_in_the_one_pipeline_of_quotes() -> None:
    """The portal has no pipelines of quotes, and their stages are those of pipeline 0."""
    row = decoded(QUOTE, {"id": 1, "categoryId": None, "stageId": "DRAFT", "quoteNumber": "12"})
    assert (row["category_id"], row["stage_id"], row["quote_number"]) == ("0", "DRAFT", "12")
    assert row["extra"] == "{}"


@pytest.mark.parametrize(
    ("name", "type_id"), [("invoice", 31), ("quote", 7), ("item_156", 156), ("item_1030", 1030)]
)
def test_an_entity_is_found_by_its_name(name: str, type_id: int) -> None:
    """A name is that of one number, both ways; the same description each time."""
    found = find(name)
    assert found is not None
    assert (found.name, found.type_id, item_name(type_id)) == (name, type_id, name)
    assert found is find(name)
    assert found.part == name


@pytest.mark.parametrize("name", ["item_31", "item_7", "item_0", "item_", "item_01", "item_1\n", "items", ""])
def test_what_is_no_entity_is_not_found(name: str) -> None:
    """An invoice has one name alone, and a number is written as the portal writes it."""
    assert find(name) is None


def test_stages_are_found_by_the_number_of_the_type() -> None:
    """The directory of a pipeline's stages names the type and the pipeline."""
    stages = smart_process(156).stages
    assert stages is not None
    assert stages.pipeline_of("DYNAMIC_156_STAGE_12") == 12
    assert stages.pipeline_of("DYNAMIC_15_STAGE_12") is None
    assert stages.pipeline_of("DYNAMIC_156_STAGE_") is None
    assert INVOICE.stages and INVOICE.stages.pipeline_of("SMART_INVOICE_STAGE_4") == 4
    assert DEAL.stages and DEAL.stages.pipeline_of("DEAL_STAGE") == 0
    assert DEAL.stages.pipeline_of("DEAL_STAGE_4") == 4
