"""Custom fields over the service, with a sandbox portal behind it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.support.servers.live_service import Live, live
from tests.support.servers.web_service import BEARER


def fields(running: Live, owner: str) -> list[dict[str, Any]]:
    answer = running.client.get(f"/bitrix24/{owner}-custom-fields?account=acme", headers=BEARER)
    assert answer.status_code == 200, answer.text
    assert answer.json()["entityType"] == owner
    found: list[dict[str, Any]] = answer.json()["fields"]
    return found


@pytest.mark.parametrize("owner", ["lead", "deal", "contact"])
def test_fields_are_listed_with_labels_and_options(owner: str, database_url: str, tmp_path: Path) -> None:
    """Only those that a condition can be about, as the portal's own catalogue describes them."""
    with live(database_url, tmp_path) as running:
        running.connect()
        assert fields(running, owner) == []
        running.client.post("/bitrix24/sync-pipelines?account=acme", headers=BEARER)
        listed = {field["fieldName"]: field for field in fields(running, owner)}
        known = running.sandbox.portal.entities[owner].user_fields
        usable = [field for field in known if field.type in ("boolean", "enumeration", "string")]
        assert usable
        assert set(listed) == {field.name for field in usable}
        for field in usable:
            shown = listed[field.name]
            assert (shown["userTypeId"], shown["multiple"]) == (field.type, field.multiple)
            assert shown["label"] not in ("", field.name)
            assert [option["value"] for option in shown["list"]] == [option.value for option in field.options]
