"""Smart processes that come, change and go while somebody reads them."""

from __future__ import annotations

import pytest

from tests.integration.sandbox.conftest import HTTP, Caller
from tests.integration.sandbox.smart.conftest import type_ids


def test_a_new_type_is_there_at_once(own: Caller) -> None:
    """Empty, with funnels, stages and fields; its items are added, changed, moved and deleted as others."""
    record = own.sandbox.add_type("Гарантии", off=["isSourceEnabled"], parents=[2, 31], funnels=2)
    number, name = record["entity_type_id"], f"dynamic_{record['entity_type_id']}"
    assert [one["title"] for one in own.result("crm.type.list")["types"]][-1] == "Гарантии"
    assert own("crm.item.list", entityTypeId=number)[1]["total"] == 0
    categories = own.result("crm.category.list", entityTypeId=number)["categories"]
    deal = int(own.sandbox.truth.entities("deal")["ID"].iloc[0])
    item = own.sandbox.add(name, {"title": "x", "parentId2": deal, "opportunity": "12.5", "sourceId": "WEB"})
    own.sandbox.move(name, item, f"DT{number}_{categories[1]['id']}:NEW", category=categories[1]["id"])
    shown = own.result("crm.item.get", entityTypeId=number, id=item)["item"]
    assert (shown["title"], shown["parentId2"], shown["opportunity"]) == ("x", deal, 12.5)
    assert "sourceId" not in shown
    assert len(own.sandbox.truth.history(name)) == 2
    own.sandbox.delete(name, item)
    assert own("crm.item.list", entityTypeId=number)[1]["total"] == 0
    assert own.sandbox.truth.entities(name).empty


def test_a_switch_turned_off_takes_columns_away(own: Caller) -> None:
    """Out of fields, lists and filters; turned on again they are back with what they held."""
    first = type_ids(own.sandbox)[0]
    before = own.result("crm.item.list", entityTypeId=first, select=["*"], order={"id": "ASC"})["items"]
    own.sandbox.switch_type(first, "isClientEnabled", on=False)
    gone = {"companyId", "contactId", "contactIds"}
    without = own.result("crm.item.list", entityTypeId=first, select=["*"], order={"id": "ASC"})["items"]
    assert set(before[0]) - set(without[0]) == gone
    assert not gone & set(own.result("crm.item.fields", entityTypeId=first)["fields"])
    assert (
        own("crm.item.list", entityTypeId=first, filter={"contactId": 1})[1]["error"] == "INVALID_ARG_VALUE"
    )
    assert own.result("crm.item.list", entityTypeId=first, select=["id", "contactId"])["items"][0].keys() == {
        "id"
    }
    assert own.result("crm.type.list")["types"][0]["isClientEnabled"] == "N"
    own.sandbox.switch_type(first, "isClientEnabled", on=True)
    assert (
        own.result("crm.item.list", entityTypeId=first, select=["*"], order={"id": "ASC"})["items"] == before
    )


def test_columns_of_a_switch_that_is_off_may_be_null(own: Caller) -> None:
    """Where the portal is set so; the fields do not know them, and a filter refuses them."""
    own.sandbox.set_quirks(switched_off_as_null=True)
    third = type_ids(own.sandbox)[2]
    item = own.result("crm.item.list", entityTypeId=third, select=["*"])["items"][0]
    assert (item["stageId"], item["contactIds"], item["movedTime"]) == (None, None, None)
    assert "stageId" not in own.result("crm.item.fields", entityTypeId=third)["fields"]
    assert (
        own("crm.item.list", entityTypeId=third, filter={"stageId": "x"})[1]["error"] == "INVALID_ARG_VALUE"
    )


def test_stages_switched_on_bring_history_from_then_on(own: Caller) -> None:
    """Of moves that come later; the type's time of change is the portal's present."""
    third = type_ids(own.sandbox)[2]
    name = f"dynamic_{third}"
    since = own("profile")[1]["time"]["date_start"]
    own.sandbox.switch_type(third, "isStagesEnabled", on=True)
    assert own.result("crm.stagehistory.list", entityTypeId=third)["items"] == []
    item = int(own.sandbox.truth.entities(name)["id"].iloc[0])
    code = own.sandbox.truth.stages(name)["status_id"].iloc[-1]
    own.sandbox.move(name, item, code)
    [row] = own.result("crm.stagehistory.list", entityTypeId=third)["items"]
    assert (row["OWNER_ID"], row["TYPE_ID"], row["STAGE_SEMANTIC_ID"]) == (str(item), "3", "F")
    changed = own.result("crm.type.list", filter={">=updatedTime": since})["types"]
    assert [one["entityTypeId"] for one in changed] == [third]


