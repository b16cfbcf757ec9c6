"""Custom fields over the service, with a sandbox portal behind it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.support.servers.live_service import Live, live
from tests.support.servers.web_service import BEARER


def fields(running: Live, owner: str) -> list[dict[str, Any]]:
    told = running.client.get(f"/bitrix24/{owner}-custom-fields?account=acme", headers=BEARER)
    assert told.status_code == 200, told.text
    assert told.json()["entityType"] == owner
    found: list[dict[str, Any]] = told.json()["fields"]
    return found


@pytest.mark.parametrize("owner", ["lead", "deal", "contact"])
def test_fields_are_listed_with_labels_and_options(owner: str, database_url: str, tmp_path: Path) -> None:
    """Only those that a condition can be about, as the portal's own catalogue describes them."""
    with live(database_url, tmp_path) as running:
        running.connect()
        assert fields(running, owner) == []
        running.client.post("/bitrix24/sync-pipelines?account=acme", headers=BEARER)
        told = {one["fieldName"]: one for one in fields(running, owner)}
        known = running.sandbox.portal.entities[owner].user_fields
        usable = [one for one in known if one.type in ("boolean", "enumeration", "string")]
        assert usable
        assert set(told) == {one.name for one in usable}
        for one in usable:
            shown = told[one.name]
            assert (shown["userTypeId"], shown["multiple"]) == (one.type, one.multiple)
            assert shown["label"] not in ("", one.name)
            assert [option["value"] for option in shown["list"]] == [option.value for option in one.options]
