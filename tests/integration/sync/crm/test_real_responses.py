"""Answers recorded from real portals, through the functions that a sync uses, into PostgreSQL."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

import pytest

from b24_pipeline.bitrix.answers import Answer, read_batch, rows_of
from b24_pipeline.entities import DEAL_HISTORY, LEAD, USER, RowDecoder
from b24_pipeline.entities.moves import MoveDecoder
from b24_pipeline.store.crm import directories, history, merge
from b24_pipeline.store.crm.merge import Target
from b24_pipeline.store.database.copying import lines
from b24_pipeline.store.database.warehouse import Warehouse
from b24_pipeline.sync.crm.directory_rows import field_rows, pipeline_rows, stage_rows, status_rows
from tests.support.installation import account, fetch
from tests.support.recorded import RECORDED


def recorded(name: str) -> Any:
    return json.loads((RECORDED / f"{name}.json").read_text(encoding="utf-8"))["response"]


def batch_of(name: str, *keys: str) -> Any:
    return read_batch("acme", recorded(name), dict.fromkeys(keys, "recorded"))


@pytest.fixture
def portal(warehouse: Warehouse) -> UUID:
    made: UUID = account(warehouse)
    return made


def land(warehouse: Warehouse, portal: UUID, rows: list[dict[str, Any]]) -> int:
    decoder = RowDecoder(LEAD)
    target = Target(LEAD.table, portal)
    with warehouse.connect() as connection:
        merge.stage(connection, target, decoder.names, lines(target.account, decoder.rows(rows)))
        changed = merge.merge(connection, target, decoder.names).rows_changed
    assert decoder.set_aside == 0
    return changed


def test_pipelines(warehouse: Warehouse, portal: UUID) -> None:
    """Every funnel of crm.category.list is a pipeline; the one with id 0 is the default."""
    categories = rows_of(Answer.of(recorded("crm_category_list")).result, "categories")
    with warehouse.connect() as connection:
        directories.replace_pipelines(connection, portal, pipeline_rows({"deal": categories}))
    stored = fetch(
        warehouse, "select * from bitrix24_pipelines where entity_type = 'deal' order by category_id"
    )
    assert [row["category_id"] for row in stored] == sorted(int(one["id"]) for one in categories)
    assert [row["name"] for row in stored if row["is_default"]] == ["Portal Shop"]


def test_stages_of_a_pipeline(warehouse: Warehouse, portal: UUID) -> None:
    """A single command with the key "0" answers with a list; its stages land in their order."""
    (listed,) = batch_of("crm_dealcategory_stage_list_batch_of_one", "0").results.values()
    entries = [{"ENTITY_ID": "DEAL_STAGE", **stage} for stage in rows_of(listed)]
    with warehouse.connect() as connection:
        directories.replace_stages(
            connection, portal, stage_rows({"deal": [{"id": 0, "name": "Main"}]}, entries)
        )
    stored = fetch(warehouse, "select status_id from bitrix24_pipeline_stages order by status_sort")
    assert [row["status_id"] for row in stored] == [stage["STATUS_ID"] for stage in listed]


def test_statuses_and_sources(warehouse: Warehouse, portal: UUID) -> None:
    """Two directories of one batch; leads' statuses are stages, sources are not."""
    answer = batch_of("call_batch", "statuses", "sources")
    entries = [{"ENTITY_ID": "STATUS", **one} for one in rows_of(answer.get("statuses"))]
    entries += [{"ENTITY_ID": "SOURCE", **one} for one in rows_of(answer.get("sources"))]
    with warehouse.connect() as connection:
        directories.replace_statuses(connection, portal, status_rows(entries))
        directories.replace_stages(connection, portal, stage_rows({}, entries))
    counted = fetch(warehouse, "select directory, count(*) as n from bitrix24_statuses group by 1")
    assert {row["directory"]: row["n"] for row in counted} == {"STATUS": 10, "SOURCE": 7}
    stages = fetch(warehouse, "select distinct entity_type, category_id from bitrix24_pipeline_stages")
    assert stages == [{"entity_type": "lead", "category_id": 0}]