def test_a_removed_type_is_gone_with_all_that_was_its(own: Caller) -> None:
    """Items, history, funnels, stages, user fields, and the field of its children that pointed to it."""
    first, second, _ = type_ids(own.sandbox)
    directory = {"%ENTITY_ID": f"DYNAMIC_{first}_STAGE"}
    assert own.result("crm.status.list", filter=directory)
    own.sandbox.delete_type(first)
    assert own("crm.item.list", entityTypeId=first)[1]["error"] == "NOT_FOUND"
    for method in ("crm.category.list", "crm.stagehistory.list"):
        assert own(method, entityTypeId=first)[1]["error"] == "ENTITY_TYPE_NOT_SUPPORTED"
    assert own.result("crm.status.list", filter=directory) == []
    assert first not in [one["entityTypeId"] for one in own.result("crm.type.list")["types"]]
    assert (
        f"parentId{first}" not in own.result("crm.item.list", entityTypeId=second, select=["*"])["items"][0]
    )
    with pytest.raises(LookupError, match=str(second)):
        own.sandbox.delete_type(first)


def test_user_fields_of_items_are_added_and_written(own: Caller) -> None:
    """Their code names the type's record, their id no other field has."""
    first = type_ids(own.sandbox)[0]
    record, name = int(own.sandbox.truth.types()["id"].iloc[0]), f"dynamic_{first}"
    held = {row["id"] for row in own.result("userfieldconfig.list", moduleId="crm", start=50)["fields"]}
    field = own.sandbox.add_user_field(name, "colour", "enumeration", options=("красный", "синий"))
    assert field.name == f"UF_CRM_{record}_COLOUR"
    assert str(field.id) not in held
    item = int(own.sandbox.truth.entities(name)["id"].iloc[0])
    own.sandbox.update(name, item, {field.name: field.options[1].id})
    shown = own.result("crm.item.get", entityTypeId=first, id=item, useOriginalUfNames="Y")["item"]
    assert shown[field.name] == field.options[1].id
    own.sandbox.delete_user_field(name, field.name)
    assert (
        field.name
        not in own.result("crm.item.get", entityTypeId=first, id=item, useOriginalUfNames="Y")["item"]
    )


def test_random_changes_hit_items_too(own: Caller) -> None:
    """Exactly the reported items differ, and an incremental read finds those that are left."""
    types = ["quote", "smart_invoice", *(f"dynamic_{number}" for number in type_ids(own.sandbox))]
    numbers = {"quote": 7, "smart_invoice": 31} | {f"dynamic_{n}": n for n in type_ids(own.sandbox)}
    before = {name: {row["id"]: row for row in own.sandbox.truth.raw(name)} for name in types}
    since = own("profile")[1]["time"]["date_start"]
    kinds = ("edit", "stage", "back", "pipeline", "add", "user_field", "delete")
    report = own.sandbox.change(150, seed=4, kinds=kinds)
    assert report.total == 150
    for name in types:
        after = {row["id"]: row for row in own.sandbox.truth.raw(name)}
        assert {key for key, row in after.items() if key in before[name] and row != before[name][key]} == (
            report.changed[name]
        )
        assert after.keys() - before[name].keys() == report.added[name]
        assert before[name].keys() - after.keys() == report.deleted[name]
        found = own.result(
            "crm.item.list",
            entityTypeId=numbers[name],
            filter={">=updatedTime": since},
            select=["id"],
            start=-1,
        )["items"]
        assert {item["id"] for item in found} == report.changed[name] | report.added[name]
    assert sum(len(report.changed[name]) for name in types) > 20


def test_types_are_steered_over_http(own: Caller) -> None:
    """Added, switched, renamed, removed; the truth of a type and of its items; a mistake is named."""
    base = own.sandbox.url + "/sandbox/"
    record = HTTP.post(base + "type/add", json={"title": "Ремонт"}).json()["result"]
    number = record["entity_type_id"]
    switched = {"entity_type_id": number, "switch": "isSourceEnabled", "on": False}
    assert HTTP.post(base + "type/switch", json=switched).status_code == 200
    HTTP.post(base + "type/rename", json={"entity_type_id": number, "title": "Сервис"})
    HTTP.post(base + "add", json={"entity_type": f"dynamic_{number}", "fields": {"title": "x"}})
    types = HTTP.get(base + "truth/types").json()["result"]
    assert (types[-1]["title"], "isSourceEnabled" in types[-1]["switches"]) == ("Сервис", False)
    [item] = HTTP.get(f"{base}truth/dynamic_{number}").json()["result"]
    assert item["title"] == "x"
    for part in ("history", "stages", "fields", "pipelines"):
        assert HTTP.get(f"{base}truth/dynamic_{number}/{part}").json()["result"]
    assert HTTP.post(base + "type/delete", json={"entity_type_id": number}).status_code == 200
    quirks = HTTP.post(base + "quirks", json={"no_total": ["crm.item.list"]}).json()["result"]
    assert quirks["no_total"] == ["crm.item.list"]
    for path, body in (
        ("type/switch", {"entity_type_id": 1, "switch": "isSourceEnabled", "on": True}),
        ("type/add", {"title": "x", "off": ["isNothing"]}),
        ("quirks", {"nope": 1}),
    ):
        mistake = HTTP.post(base + path, json=body)
        assert (mistake.status_code, bool(mistake.json()["error"])) == (400, True)
