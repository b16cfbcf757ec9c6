"""The REST methods over a real socket."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from b24_pipeline.sandbox import Sandbox
from tests.integration.sandbox.conftest import HTTP, Caller
from tests.support.frames import tuples


def test_json_forms_and_query_strings_are_equivalent(portal: Sandbox) -> None:
    """GET and POST, three ways of writing the same call, with and without `.json` and a slash."""
    url = portal.webhook_url + "crm.deal.list"
    query = "order[ID]=ASC&filter[%3EID]=100&select[]=ID&select[]=TITLE"
    form = {"order[ID]": "ASC", "filter[>ID]": "100", "select[0]": "ID", "select[1]": "TITLE"}
    body = {"order": {"ID": "ASC"}, "filter": {">ID": 100}, "select": ["ID", "TITLE"]}
    answers = [
        HTTP.get(f"{url}?{query}"),
        HTTP.post(f"{url}.json", data=form),
        HTTP.post(f"{url}/", json=body),
        HTTP.post(url.replace("crm.deal.list", "CRM.Deal.List"), json=body),
    ]
    first = answers[0].json()["result"]
    assert len(first) == 50
    assert all(answer.json()["result"] == first for answer in answers)


def test_headers_and_slashes_are_the_portals(portal: Sandbox) -> None:
    """The content type of Bitrix24, its timing headers, and PHP's escaped slash."""
    response = HTTP.get(portal.webhook_url + "crm.deal.list?select[]=*&select[]=UF_*")
    assert response.headers["content-type"] == "application/json; charset=utf-8"
    assert "x-bitrix-rest-time" in response.headers
    assert "https:\\/\\/ads.example" in response.text


def test_classic_pages_floor_start_and_items_do_not(call: Caller) -> None:
    """`start=60` is page 50 for deals and row 60 for items."""
    _, all_ids = call("crm.deal.list", select=["ID"], order={"ID": "ASC"}, start=50)
    _, floored = call("crm.deal.list", select=["ID"], order={"ID": "ASC"}, start=60)
    _, exact = call("crm.item.list", entityTypeId=2, select=["id"], order={"id": "ASC"}, start=60)
    assert floored["result"] == all_ids["result"]
    assert exact["result"]["items"][0]["id"] == int(all_ids["result"][10]["ID"])
    assert (floored["next"], exact["next"]) == (100, 110)


def test_the_last_page_has_no_next(call: Caller, portal: Sandbox) -> None:
    """`next` shows only if more rows exist; `total` is the count."""
    total = len(portal.truth.entities("deal"))
    _, body = call("crm.deal.list", select=["ID"], order={"ID": "ASC"}, start=total - total % 50)
    assert body["total"] == total
    assert "next" not in body


def test_minus_one_counts_nothing(call: Caller) -> None:
    """`start=-1`: up to fifty rows, total 0, no next; START in capitals is ignored."""
    _, body = call("crm.deal.list", select=["ID"], order={"ID": "ASC"}, start=-1)
    assert (len(body["result"]), body["total"], "next" in body) == (50, 0, False)
    _, ignored = call("crm.deal.list", select=["ID"], order={"ID": "ASC"}, START=50)
    assert ignored["result"] == body["result"]


def test_unknown_filter_fields_widen_classic_lists_and_fail_elsewhere(call: Caller) -> None:
    """Silently dropped by classic lists, 400 in items and stage history."""
    _, whole = call("crm.deal.list", filter={"STAGE": "NEW"})
    _, everything = call("crm.deal.list")
    assert whole["total"] == everything["total"]
    for method in ("crm.item.list", "crm.stagehistory.list"):
        status, body = call(method, entityTypeId=2, filter={"STAGE": "NEW"})
        assert (status, body["error"]) == (400, "INVALID_ARG_VALUE")
        assert body["error_description"] == "Invalid filter: field 'STAGE' is not allowed in filter"


def test_items_nest_or(call: Caller, portal: Sandbox) -> None:
    """`logic: OR` joins two conditions."""
    deals = portal.truth.entities("deal")
    group = {"logic": "OR", "0": {"stageId": "WON"}, "1": {"categoryId": 6}}
    _, body = call("crm.item.list", entityTypeId=2, filter={"0": group}, select=["id"])
    assert body["total"] == ((deals["STAGE_ID"] == "WON") | (deals["CATEGORY_ID"] == 6)).sum()


def test_items_send_numbers_where_classic_methods_send_text(call: Caller) -> None:
    """Ids and money are numbers, times keep their text, phones are in `fm`."""
    lead = call.result("crm.lead.list", select=["*", "UF_*", "PHONE"], order={"ID": "ASC"})[0]
    item = call.result("crm.item.list", entityTypeId=1, select=["*"], order={"id": "ASC"})["items"][0]
    assert item["id"] == int(lead["ID"])
    assert item["opportunity"] == pytest.approx(float(lead["OPPORTUNITY"]))
    assert item["createdTime"] == lead["DATE_CREATE"]
    assert item["stageId"] == lead["STATUS_ID"]
    phones = [entry["value"] for entry in item["fm"] if entry["typeId"] == "PHONE"]
    assert phones == [entry["VALUE"] for entry in lead.get("PHONE", [])]


