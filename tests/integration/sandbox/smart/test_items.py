"""Items of smart processes, invoices and quotes (docs/bitrix24-rest-more.md, sections 1.3 and 2)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.integration.sandbox.conftest import Caller
from tests.integration.sandbox.smart.conftest import type_ids


def entity_types(call: Caller) -> dict[str, int]:
    """Name in the truth -> entity type id, of all types of items."""
    smart = {f"dynamic_{number}": number for number in type_ids(call.sandbox)}
    return smart | {"smart_invoice": 31, "quote": 7}


def by_key(call: Caller, type_id: int, **params: Any) -> list[dict[str, Any]]:
    """All items by the key, as a reader does it."""
    found: list[dict[str, Any]] = []
    while True:
        last = found[-1]["id"] if found else 0
        status, body = call(
            "crm.item.list",
            entityTypeId=type_id, filter={">id": last}, order={"id": "ASC"}, start=-1, **params,
        )  # fmt: skip
        assert status == 200
        assert not {"total", "next"} & set(body)
        found += body["result"]["items"]
        if len(body["result"]["items"]) < 50:
            return found


@pytest.mark.parametrize("place", range(5))
def test_a_read_by_the_key_gets_the_truth(call: Caller, place: int) -> None:
    """`start=-1` counts nothing, and tells neither `total` nor `next`; every value is as in the truth."""
    entity_type, type_id = list(entity_types(call).items())[place]
    items = by_key(call, type_id, select=["*"], useOriginalUfNames="Y")
    assert [item | {"entityTypeId": type_id} for item in call.sandbox.truth.raw(entity_type)] == items
    frame = call.sandbox.truth.entities(entity_type)
    assert [item["id"] for item in items] == frame["id"].tolist()
    if "opportunity" in frame:
        assert [item["opportunity"] for item in items] == [float(amount) for amount in frame["opportunity"]]


def test_values_are_json_numbers_and_names_camel_case(call: Caller) -> None:
    """Ids, links, money and lists of ids are numbers; user fields and parents come with `*`."""
    first, second, _ = type_ids(call.sandbox)
    item = next(one for one in by_key(call, first, select=["*"]) if one["contactId"] and one["parentId2"])
    assert all(
        type(item[name]) is int for name in ("id", "contactId", "parentId2", "assignedById", "categoryId")
    )
    assert item["contactIds"][0] == item["contactId"]
    assert item["updatedTime"].endswith("+03:00")
    number = int(call.sandbox.truth.types()["id"].iloc[0])
    assert f"ufCrm{number}_1740000000" in item
    kept = call.result("crm.item.list", entityTypeId=first, select=["*"], useOriginalUfNames="Y")["items"][0]
    assert f"UF_CRM_{number}_1740000000" in kept
    assert f"parentId{first}" in by_key(call, second, select=["*"])[0]


def test_the_switches_decide_which_columns_there_are(call: Caller) -> None:
    """Without stages no stage and no time of a move, without clients no contacts; `fields` says the same."""
    first, second, third = (set(by_key(call, number, select=["*"])[0]) for number in type_ids(call.sandbox))
    staged = {"stageId", "previousStageId", "movedBy", "movedTime"}
    assert (
        staged | {"contactIds", "begindate", "sourceId", "observers", "mycompanyId", "opportunity"} <= first
    )
    assert staged <= second
    assert not {"begindate", "closedate", "sourceId", "sourceDescription", "observers"} & second
    assert not (staged | {"companyId", "contactId", "contactIds", "mycompanyId"}) & third
    for number, shown in zip(type_ids(call.sandbox), (first, second, third), strict=True):
        fields = call.result("crm.item.fields", entityTypeId=number)["fields"]
        assert shown - {"entityTypeId"} == set(fields) - {"contacts"}


def test_fields_name_types_and_parents(call: Caller) -> None:
    """Flags are booleans, parents name their type, stages the default funnel's directory."""
    first, second, _ = type_ids(call.sandbox)
    fields = call.result("crm.item.fields", entityTypeId=second)["fields"]
    assert fields["opened"]["type"] == "boolean"
    assert fields[f"parentId{first}"]["settings"] == {"parentEntityTypeId": first}
    assert (fields["updatedTime"]["upperName"], fields["contacts"]["isMultiple"]) == ("UPDATED_TIME", True)
    default = call.result("crm.category.list", entityTypeId=second)["categories"][0]["id"]
    assert fields["stageId"]["statusType"] == f"DYNAMIC_{second}_STAGE_{default}"


