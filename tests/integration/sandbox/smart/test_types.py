"""Smart processes as records (docs/bitrix24-rest-more.md, sections 1.1 and 1.2)."""

from __future__ import annotations

from collections.abc import Callable

from b24_pipeline.sandbox import Sandbox
from tests.integration.sandbox.conftest import Caller
from tests.integration.sandbox.smart.conftest import COUNTS, type_ids


def test_the_list_tells_identifiers_and_switches(call: Caller) -> None:
    """Wrapped in `types`, numbers as numbers, switches as Y and N; neither id can be computed from the other."""
    status, body = call("crm.type.list")
    types = body["result"]["types"]
    assert (status, body["total"], "next" in body) == (200, 3, False)
    assert [one["entityTypeId"] for one in types] == type_ids(call.sandbox)
    assert [one["isStagesEnabled"] for one in types] == ["Y", "Y", "N"]
    assert all(isinstance(one["id"], int) and one["id"] != one["entityTypeId"] for one in types)
    assert len({one["entityTypeId"] - one["id"] for one in types}) == 3


def test_the_list_filters_strictly(call: Caller) -> None:
    """By every prefix, by nested OR and by time; an unknown name is refused."""
    first, second, third = type_ids(call.sandbox)
    rows = call.result("crm.type.list", filter={">entityTypeId": first}, order={"entityTypeId": "DESC"})[
        "types"
    ]
    assert [one["entityTypeId"] for one in rows] == [third, second]
    either = {"0": {"logic": "OR", "0": {"entityTypeId": first}, "1": {"isStagesEnabled": "N"}}}
    rows = call.result("crm.type.list", filter=either)["types"]
    assert [one["entityTypeId"] for one in rows] == [first, third]
    assert call.result("crm.type.list", filter={">updatedTime": "2026-11-02T00:00:00+03:00"})["types"] == []
    status, body = call("crm.type.list", filter={"ENTITY_TYPE_ID": 1})
    assert (status, body["error"]) == (400, "INVALID_ARG_VALUE")


def test_only_get_tells_relations(call: Caller) -> None:
    """By either identifier; links to clients are predefined; a wrong id is the error 0."""
    first, second, _ = type_ids(call.sandbox)
    listed = call.result("crm.type.list")["types"][1]
    got = call.result("crm.type.get", id=listed["id"])["type"]
    assert got == call.result("crm.type.getByEntityTypeId", entityTypeId=second)["type"]
    assert "relations" not in listed
    parents = {one["entityTypeId"]: one["isPredefined"] for one in got["relations"]["parent"]}
    assert parents == {3: "Y", 4: "Y", 2: "N", first: "N"}
    children = call.result("crm.type.getByEntityTypeId", entityTypeId=first)["type"]["relations"]["child"]
    assert [one["entityTypeId"] for one in children] == [second]
    status, body = call("crm.type.get", id=10**6)
    assert (status, body["error"]) == (400, "0")


def test_the_list_is_for_administrators(start: Callable[..., Sandbox]) -> None:
    """Others are refused, but may ask for one type, and which types there are."""
    call = Caller(start(admin=False, **COUNTS))
    status, body = call("crm.type.list")
    assert (status, body["error"]) == (400, "ACCESS_DENIED")
    first = type_ids(call.sandbox)[0]
    assert call.result("crm.type.getByEntityTypeId", entityTypeId=first)["type"]["entityTypeId"] == first
    owners = {one["ID"]: one for one in call.result("crm.enum.ownertype")}
    assert {1, 2, 3, 4, 7, 31, *type_ids(call.sandbox)} < set(owners)
    assert owners[first]["SYMBOL_CODE"] == f"DYNAMIC_{first}"
    assert owners[first]["SYMBOL_CODE_SHORT"] == f"T{first:x}"


def test_the_right_may_be_lost_in_a_running_portal(own: Caller) -> None:
    """What was readable a moment ago is refused, for the list of types and for a type's items."""
    first = type_ids(own.sandbox)[0]
    own.sandbox.set_quirks(admin_lost=True, forbidden_types=[first])
    assert own.result("profile")["ADMIN"] is False
    for method, params in (("crm.type.list", {}), ("crm.item.list", {"entityTypeId": first})):
        status, body = own(method, **params)
        assert (status, body["error"]) == (400, "ACCESS_DENIED")


def test_a_portal_without_smart_processes_says_so(start: Callable[..., Sandbox]) -> None:
    """The list is empty; items of types that there are not are refused."""
    call = Caller(start())
    assert call.result("crm.type.list")["types"] == []
    assert call("crm.item.list", entityTypeId=156)[1]["error"] == "NOT_FOUND"
    for number in (5, 7, 31):
        assert call("crm.item.list", entityTypeId=number)[1]["error"] == "ENTITY_TYPE_NOT_SUPPORTED"


def test_user_field_settings_are_of_all_entities_at_once(call: Caller) -> None:
    """Ids are text, options come with `get` alone, and a filter by `entityId` is not heeded."""
    status, body = call("userfieldconfig.list", moduleId="crm")
    assert (status, len(body["result"]["fields"]), body["next"]) == (200, 50, 50)
    total = body["total"]
    rows = body["result"]["fields"] + call.result("userfieldconfig.list", moduleId="crm", start=50)["fields"]
    assert len(rows) == total
    numbers = set(call.sandbox.truth.types()["id"])
    assert {"CRM_DEAL", "CRM_QUOTE", "CRM_SMART_INVOICE", *(f"CRM_{n}" for n in numbers)} <= {
        r["entityId"] for r in rows
    }
    assert all(isinstance(row["id"], str) and "enum" not in row for row in rows)
    assert call("userfieldconfig.list", moduleId="crm", filter={"entityId": "CRM_QUOTE"})[1]["total"] == total
    chosen = next(
        row for row in rows if row["entityId"] == "CRM_QUOTE" and row["userTypeId"] == "enumeration"
    )
    field = call.result("userfieldconfig.get", moduleId="crm", id=chosen["id"])["field"]
    assert [option["value"] for option in field["enum"]][:2] == ["Да", "Нет"]


def test_user_field_settings_need_a_scope_of_their_own(start: Callable[..., Sandbox]) -> None:
    """The refusal names no method; the CRM's methods go on."""
    call = Caller(start(smart_types=1))
    status, body = call("userfieldconfig.list", moduleId="crm")
    assert (status, body["error"]) == (403, "insufficient_scope")
    assert call("crm.type.list")[0] == 200
