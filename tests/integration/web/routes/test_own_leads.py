"""Own leads matched over the service, with a sandbox portal behind it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from b24_pipeline.errors import PortalUnreachable, SyncBusy
from tests.integration.web.routes.conftest import Managed
from tests.support.installation import execute
from tests.support.servers.live_service import Live, live
from tests.support.servers.web_service import BEARER


@pytest.fixture
def running(database_url: str, tmp_path: Path) -> Iterator[Live]:
    with live(database_url, tmp_path) as everything:
        everything.connect()
        yield everything


def call(running: Live, **more: Any) -> tuple[int, dict[str, Any]]:
    answer = running.client.post("/bitrix24/sync-leads?account=acme", headers=BEARER, **more)
    return answer.status_code, answer.json()


def test_own_leads_are_matched(running: Live) -> None:
    """What was done is counted; once more there is nothing to do."""
    running.sandbox.add("contact", {"NAME": "A", "PHONE": [{"VALUE": "8 (921) 555-00-01"}]})
    execute(
        running.runtime.warehouse,
        "insert into leads (user_account_id, phone) select id, unnest(array['+79215550001', '+79215550002'])"
        " from user_accounts",
    )
    nothing = {"success": True, "linked": 0, "updated": 0, "errors": 0}
    assert call(running) == (200, nothing | {"linked": 1})
    assert call(running, json={"entityType": "both"}) == (200, nothing)
    assert call(running, json={}) == (200, nothing)


def test_what_makes_no_sense_is_refused(running: Live) -> None:
    """No such type, a key that there is not, deals of a portal whose leads alone are counted."""
    for body in ({"entityType": "company"}, {"entity": "deal"}):
        status, answer = call(running, json=body)
        assert (status, answer["error"]) == (422, "invalid")
    execute(running.runtime.warehouse, "update user_accounts set bitrix24_entity_type = 'lead'")
    status, answer = call(running, json={"entityType": "deal"})
    assert (status, answer["error"]) == (400, "entity_type_not_counted")


def test_who_may_not_ask_is_refused(managed: Managed) -> None:
    """No key, and a portal that there is not."""
    assert managed.client.post("/bitrix24/sync-leads").status_code == 401
    answer = managed.client.post("/bitrix24/sync-leads?account=globex", headers=BEARER)
    assert (answer.status_code, answer.json()["error"]) == (404, "unknown_portal")
    managed.add("globex")
    assert managed.client.post("/bitrix24/sync-leads", headers=BEARER).status_code == 400
    assert managed.asked.calls == []


@pytest.mark.parametrize(
    ("error", "status"), [(SyncBusy("acme", "is busy"), 409), (PortalUnreachable("acme", "is away"), 503)]
)
def test_what_goes_wrong_is_told(managed: Managed, error: Exception, status: int) -> None:
    """By status, code and one line."""
    managed.asked.raises = error
    answer = managed.client.post("/bitrix24/sync-leads", headers=BEARER)
    assert (answer.status_code, answer.json()["message"]) == (status, str(error))
