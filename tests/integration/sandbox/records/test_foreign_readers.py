"""Clients that we did not write read further entities completely and correctly."""

from __future__ import annotations

from typing import Any

import pytest
from fast_bitrix24 import Bitrix

from b24_pipeline.sandbox import Sandbox
from tests.integration.sandbox.conftest import Caller, sdk_of

DERIVED = {"subStatus", "group", "creator", "responsible"}


@pytest.fixture
def sdk(record_portal: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Any:
    return sdk_of(record_portal, monkeypatch)


@pytest.mark.parametrize(
    ("method", "entity_type", "params"),
    [
        ("crm.activity.list", "activity", {"select": ["*"], "filter": {">ID": 0}}),
        ("voximplant.statistic.get", "call", {"FILTER": {">ID": 0}}),
        ("crm.item.list", "smart_invoice", {"entityTypeId": 31, "select": ["*"], "useOriginalUfNames": "Y"}),
        ("crm.item.list", "quote", {"entityTypeId": 7, "select": ["*"], "useOriginalUfNames": "Y"}),
        ("tasks.task.list", "task", {"select": ["*", "UF_CRM_TASK"], "filter": {">ID": 0}}),
        ("crm.requisite.list", "requisite", {"filter": {">ID": 0}, "select": ["*"]}),
    ],
)
def test_fast_bitrix24_reads_everything(
    record_portal: Sandbox, method: str, entity_type: str, params: dict[str, Any]
) -> None:
    """`get_all` by offset pages in batches gives every row with every field."""
    rows = Bitrix(record_portal.webhook_url, verbose=False).get_all(method, params)
    told = [{name: row[name] for name in row if name not in DERIVED | {"entityTypeId"}} for row in rows]
    key = "ID" if "ID" in told[0] else "id"
    expected = list(record_portal.truth.raw(entity_type))
    assert sorted(told, key=lambda row: int(row[key])) == expected


def test_fast_bitrix24_reads_a_smart_process_and_its_history(call: Caller, record_portal: Sandbox) -> None:
    """By the type's own number."""
    client = Bitrix(record_portal.webhook_url, verbose=False)
    number = call.result("crm.type.list")["types"][0]["entityTypeId"]
    items = client.get_all("crm.item.list", {"entityTypeId": number, "select": ["id"]})
    assert {row["id"] for row in items} == set(record_portal.truth.entities(f"dynamic_{number}")["id"])
    moves = client.get_all("crm.stagehistory.list", {"entityTypeId": number})
    truth = record_portal.truth.history(f"dynamic_{number}")
    assert {int(row["ID"]) for row in moves} == set(truth["history_id"])


def test_b24pysdk_chains_activities_and_items(record_portal: Sandbox, sdk: Any) -> None:
    """`as_list_fast` goes through `$result` references; items tell neither `total` nor `next` then."""
    activities = sdk.crm.activity.list(select=["ID", "SUBJECT"]).as_list_fast().result
    assert [int(row["ID"]) for row in activities] == record_portal.truth.entities("activity")["ID"].tolist()
    invoices = sdk.crm.item.list(entity_type_id=31, select=["id"]).as_list_fast().result
    assert [row["id"] for row in invoices] == record_portal.truth.entities("smart_invoice")["id"].tolist()
