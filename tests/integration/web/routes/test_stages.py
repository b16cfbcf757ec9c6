"""Pipelines and the flags of their stages, over the service, with a sandbox portal behind it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tests.support.servers.live_service import Live, live
from tests.support.servers.web_service import BEARER


@pytest.fixture
def running(database_url: str, tmp_path: Path) -> Iterator[Live]:
    with live(database_url, tmp_path) as everything:
        everything.connect()
        sync(everything)
        yield everything


def sync(running: Live) -> None:
    answer = running.client.post("/bitrix24/sync-pipelines?account=acme", headers=BEARER)
    assert answer.status_code == 200, answer.text


def pipelines(running: Live) -> dict[str, Any]:
    answer = running.client.get("/bitrix24/pipelines?account=acme", headers=BEARER)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def stage(running: Live, status: str, kind: str = "deals") -> dict[str, Any]:
    every = [item for pipeline in pipelines(running)[kind] for item in pipeline["stages"]]
    found: dict[str, Any] = next(item for item in every if item["statusId"] == status)
    return found


def patch(running: Live, number: str, **flags: Any) -> tuple[int, dict[str, Any]]:
    answer = running.client.patch(f"/bitrix24/pipeline-stages/{number}", json=flags, headers=BEARER)
    return answer.status_code, answer.json()


def test_pipelines_are_told_in_the_portals_order(running: Live) -> None:
    """Leads have the one pipeline 0; every pipeline of deals has its stages by sort, won and lost flagged."""
    answer = pipelines(running)
    assert [pipeline["categoryId"] for pipeline in answer["leads"]] == [0]
    assert {pipeline["categoryId"] for pipeline in answer["deals"]} == {
        int(number) for number in running.sandbox.truth.entities("deal")["CATEGORY_ID"]
    } | {0}
    for pipeline in [*answer["leads"], *answer["deals"]]:
        sorts = [stage["statusSort"] for stage in pipeline["stages"]]
        assert sorts == sorted(sorts)
        for stage in pipeline["stages"]:
            assert stage["isSuccessStage"] == (stage["statusSemantics"] == "success")
            assert stage["isFailStage"] == (stage["statusSemantics"] == "failure")
            assert stage["isQualifiedStage"] is False


def test_flags_survive_whatever_happens_to_the_stage(running: Live) -> None:
    """Ten syncs, a new name, deleted and restored: what the user set stays, under the same id."""
    before = stage(running, "PREPARATION")
    status, changed = patch(running, before["id"], isQualifiedStage=True)
    assert (status, changed) == (200, before | {"isQualifiedStage": True})
    for _ in range(10):
        sync(running)
    running.sandbox.rename_stage("deal", "PREPARATION", "Renamed")
    sync(running)
    assert stage(running, "PREPARATION") == changed | {"statusName": "Renamed"}
    running.sandbox.delete_stage("deal", "PREPARATION")
    sync(running)
    assert patch(running, before["id"], isFailStage=True)[0] == 404
    running.sandbox.add_stage("deal", "PREPARATION", "Restored", sort=before["statusSort"])
    sync(running)
    restored = stage(running, "PREPARATION")
    assert (restored["id"], restored["statusName"]) == (before["id"], "Restored")
    assert restored["isQualifiedStage"] is True


def test_what_makes_no_sense_is_refused(running: Live) -> None:
    """No such stage, one both won and lost, a flag that there is not: and nothing is changed."""
    won = next(stage for stage in pipelines(running)["deals"][0]["stages"] if stage["isSuccessStage"])
    assert (patch(running, str(uuid4()), isFailStage=True)[0], patch(running, "none")[0]) == (404, 422)
    status, answer = patch(running, won["id"], isFailStage=True)
    assert (status, answer["error"]) == (400, "flags_contradict")
    assert patch(running, won["id"], isWon=True)[0] == 422
    assert stage(running, won["statusId"]) == won
    assert patch(running, won["id"], isFailStage=True, isSuccessStage=False)[0] == 200


def test_a_stage_of_another_account_is_not_seen(running: Live) -> None:
    """404, as if it were not there."""
    other = running.runtime.portals.add_webhook(
        "globex", "globex.bitrix24.com", "https://globex.bitrix24.com/rest/1/abcdefgh12345678/", **OTHER
    )
    assert other
    mine = stage(running, "NEW")
    answer = running.client.patch(
        f"/bitrix24/pipeline-stages/{mine['id']}?account=globex", json={"isFailStage": True}, headers=BEARER
    )
    assert (answer.status_code, answer.json()["error"]) == (404, "unknown_stage")
    empty = running.client.get("/bitrix24/pipelines?account=globex", headers=BEARER).json()
    assert empty == {"leads": [], "deals": []}
    assert stage(running, "NEW") == mine


OTHER: dict[str, Any] = {"entity_type": "both", "plan": "standard", "user_id": 1, "time_zone": "UTC"}