def test_original_names_of_user_fields_can_be_kept(call: Caller) -> None:
    """`useOriginalUfNames` keeps UF_CRM codes, which the filter then understands."""
    params: dict[str, Any] = {"entityTypeId": 2, "useOriginalUfNames": "Y", "select": ["*"]}
    items = call.result("crm.item.list", **params, filter={"UF_CRM_1710003333": 1})["items"]
    assert all(item["UF_CRM_1710003333"] == "Y" for item in items)


def test_history_hides_earlier_pipelines_where_it_is_set_so(start: Callable[..., Sandbox]) -> None:
    """The gap of docs/bitrix24-rest.md, section 6.5: only rows of the owner's present pipeline."""
    whole, gap = (start(history_current_pipeline_only=hidden) for hidden in (False, True))
    history = whole.truth.history("deal")
    current = whole.truth.entities("deal").set_index("ID")["CATEGORY_ID"]
    visible = (
        history["category_id"].to_numpy() == current.loc[history["owner_id"].astype(int)].to_numpy()
    ).sum()
    totals = [Caller(one)("crm.stagehistory.list", entityTypeId=2)[1]["total"] for one in (whole, gap)]
    assert totals == [len(history), visible]
    assert visible < len(history)


def test_labels_come_only_with_a_language(call: Caller) -> None:
    """`filter[LANG]` adds labels to user fields; enumerations always have their options."""
    plain = call.result("crm.deal.userfield.list")
    labelled = call.result("crm.deal.userfield.list", filter={"LANG": "ru"})
    assert "EDIT_FORM_LABEL" not in plain[0]
    assert labelled[0]["EDIT_FORM_LABEL"] == "Ключевое слово"
    assert all(("LIST" in row) == (row["USER_TYPE_ID"] == "enumeration") for row in plain)


def test_status_list_is_never_paged(call: Caller) -> None:
    """All rows at once; stages name their semantics, with nothing for those in progress."""
    _, body = call("crm.status.list", order={"SORT": "ASC"}, filter={"ENTITY_ID": "DEAL_STAGE_4"})
    assert body["result"][0]["STATUS_ID"] == "C4:NEW"
    assert {row["SEMANTICS"] for row in body["result"]} == {None, "S", "F"}
    _, every = call("crm.status.list")
    assert len(every["result"]) == every["total"] > 50


def test_leads_have_no_categories(call: Caller) -> None:
    """`crm.category.list` refuses leads and knows four deal pipelines."""
    status, body = call("crm.category.list", entityTypeId=1)
    assert (status, body["error"]) == (400, "ENTITY_TYPE_NOT_SUPPORTED")
    assert [one["id"] for one in call.result("crm.category.list", entityTypeId=2)["categories"]] == [
        0,
        4,
        6,
        9,
    ]


def test_duplicates_are_found_by_phone_however_it_is_written(call: Caller, portal: Sandbox) -> None:
    """A lead's phone finds the lead and the contact that came of it."""
    deals = portal.truth.entities("deal").dropna(subset=["LEAD_ID", "CONTACT_ID"])
    leads = portal.truth.entities("lead").set_index("ID")
    deal = next(d for d in tuples(deals) if leads.loc[int(d.LEAD_ID)]["PHONE"])
    typed = leads.loc[int(deal.LEAD_ID)]["PHONE"][0]["VALUE"]
    found = call.result("crm.duplicate.findbycomm", type="PHONE", values=[typed])
    assert int(deal.LEAD_ID) in found["LEAD"]
    assert int(deal.CONTACT_ID) in found["CONTACT"]
    assert call.result("crm.duplicate.findbycomm", type="PHONE", values=["+70000000000"]) == []


def test_dismissed_users_stay(call: Caller) -> None:
    """`ACTIVE` is a JSON boolean and can be filtered."""
    _, body = call("user.get")
    assert body["total"] == 20
    assert {user["ACTIVE"] for user in body["result"]} == {True, False}
    assert all(user["ACTIVE"] is False for user in call.result("user.get", FILTER={"ACTIVE": "N"}))


