"""The portal's answers have the keys and types of recorded real ones."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.integration.sandbox.conftest import Caller
from tests.support.recorded import RECORDED


def recorded(name: str) -> Any:
    """A real answer."""
    return json.loads((RECORDED / f"{name}.json").read_text(encoding="utf-8"))["response"]


def shape(value: dict[str, Any]) -> dict[str, str]:
    """Key -> JSON type."""
    return {key: type(one).__name__ for key, one in value.items()}


def test_lead_fields_are_described_alike(call: Caller) -> None:
    """Every standard field that the real portal had is here with the same description but its title."""
    ours, real = call.result("crm.lead.fields"), recorded("crm_lead_fields_success")["result"]
    for name, entry in real.items():
        if not name.startswith("UF_"):
            assert list(ours[name]) == list(entry), name
            assert {**ours[name], "title": ""} == {**entry, "title": ""}, name


def test_user_fields_are_described_alike(call: Caller) -> None:
    """A user field of the same type has the same keys and settings."""
    ours = [one for one in call.result("crm.lead.fields").values() if one["isDynamic"]]
    real = [one for one in recorded("crm_lead_fields_success")["result"].values() if one["isDynamic"]]
    for entry in real:
        twin = next(one for one in ours if one["type"] == entry["type"] and not one["isMultiple"])
        assert list(twin) == list(entry)
        assert twin["settings"] == entry["settings"]


def test_categories_look_alike(call: Caller) -> None:
    """The default one without origin keys, the others with them."""
    ours = call.result("crm.category.list", entityTypeId=2)["categories"]
    real = recorded("crm_category_list")["result"]["categories"]
    assert [shape(one) for one in ours[:2]] == [shape(one) for one in real[:2]]


def test_stage_history_looks_alike(call: Caller) -> None:
    """Ids are text; the five maps of the batch have the same types."""
    select = ["OWNER_ID", "STAGE_ID", "CREATED_TIME", "ID"]
    query = "&".join(f"select[]={name}" for name in select)
    command = f"crm.stagehistory.list?entityTypeId=2&filter[STAGE_ID]=EXECUTING&filter[%3CID]=1500&{query}"
    ours = call.result("batch", cmd={"order0000000000": command})
    real = recorded("crm_stagehistory_list")["result"]
    assert shape(ours) == shape(real)
    row, twin = (one["result"]["order0000000000"]["items"][0] for one in (ours, real))
    assert set(shape(row).items()) == set(shape(twin).items())
    block, real_block = (one["result_time"]["order0000000000"] for one in (ours, real))
    assert set(block) == set(real_block)


def test_stages_of_a_deprecated_category_look_alike(call: Caller) -> None:
    """Numeric sort, and a list of lists for the single command 0."""
    real = recorded("crm_dealcategory_stage_list_batch_of_one")["result"]
    ours = call.result("batch", halt=0, cmd={"0": "crm.dealcategory.stage.list?ID=0&"})
    assert shape(ours) == shape(real)
    assert shape(ours["result"][0][0]) == shape(real["result"][0][0])
    assert [row["STATUS_ID"] for row in ours["result"][0]] == [row["STATUS_ID"] for row in real["result"][0]]


def test_an_error_of_a_single_command_looks_alike(call: Caller) -> None:
    """`result` and `result_error` are lists and the key is lost."""
    real = recorded("crm_lead_get_batch_error")["result"]
    assert call.result("batch", cmd={"0": "crm.lead.get?ID="}) == real


def test_an_empty_page_in_a_batch_looks_alike(call: Caller) -> None:
    """Empty maps are lists, `result_total` says 0."""
    real = recorded("batch_list_empty")["result"]
    ours = call.result("batch", cmd={"order0000000000": "crm.lead.list?filter[ID]=999999999"})
    assert {name: part for name, part in ours.items() if name != "result_time"} == {
        name: part for name, part in real.items() if name != "result_time"
    }


@pytest.mark.parametrize(
    ("name", "method", "params"),
    [
        (
            "crm_lead_list_one_page_success",
            "crm.lead.list",
            {"select": ["ID", "TITLE"], "filter": {"<ID": 150}},
        ),
        ("crm_item_list", "crm.item.list", {"entityTypeId": 2, "select": ["id"], "filter": {"<id": 20}}),
    ],
)
def test_pages_look_alike(call: Caller, name: str, method: str, params: dict[str, Any]) -> None:
    """The same keys around the rows of a list that fits one page."""
    real = recorded(name)
    _, ours = call(method, **params)
    assert set(ours) == set(real)
    assert type(ours["result"]) is type(real["result"])
    assert set(real["time"]) - {"operating"} <= set(ours["time"])


def test_rows_of_a_lead_list_look_alike(call: Caller) -> None:
    """Two fields asked for, two texts got."""
    real = recorded("crm_lead_list_one_page_success")["result"][0]
    assert shape(call.result("crm.lead.list", select=["ID", "TITLE"])[0]) == shape(real)


def test_an_added_element_answers_its_number(call: Caller) -> None:
    """The id of `add` is an integer, as recorded."""
    real = recorded("crm_contact_add_batch")["result"]
    assert [type(one) for one in real["result"].values()] == [int]
    ours = call.result("batch", cmd={"order0000000000": "crm.company.fields"})
    assert shape(ours) == shape(real)
