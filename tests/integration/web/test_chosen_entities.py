"""Entities are chosen by the management calls, with everything behind the service."""

from __future__ import annotations

from pathlib import Path

from b24_pipeline.sync.run import SyncRequest, sync_portals
from tests.support.installation import fetch
from tests.support.servers.live_service import Live, live
from tests.support.servers.web_service import BEARER


def sync(running: Live) -> None:
    """One sync by the loader's role."""
    runtime = running.runtime
    outcomes = sync_portals(runtime.connections, runtime.portals.named(), SyncRequest(), runtime.options())
    assert [str(outcome.error) for outcome in outcomes if outcome.error] == []


def test_entities_are_chosen_and_left(database_url: str, tmp_path: Path) -> None:
    """As the portal has them; what is chosen sends its events, what is left is not proved any more."""
    with live(database_url, tmp_path, smart_types=2, smart_items=7, invoices=4) as running:
        running.connect()
        client, warehouse = running.client, running.runtime.warehouse
        smart, other = (f"item_{number}" for number in running.sandbox.truth.types()["entity_type_id"])

        def read(verb: str, path: str) -> dict[str, dict[str, object]]:
            answer = client.request(verb, f"/bitrix24/{path}", headers=BEARER)
            assert answer.status_code == 200, answer.text
            return {one["entityType"]: one for one in answer.json()["entities"]}

        assert [*read("GET", "entities")] == ["quote", "invoice"]
        counted = read("POST", "sync-entities")
        told = {name: (one["isRead"], one["inPortal"], one["problem"]) for name, one in counted.items()}
        refused = told.pop("quote")[2]  # a portal without quotes
        assert "ENTITY_TYPE_NOT_SUPPORTED" in str(refused)
        assert told == {"invoice": (False, 4, None)} | dict.fromkeys((smart, other), (False, 7, None))
        chosen = client.patch(f"/bitrix24/entities/{smart}", json={"isRead": True}, headers=BEARER)
        assert (chosen.status_code, chosen.json()["isRead"], chosen.json()["rowsAlive"]) == (200, True, 0)
        assert [name for name, one in read("GET", "entities").items() if one["isRead"]] == [smart]
        bound = fetch(warehouse, "select bound_events from bitrix24_event_health")[0]["bound_events"]
        assert any(event.startswith("ONCRMDYNAMICITEM") for event in bound), bound
        assert client.post("/bitrix24/sync-pipelines", headers=BEARER).status_code == 200
        sync(running)
        assert read("GET", "entities")[smart]["rowsAlive"] == 7
        proved = "select 1 as is_proved from bitrix24_coverage where entity_type = %s"
        assert fetch(warehouse, proved, smart)
        left = client.patch(f"/bitrix24/entities/{smart}", json={"isRead": False}, headers=BEARER)
        assert (left.status_code, left.json()["isRead"], left.json()["rowsAlive"]) == (200, False, 7)
        assert not fetch(warehouse, proved, smart)
        noted = fetch(
            warehouse,
            "select changed_by, before is null as is_new from bitrix24_audit where what = 'entities' order by id",
        )
        assert noted == [{"changed_by": "B24_ADMIN_KEY", "is_new": is_new} for is_new in (True, False)]


def test_what_is_gone_is_marked_by_the_next_sync(database_url: str, tmp_path: Path) -> None:
    """The service asks the portal as before: it marks no rows, and its role may not."""
    with live(database_url, tmp_path, smart_types=1, smart_items=7) as running:
        running.connect()
        (number,) = running.sandbox.truth.types()["entity_type_id"]
        name = f"item_{number}"
        assert running.client.post("/bitrix24/sync-entities", headers=BEARER).status_code == 200
        path = f"/bitrix24/entities/{name}"
        assert running.client.patch(path, json={"isRead": True}, headers=BEARER).status_code == 200
        sync(running)
        running.sandbox.delete_type(int(number))
        for asked in ("sync-entities", "sync-pipelines"):
            answer = running.client.post(f"/bitrix24/{asked}", headers=BEARER)
            assert answer.status_code == 200, answer.text
        sync(running)
        found = running.client.get("/bitrix24/entities", headers=BEARER).json()["entities"]
        gone = {one["entityType"]: one for one in found}[name]
        assert (gone["deletedAt"] is not None, gone["rowsAlive"]) == (True, 0)


def test_what_the_portal_refuses_is_not_chosen(database_url: str, tmp_path: Path) -> None:
    """A problem of its own says what the portal answered and what to do."""
    with live(database_url, tmp_path) as running:
        running.connect()
        path = "/bitrix24/entities/quote"
        refused = running.client.patch(path, json={"isRead": True}, headers=BEARER)
        assert (refused.status_code, refused.json()["error"]) == (409, "entity_refused")
        assert "ENTITY_TYPE_NOT_SUPPORTED" in refused.json()["message"]
        assert "`b24 portal entities acme` tells what the portal has" in refused.json()["message"]
        assert fetch(running.runtime.warehouse, "select 1 as n from bitrix24_chosen_entities") == []


def test_no_other_entity_can_be_chosen(database_url: str, tmp_path: Path) -> None:
    """What every portal has is not to be chosen, nor what this one has not."""
    with live(database_url, tmp_path) as running:
        running.connect()
        for name in ("deal", "item_99999", "nothing"):
            for wanted in (True, False):
                path = f"/bitrix24/entities/{name}"
                refused = running.client.patch(path, json={"isRead": wanted}, headers=BEARER)
                assert (refused.status_code, refused.json()["error"]) == (404, "unknown_entity")
        assert fetch(running.runtime.warehouse, "select 1 as n from bitrix24_chosen_entities") == []