def test_elements_are_added_changed_and_deleted(start: Callable[..., Sandbox]) -> None:
    """Every step shows in the lists, in the history and in the truth."""
    sandbox = start()
    call = Caller(sandbox)
    fields = {"TITLE": "Новая", "CATEGORY_ID": 4, "OPPORTUNITY": "12.5", "LEAD_ID": 999, "NO_SUCH": 1}
    identifier = call.result("crm.deal.add", fields=fields)
    call.result("crm.deal.update", id=identifier, fields={"STAGE_ID": "C4:WON", "CATEGORY_ID": 6})
    deal = call.result("crm.deal.get", id=identifier)
    assert (deal["OPPORTUNITY"], deal["LEAD_ID"], deal["CATEGORY_ID"]) == ("12.50", None, "4")
    assert (deal["STAGE_ID"], deal["STAGE_SEMANTIC_ID"], deal["CLOSED"]) == ("C4:WON", "S", "Y")
    moves = call.result("crm.stagehistory.list", entityTypeId=2, filter={"OWNER_ID": identifier})["items"]
    assert [(move["TYPE_ID"], move["STAGE_ID"]) for move in moves] == [("1", "C4:NEW"), ("3", "C4:WON")]
    assert identifier in set(sandbox.truth.entities("deal")["ID"])
    call.result("crm.deal.delete", id=identifier)
    assert call("crm.deal.get", id=identifier) == (400, {"error": "", "error_description": "Not found"})
    assert identifier not in set(sandbox.truth.entities("deal")["ID"])


def test_phones_are_edited_by_their_id(start: Callable[..., Sandbox]) -> None:
    """A known ID is changed or emptied, a new value is added, and the flag follows."""
    call = Caller(start())
    identifier = call.result(
        "crm.contact.add", fields={"NAME": "А", "PHONE": [{"VALUE": "8 (921) 111-22-33"}]}
    )
    [phone] = call.result("crm.contact.get", id=identifier)["PHONE"]
    added = [{"ID": phone["ID"], "VALUE": "+79990000000"}, {"VALUE": "1", "VALUE_TYPE": "HOME"}]
    call.result("crm.contact.update", id=identifier, fields={"PHONE": added})
    edited = call.result("crm.contact.get", id=identifier)
    assert [entry["VALUE"] for entry in edited["PHONE"]] == ["+79990000000", "1"]
    emptied = [{"ID": entry["ID"], "VALUE": ""} for entry in edited["PHONE"]]
    call.result("crm.contact.update", id=identifier, fields={"PHONE": emptied})
    empty = call.result("crm.contact.get", id=identifier)
    assert "PHONE" not in empty
    assert empty["HAS_PHONE"] == "N"


def test_credentials_and_scopes_are_checked(portal: Sandbox, start: Callable[..., Sandbox]) -> None:
    """Wrong secret, no credential, unknown method, method out of scope, unknown path."""
    base = portal.url + "/rest/"
    wrong = HTTP.get(base + "1/wrong/profile")
    assert (wrong.status_code, wrong.json()["error"]) == (401, "INVALID_CREDENTIALS")
    nobody = HTTP.get(base + "profile")
    assert (nobody.status_code, nobody.json()["error"]) == (401, "NO_AUTH_FOUND")
    status, body = Caller(portal)("crm.no.such")
    assert (status, body) == (
        404,
        {"error": "ERROR_METHOD_NOT_FOUND", "error_description": "Method not found!"},
    )
    status, body = Caller(start(scope=("user",)))("crm.deal.list")
    assert (status, body["error"]) == (403, "insufficient_scope")
    page = HTTP.get(portal.url + "/nowhere")
    assert (page.status_code, page.headers["content-type"]) == (404, "text/html; charset=utf-8")


def test_small_methods_answer(call: Caller) -> None:
    """profile, scope, server.time, method.get and user.current."""
    assert call.result("profile")["ADMIN"] is True
    assert call.result("scope") == ["crm", "user", "department"]
    assert call.result("server.time").endswith("+00:00")
    assert call.result("method.get", name="crm.deal.list") == {"isExisting": True, "isAvailable": True}
    assert call.result("user.current")["ID"] == "1"
    assert call.result("crm.dealcategory.status", id=4) == "DEAL_STAGE_4"


def test_departments_and_currencies_are_as_the_portal_sends_them(call: Caller) -> None:
    """Numbers are text, keys without a value are absent, and the total of currencies is always 0."""
    departments = call.result("department.get", sort="ID", order="ASC")
    assert [(one["ID"], one["SORT"], one.get("PARENT")) for one in departments] == [
        ("1", 100, None),
        ("3", 300, "1"),
        ("5", 500, "1"),
        ("7", 700, "3"),
    ]
    assert "UF_HEAD" not in departments[-1]
    assert [one["ID"] for one in call.result("department.get", PARENT=1)] == ["3", "5"]
    _, body = call("crm.currency.list")
    assert (body["total"], [one["BASE"] for one in body["result"]]) == (0, ["Y", "N", "N", "N"])
    assert [one["AMOUNT"] for one in body["result"] if one["CURRENCY"] == "KZT"] == ["19.4000"]


def test_an_order_not_asked_for_is_not_stable_where_it_is_set_so(start: Callable[..., Sandbox]) -> None:
    """With `unstable_order` a client that forgets `order` reads another page each time."""
    call = Caller(start(unstable_order=True))
    pages = {tuple(row["ID"] for row in call.result("crm.deal.list", select=["ID"])) for _ in range(12)}
    assert len(pages) > 1
    ordered = {tuple(r["ID"] for r in call.result("crm.deal.list", order={"ID": "ASC"})) for _ in range(5)}
    assert len(ordered) == 1
