"""The catalogue (docs/bitrix24-rest-more.md, section 3.2)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from b24_pipeline.sandbox import Sandbox
from tests.integration.sandbox.conftest import Caller
from tests.integration.sandbox.events.conftest import connected
from tests.integration.sandbox.records.conftest import COUNTS
from tests.support.servers.event_receiver import Receiver

SELECT = ["id", "iblockId", "name"]


def test_products_of_both_catalogues_are_the_truth(call: Caller) -> None:
    """The iblock is named in every call; ids come ascending without an order."""
    found: list[dict[str, Any]] = []
    for catalogue in call.result("catalog.catalog.list")["catalogs"]:
        rows: list[dict[str, Any]] = [{"id": 0}]
        while rows:
            given = {"iblockId": catalogue["iblockId"], ">id": rows[-1]["id"]}
            rows = call.result("catalog.product.list", filter=given, select=["*"], start=-1)["products"]
            found += rows
    assert sorted(found, key=lambda row: row["id"]) == list(call.sandbox.truth.raw("product"))
    assert {row["type"] for row in found if row["iblockId"] == 17} == {4}
    assert {type(row["property258"]) for row in found} == {dict, type(None)}


@pytest.mark.parametrize(
    "params",
    [
        {"select": SELECT},
        {"filter": {"iblockId": 15}},
        {"filter": {"iblockId": 15}, "select": ["id", "name"]},
        {"filter": {"iblockId": 15, "@id": [1, 2]}, "select": SELECT},
    ],
)
def test_products_have_obligatory_parameters(call: Caller, params: dict[str, Any]) -> None:
    """The iblock in filter and select, the id in select; and `@` is no operator."""
    status, body = call("catalog.product.list", **params)
    assert (status, body["error"]) == (400, "0")


def test_an_array_means_any_of_them(call: Caller) -> None:
    """Under the bare key or `=`; only selected fields come."""
    ids = call.sandbox.truth.entities("product").query("iblockId == 15")["id"].tolist()[:3]
    for key in ("id", "=id"):
        rows = call.result("catalog.product.list", filter={"iblockId": 15, key: ids}, select=SELECT)[
            "products"
        ]
        assert [row["id"] for row in rows] == ids
        assert set(rows[0]) == set(SELECT)


def test_prices_and_sections_are_apart(call: Caller) -> None:
    """Each price names its product, each product its section."""
    prices = call.result("catalog.price.list", filter={"catalogGroupId": 1})["prices"]
    products = call.sandbox.truth.entities("product")
    assert {price["productId"] for price in prices} <= set(products["id"])
    assert call("catalog.price.list")[1]["total"] == len(products)
    sections = {one["id"] for one in call.result("catalog.section.list", filter={"iblockId": 15})["sections"]}
    assert set(products["iblockSectionId"].dropna()) <= sections
    assert call.result("catalog.priceType.list")["priceTypes"][0]["base"] == "Y"


def test_changes_are_found_by_their_time(own: Caller) -> None:
    """`timestampX` of products and prices."""
    since = own("profile")[1]["time"]["date_start"]
    report = own.sandbox.change(60, seed=5, kinds=("edit", "add"))
    found = set()
    for iblock in (15, 17):
        given = {"iblockId": iblock, ">=timestampX": since}
        found |= {
            row["id"] for row in own.result("catalog.product.list", filter=given, select=SELECT)["products"]
        }
    assert found == report.changed["product"] | report.added["product"]
    prices = own.result("catalog.price.list", filter={">=timestampX": since})["prices"]
    assert {price["id"] for price in prices} == report.changed["price"]


def test_catalogues_and_sections_are_for_administrators(start: Callable[..., Sandbox]) -> None:
    """Refused by a number as code; products and prices are not; the scope is `catalog`."""
    call = Caller(start(admin=False, **COUNTS))
    for method in ("catalog.catalog.list", "catalog.section.list"):
        assert call(method)[1]["error"] == "200040300010"
    assert call("catalog.price.list")[0] == 200
    status, body = Caller(start(scope=("crm",)))("catalog.price.list")
    assert (status, body["error"]) == (403, "insufficient_scope")


def test_products_and_prices_raise_events(start: Callable[..., Sandbox], receiver: Receiver) -> None:
    """Named with dots; a product tells its type."""
    sandbox = start(leads=10, deals=10, **COUNTS)
    connected(
        sandbox, receiver, "CATALOG.PRODUCT.ON.ADD", "CATALOG.PRODUCT.ON.DELETE", "CATALOG.PRICE.ON.UPDATE"
    )
    product = sandbox.add("product", {"name": "x", "type": 7})
    price = int(sandbox.truth.entities("price")["id"].iloc[0])
    sandbox.update("price", price, {"price": "12.50"})
    sandbox.delete("product", product)
    sandbox.wait_for_events()
    assert [
        (one["event"], one["data[FIELDS][ID]"], one.get("data[FIELDS][TYPE]")) for one in receiver.events
    ] == [
        ("CATALOG.PRODUCT.ON.ADD", str(product), "7"),
        ("CATALOG.PRICE.ON.UPDATE", str(price), None),
        ("CATALOG.PRODUCT.ON.DELETE", str(product), "7"),
    ]
