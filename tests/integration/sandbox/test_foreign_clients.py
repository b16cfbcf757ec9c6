"""Clients that we did not write read the portal completely and correctly."""

from __future__ import annotations

from typing import Any

import pytest
from fast_bitrix24 import Bitrix

from b24_pipeline.sandbox import Sandbox
from tests.integration.sandbox.conftest import sdk_of

SELECT = ["*", "UF_*", "PHONE", "EMAIL", "WEB", "IM"]


def by_id(rows: Any) -> list[dict[str, Any]]:
    """Rows in the order of their ids."""
    return sorted(rows, key=lambda row: int(row["ID"] if "ID" in row else row["id"]))


def expected(portal: Sandbox, entity_type: str) -> list[dict[str, Any]]:
    """The portal's own rows."""
    return list(portal.truth.raw(entity_type))


@pytest.fixture
def sdk(portal: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Any:
    return sdk_of(portal, monkeypatch)


@pytest.mark.parametrize("entity_type", ["lead", "deal", "contact", "company"])
def test_fast_bitrix24_reads_everything(portal: Sandbox, entity_type: str) -> None:
    """`get_all` by offset pages in batches gives every row with every field."""
    client = Bitrix(portal.webhook_url, verbose=False)
    rows = client.get_all(f"crm.{entity_type}.list", {"select": SELECT, "filter": {">ID": 0}})
    assert by_id(rows) == expected(portal, entity_type)


def test_fast_bitrix24_unwraps_history_and_items(portal: Sandbox) -> None:
    """Wrapped lists are read whole."""
    client = Bitrix(portal.webhook_url, verbose=False)
    history = client.get_all("crm.stagehistory.list", {"entityTypeId": 2})
    assert {int(row["ID"]) for row in history} == set(portal.truth.history("deal")["history_id"])
    items = client.get_all("crm.item.list", {"entityTypeId": 1, "select": ["id", "title"]})
    assert {row["id"] for row in items} == set(portal.truth.entities("lead")["ID"])


def test_fast_bitrix24_gets_by_id(portal: Sandbox) -> None:
    """`get_by_ID` in batches gives each deal under its id."""
    client = Bitrix(portal.webhook_url, verbose=False)
    rows = expected(portal, "deal")[:120]
    got = client.get_by_ID("crm.deal.get", [row["ID"] for row in rows])
    assert by_id(got.values()) == rows


@pytest.mark.parametrize("entity_type", ["lead", "deal", "contact"])
def test_b24pysdk_reads_everything_by_offset(portal: Sandbox, sdk: Any, entity_type: str) -> None:
    """`as_list` gives every row with every field."""
    request = getattr(sdk.crm, entity_type).list(select=SELECT, order={"ID": "ASC"})
    assert list(request.as_list().result) == expected(portal, entity_type)


@pytest.mark.parametrize("entity_type", ["lead", "deal", "contact"])
def test_b24pysdk_reads_everything_by_chained_batches(portal: Sandbox, sdk: Any, entity_type: str) -> None:
    """`as_list_fast` goes through `$result` references and stops at the first short page."""
    request = getattr(sdk.crm, entity_type).list(select=SELECT)
    assert list(request.as_list_fast().result) == expected(portal, entity_type)


def test_b24pysdk_reads_in_descending_order(portal: Sandbox, sdk: Any) -> None:
    """The chain works downwards too."""
    request = sdk.crm.deal.list(select=["ID"])
    ids = [int(row["ID"]) for row in request.as_list_fast(descending=True).result]
    assert ids == portal.truth.entities("deal")["ID"].tolist()[::-1]


def test_b24pysdk_reads_items(portal: Sandbox, sdk: Any) -> None:
    """Items are wrapped and spell their key `id`."""
    request = sdk.crm.item.list(entity_type_id=2, select=["id", "title"])
    ids = [row["id"] for row in request.as_list_fast().result]
    assert ids == portal.truth.entities("deal")["ID"].tolist()
