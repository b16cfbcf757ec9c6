"""Product rows (docs/bitrix24-rest-more.md, section 3.1)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from b24_pipeline.sandbox import Sandbox
from tests.integration.sandbox.conftest import HTTP, Caller
from tests.integration.sandbox.events.conftest import connected
from tests.integration.sandbox.records.conftest import COUNTS
from tests.support.servers.event_receiver import Receiver

METHOD = "crm.item.productrow.list"


def of(code: str, owners: Any) -> dict[str, Any]:
    """The filter that names owners."""
    return {"=ownerType": code, "=ownerId": owners}


def test_the_owner_must_be_named_literally(call: Caller) -> None:
    """Both keys with their `=`; without one of them the error is 100."""
    for given in ({}, {"ownerType": "D", "ownerId": 1}, {"=ownerType": "D"}, {"=ownerId": 1}):
        status, body = call(METHOD, filter=given)
        assert (status, body["error"]) == (400, "100")
    assert call(METHOD, filter=of("XX", 1))[1]["error"] == "ENTITY_TYPE_NOT_SUPPORTED"


def test_rows_of_every_owner_are_the_truth(call: Caller) -> None:
    """Of deals, leads, quotes, invoices and items; numbers are numbers, and a row has neither currency nor time."""
    truth = call.sandbox.truth.entities("product_row")
    found = []
    for code, owner in sorted(set(zip(truth["ownerType"], truth["ownerId"].astype(int), strict=True))):
        last, rows = 0, [None] * 50
        while len(rows) == 50:
            _, body = call(METHOD, filter=of(code, owner) | {">id": last}, order={"id": "ASC"}, start=-1)
            assert "total" not in body
            rows = body["result"]["productRows"]
            last = rows[-1]["id"] if rows else last
            found += rows
    assert sorted(found, key=lambda row: row["id"]) == list(call.sandbox.truth.raw("product_row"))
    smart = f"T{int(call.sandbox.truth.types()['entity_type_id'].iloc[0]):x}"
    assert {"D", "L", "Q", "SI", smart} == set(truth["ownerType"])
    assert truth.groupby(["ownerType", "ownerId"]).size().max() > 50
    assert not [name for name in truth.columns if "currency" in name.lower() or "time" in name.lower()]
    assert {0, None} & set(truth["taxRate"].where(truth["taxRate"].notna(), None))
    assert (truth["productId"] == 0).any()


def test_several_owners_come_together_for_administrators(call: Caller) -> None:
    """In one answer, counted together, in pages."""
    truth = call.sandbox.truth.entities("product_row")
    owners = truth[truth["ownerType"] == "D"]["ownerId"].astype(int).unique().tolist()
    _, body = call(METHOD, filter=of("D", owners), order={"id": "ASC"})
    assert body["total"] == (truth["ownerType"] == "D").sum()
    assert len(body["result"]["productRows"]) == 50


@pytest.mark.parametrize("setting", ["refused", "first"])
def test_several_owners_may_be_refused_or_misread(own: Caller, setting: str) -> None:
    """Refused with ACCESS_DENIED, or answered with the rows of element 1; one owner goes on."""
    own.sandbox.set_quirks(row_owners=setting)
    truth = own.sandbox.truth.entities("product_row")
    owners = truth[truth["ownerType"] == "D"]["ownerId"].astype(int).unique().tolist()
    status, body = own(METHOD, filter=of("D", owners))
    if setting == "refused":
        assert (status, body["error"]) == (400, "ACCESS_DENIED")
    else:
        assert {row["ownerId"] for row in body["result"]["productRows"]} <= {1}
    assert own(METHOD, filter=of("D", owners[0]))[1]["total"] == (truth["ownerId"] == owners[0]).sum()


def test_others_than_administrators_are_refused_several(start: Callable[..., Sandbox]) -> None:
    """The check of rights reads the array as the number 1."""
    call = Caller(start(admin=False, **COUNTS))
    assert call(METHOD, filter=of("D", [10, 11]))[1]["error"] == "ACCESS_DENIED"
    assert call(METHOD, filter=of("D", 10))[0] == 200


def test_rows_change_with_their_owner(own: Caller, receiver: Receiver) -> None:
    """The owner is saved and told of, the rows are not; a row that stays keeps its id; they die with their owner."""
    sandbox = own.sandbox
    deal = int(sandbox.truth.entities("deal")["ID"].iloc[3])
    connected(sandbox, receiver, "ONCRMDEALUPDATE", "ONCRMDEALDELETE")
    first, second = sandbox.set_rows(
        "deal", deal, [{"productName": "a", "price": 5}, {"productName": "b", "price": 7}]
    )
    since = own("profile")[1]["time"]["date_start"]
    [third] = sandbox.set_rows(
        "deal", deal, [{"id": first, "price": "6.5"}, {"productName": "c", "quantity": 2}]
    )
    rows = own.result(METHOD, filter=of("D", deal), order={"id": "ASC"})["productRows"]
    assert [(row["id"], row["productName"], row["price"]) for row in rows] == [
        (first, "a", 6.5),
        (third, "c", 0),
    ]
    assert second not in {row["id"] for row in rows}
    assert own.result("crm.deal.get", id=deal)["DATE_MODIFY"] >= since
    sandbox.delete("deal", deal)
    assert own.result(METHOD, filter=of("D", deal))["productRows"] == []
    assert not (sandbox.truth.entities("product_row")["id"].isin([first, third])).any()
    sandbox.wait_for_events()
    assert [one["event"] for one in receiver.events] == ["ONCRMDEALUPDATE"] * 2 + ["ONCRMDEALDELETE"]


def test_random_changes_set_rows(own: Caller) -> None:
    """Exactly the reported rows came and went, and each owner was saved."""
    before = set(own.sandbox.truth.entities("product_row")["id"])
    since = own("profile")[1]["time"]["date_start"]
    report = own.sandbox.change(40, seed=6, kinds=("rows", "edit", "delete"))
    after = set(own.sandbox.truth.entities("product_row")["id"])
    assert after - before == report.added["product_row"]
    assert report.deleted["product_row"] <= before - after
    owners = {
        int(row["ownerId"])
        for row in own.sandbox.truth.raw("product_row")
        if row["id"] in report.added["product_row"] and row["ownerType"] == "D"
    }
    saved = own.result("crm.deal.list", filter={">=DATE_MODIFY": since}, select=["ID"], start=-1)
    assert owners <= {int(row["ID"]) for row in saved} == report.changed["deal"]


def test_rows_of_a_removed_type_are_gone(own: Caller) -> None:
    """And its code is no owner any more; other processes steer rows over HTTP."""
    number = int(own.sandbox.truth.types()["entity_type_id"].iloc[0])
    name, code = f"dynamic_{number}", f"T{number:x}"
    item = int(own.sandbox.truth.entities(name)["id"].iloc[0])
    given = {"entity_type": name, "id": item, "rows": [{"productName": "x", "price": 3}]}
    [row] = HTTP.post(own.sandbox.url + "/sandbox/rows", json=given).json()["result"]
    assert own.result(METHOD, filter=of(code, item))["productRows"][0]["id"] == row
    own.sandbox.delete_type(number)
    assert own(METHOD, filter=of(code, item))[1]["error"] == "ENTITY_TYPE_NOT_SUPPORTED"
    assert code not in set(own.sandbox.truth.entities("product_row")["ownerType"])