def test_field_catalogue(warehouse: Warehouse, portal: UUID) -> None:
    """Every field lands, custom ones with their labels and options."""
    catalogue = Answer.of(recorded("crm_lead_fields_success")).result
    with warehouse.connect() as connection:
        directories.replace_fields(connection, portal, field_rows("lead", catalogue, []))
    stored = {row["field_name"]: row for row in fetch(warehouse, "select * from bitrix24_fields")}
    assert set(stored) == set(catalogue)
    custom = {name for name in catalogue if name.startswith("UF_")}
    assert custom
    assert custom == {name for name, row in stored.items() if row["is_custom"]}
    for name in custom:
        assert stored[name]["label"] == catalogue[name].get("formLabel", name)
        assert len(stored[name]["enumeration_values"]) == len(catalogue[name].get("items") or [])


@pytest.mark.parametrize("name", ["crm_lead_list_one_page_success"])
def test_page_of_leads(warehouse: Warehouse, portal: UUID, name: str) -> None:
    """All fifty rows land, titles to the letter."""
    rows = rows_of(Answer.of(recorded(name)).result)
    titles = {int(row["ID"]): row["TITLE"] for row in rows}
    assert land(warehouse, portal, rows) == len(titles)
    assert {
        row["id"]: row["title"] for row in fetch(warehouse, "select id, title from bitrix24_leads")
    } == titles


def test_several_gets_in_a_batch(warehouse: Warehouse, portal: UUID) -> None:
    """The elements of a batch of gets are rows like those of a list."""
    answer = batch_of("call_several_success", "order0", "order1", "order2")
    assert land(warehouse, portal, list(answer.results.values())) == 3


def test_items_in_camel_case(warehouse: Warehouse, portal: UUID) -> None:
    """The universal API's names are none of our columns: they are kept as extra, nothing is lost."""
    rows = rows_of(Answer.of(recorded("crm_item_list")).result, "items")
    assert land(warehouse, portal, [{**row, "ID": row["id"]} for row in rows]) == 3
    stored = fetch(warehouse, "select extra from bitrix24_leads order by id")
    assert [row["extra"] for row in stored] == rows


def test_stage_history(warehouse: Warehouse, portal: UUID) -> None:
    """Ids as text, times at +03:00; the pipeline was not selected, so the stages' codes tell it."""
    (result,) = batch_of("crm_stagehistory_list", "order0000000000").results.values()
    rows = rows_of(result, "items")
    decoder = MoveDecoder(DEAL_HISTORY)
    assert decoder.rows(rows) == decoder.rows([{**row, "CATEGORY_ID": "0"} for row in rows])
    moves = lines(portal, decoder.rows(rows))
    with warehouse.connect() as connection:
        assert history.append(connection, portal, "deal", moves) == len(rows) == 9
        assert history.append(connection, portal, "deal", moves) == 0
    (first,) = fetch(warehouse, "select * from bitrix24_status_history where history_id = 10653")
    assert (first["entity_id"], first["to_status_id"]) == (5047, "EXECUTING")
    assert first["changed_at"].isoformat() == "2022-11-01T06:39:06+00:00"


def test_empty_list_in_a_batch(warehouse: Warehouse, portal: UUID) -> None:
    """An empty page is a list without rows, and its empty maps are lists."""
    answer = batch_of("batch_list_empty", "order0000000000")
    assert land(warehouse, portal, rows_of(answer.get("order0000000000"))) == 0
    assert answer.errors == {}


def test_labels_of_users_are_a_row_of_texts() -> None:
    """A user's row decodes with every field that a real portal names."""
    labels = Answer.of(recorded("user_fields")).result
    decoder = RowDecoder(USER)
    (row,) = decoder.rows([{**dict.fromkeys(labels, "x"), "ID": "1", "ACTIVE": True, "UF_DEPARTMENT": [1]}])
    assert (row[0], decoder.set_aside) == ("1", 0)
