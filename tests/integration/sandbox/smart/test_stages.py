"""Funnels, stages and history of items (docs/bitrix24-rest-more.md, section 1.4)."""

from __future__ import annotations

from tests.integration.sandbox.conftest import Caller
from tests.integration.sandbox.smart.conftest import type_ids


def test_every_type_has_a_funnel_and_its_directory(call: Caller) -> None:
    """Also one without the switch of funnels; codes name the type and the funnel."""
    counts = []
    for number in type_ids(call.sandbox):
        categories = call.result("crm.category.list", entityTypeId=number)["categories"]
        counts.append(len(categories))
        assert [one["isDefault"] for one in categories] == ["Y", "N"][: len(categories)]
        for category in categories:
            directory = f"DYNAMIC_{number}_STAGE_{category['id']}"
            stages = call.result("crm.status.list", filter={"ENTITY_ID": directory}, order={"SORT": "ASC"})
            assert stages[0]["STATUS_ID"] == f"DT{number}_{category['id']}:NEW"
            assert stages[0]["CATEGORY_ID"] == str(category["id"])
    assert counts == [2, 1, 1]
    record = int(call.sandbox.truth.types()["id"].iloc[0])
    assert call.result("crm.status.list", filter={"ENTITY_ID": f"DYNAMIC_{record}_STAGE_1"}) == []


def test_only_quotes_have_extra(call: Caller) -> None:
    """The semantics of all stages are S, F or null."""
    rows = call.result("crm.status.list")
    quotes = [row for row in rows if row["ENTITY_ID"] == "QUOTE_STATUS"]
    others = [row for row in rows if row["ENTITY_ID"].startswith(("DYNAMIC_", "SMART_INVOICE_STAGE_"))]
    assert {row["EXTRA"]["SEMANTICS"] for row in quotes} == {"process", "success", "failure"}
    assert quotes[0]["CATEGORY_ID"] is None
    assert others
    assert not any("EXTRA" in row for row in others)
    assert {row["SEMANTICS"] for row in others} == {None, "S", "F"}


def test_quotes_have_neither_funnels_nor_history(call: Caller) -> None:
    """Nor has a smart process without stages any history."""
    for method, number in (
        ("crm.category.list", 7),
        ("crm.stagehistory.list", 7),
        ("crm.stagehistory.list", type_ids(call.sandbox)[2]),
    ):
        assert call(method, entityTypeId=number)[1]["error"] == "ENTITY_TYPE_NOT_SUPPORTED"


def test_history_ids_are_unique_over_all_types(call: Caller) -> None:
    """And gappy in each of them; a read by the key gets the truth."""
    first, second, _ = type_ids(call.sandbox)
    seen: list[int] = []
    for entity_type, number in (
        (f"dynamic_{first}", first),
        (f"dynamic_{second}", second),
        ("smart_invoice", 31),
    ):
        ids: list[int] = []
        while len(ids) % 50 == 0:
            _, body = call(
                "crm.stagehistory.list",
                entityTypeId=number, filter={">ID": ids[-1] if ids else 0}, order={"ID": "ASC"}, start=-1,
            )  # fmt: skip
            ids += [int(row["ID"]) for row in body["result"]["items"]]
        truth = call.sandbox.truth.history(entity_type)
        assert ids == truth["history_id"].tolist()
        assert "total" not in body
        seen += ids
    assert len(seen) == len(set(seen))


def test_history_may_begin_with_a_final_stage(call: Caller) -> None:
    """Type 3 without a 1 before it; the last row is the present stage all the same."""
    invoices = call.sandbox.truth.entities("smart_invoice").set_index("id")
    history = call.sandbox.truth.history("smart_invoice")
    begun = history.groupby("owner_id").first()["type_id"]
    assert set(begun) == {1, 3}
    last = history.groupby("owner_id").last().loc[invoices.index]
    assert (last["stage_id"] == invoices["stageId"]).all()
    assert (last["created_time"] == invoices["movedTime"]).all()


def test_an_unreadable_time_makes_the_result_null(call: Caller) -> None:
    """No error; and an unknown order is ignored."""
    unreadable = {">CREATED_TIME": "soon"}
    assert call.result("crm.stagehistory.list", entityTypeId=31, filter=unreadable) is None
    assert call.result("crm.stagehistory.list", entityTypeId=31, order={"NOPE": "ASC"})["items"]


def test_moves_are_written_once_and_die_with_their_item(own: Caller) -> None:
    """A change of the funnel is type 5 with the new place; the same place again is not written."""
    sandbox = own.sandbox
    first = type_ids(sandbox)[0]
    name = f"dynamic_{first}"
    one, other = sandbox.truth.pipelines(name)["category_id"].tolist()
    item = sandbox.add(name, {"title": "x", "stageId": f"DT{first}_{one}:SUCCESS"})
    sandbox.move(name, item, f"DT{first}_{other}:NEW", category=other)
    sandbox.move(name, item, f"DT{first}_{other}:NEW")
    sandbox.update(name, item, {"title": "y"})
    rows = own.result("crm.stagehistory.list", entityTypeId=first, filter={"OWNER_ID": item})["items"]
    assert [(row["TYPE_ID"], row["STAGE_ID"], row["CATEGORY_ID"]) for row in rows] == [
        ("3", f"DT{first}_{one}:SUCCESS", str(one)),
        ("5", f"DT{first}_{other}:NEW", str(other)),
    ]
    shown = own.result("crm.item.get", entityTypeId=first, id=item)["item"]
    assert (shown["previousStageId"], shown["categoryId"]) == (f"DT{first}_{one}:SUCCESS", other)
    sandbox.delete(name, item)
    assert own.result("crm.stagehistory.list", entityTypeId=first, filter={"OWNER_ID": item})["items"] == []