def test_filters_know_the_items_fields(call: Caller) -> None:
    """By time of change and creation, by any contact, by parent; an unknown name is refused, a wrong way too."""
    first = type_ids(call.sandbox)[0]
    frame = call.sandbox.truth.entities(f"dynamic_{first}")
    since = frame["updatedTime"].sort_values().iloc[60]
    found = by_key(call, first, select=["id"])
    assert len(found) == 120
    changed = call.result(
        "crm.item.list", entityTypeId=first, filter={">=updatedTime": since.isoformat()}, start=0
    )
    assert changed["items"]
    counted = call("crm.item.list", entityTypeId=first, filter={"<createdTime": since.isoformat()})[1][
        "total"
    ]
    assert counted == (frame["createdTime"] < since).sum()
    contacts = next(ids for ids in frame["contactIds"] if len(ids) > 1)
    _, body = call("crm.item.list", entityTypeId=first, filter={"contactIds": int(contacts[1])})
    assert body["total"] == sum(contacts[1] in ids for ids in frame["contactIds"])
    parent = int(frame["parentId2"].dropna().iloc[0])
    assert call("crm.item.list", entityTypeId=first, filter={"parentId2": parent})[1]["total"] >= 1
    for wrong in ({"filter": {"DATE_MODIFY": "x"}}, {"order": {"nope": "ASC"}}, {"order": {"id": "up"}}):
        status, body = call("crm.item.list", entityTypeId=first, **wrong)
        assert (status, body["error"]) == (400, "INVALID_ARG_VALUE")


def test_pages_with_a_start_are_counted(call: Caller) -> None:
    """`start` is exact, `total` and `next` stand beside the result, unless the portal leaves the total out."""
    first = type_ids(call.sandbox)[0]
    _, body = call("crm.item.list", entityTypeId=first, order={"id": "ASC"}, start=30)
    ids = call.sandbox.truth.entities(f"dynamic_{first}")["id"].tolist()
    assert (body["total"], body["next"]) == (120, 80)
    assert [item["id"] for item in body["result"]["items"]] == ids[30:80]


def test_a_method_may_never_tell_the_total(own: Caller) -> None:
    """Where the portal is set so; `next` still shows."""
    own.sandbox.set_quirks(no_total=["crm.item.list"])
    _, body = own("crm.item.list", entityTypeId=31)
    assert ("total" in body, body["next"]) == (False, 50)


def test_original_names_may_drop_standard_fields(own: Caller) -> None:
    """With an explicit select, where the portal is set so; `*` shows them all the same."""
    own.sandbox.set_quirks(original_names_drop_standard=True)
    params: dict[str, Any] = {"entityTypeId": 7, "useOriginalUfNames": "Y"}
    assert own.result("crm.item.list", **params, select=["id", "title", "UF_CRM_1740000000"])["items"][
        0
    ].keys() == {"UF_CRM_1740000000"}
    assert "title" in own.result("crm.item.list", **params, select=["*"])["items"][0]


def test_one_item_is_got_and_a_missing_one_is_not_found(call: Caller) -> None:
    """As the list shows it with `*`."""
    [first, *_] = by_key(call, 31, select=["*"])
    assert call.result("crm.item.get", entityTypeId=31, id=first["id"])["item"] == first
    assert call("crm.item.get", entityTypeId=31, id=10**6)[1]["error"] == "NOT_FOUND"


def test_fifty_pages_are_chained_in_a_batch(call: Caller) -> None:
    """`$result[a][items][49][id]` continues; a batch tells no totals of such pages."""
    first = type_ids(call.sandbox)[0]
    query = f"entityTypeId={first}&order[id]=ASC&select[]=id&start=-1&filter[%3Eid]="
    commands = {"a": f"crm.item.list?{query}0", "b": f"crm.item.list?{query}$result[a][items][49][id]"}
    _, body = call("batch", cmd=commands)
    pages = body["result"]["result"]
    ids = [item["id"] for key in "ab" for item in pages[key]["items"]]
    assert ids == call.sandbox.truth.entities(f"dynamic_{first}")["id"].tolist()[:100]
    assert (body["result"]["result_total"], body["result"]["result_next"]) == ([], [])


def test_invoices_and_quotes_have_fields_of_their_own(call: Caller) -> None:
    """Invoices hang below deals and quotes; quotes have `dealId`, no funnel and no time of a move."""
    invoices, quotes = by_key(call, 31, select=["*"]), by_key(call, 7, select=["*"])
    assert {"accountNumber", "mycompanyId", "locationId", "previousStageId", "observers"} <= set(invoices[0])
    known = {quote["id"] for quote in quotes}
    assert {invoice["parentId7"] for invoice in invoices} - {None} <= known
    assert {"quoteNumber", "dealId", "leadId", "contentType", "termsType", "actualDate", "closed"} <= set(
        quotes[0]
    )
    assert not {"categoryId", "movedTime", "previousStageId", "parentId2"} & set(quotes[0])
