"""The audit: each change of what a person decides is noted with who made it, whatever way it came."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from b24_pipeline.store.access.keys import AccessKeys
from b24_pipeline.store.database.acting import acting
from b24_pipeline.store.database.vault import Vault
from b24_pipeline.store.portals.portals import Portals
from tests.integration.web.routes.conftest import Managed
from tests.support.installation import KEY as SECRET_KEY
from tests.support.installation import execute, fetch
from tests.support.servers.live_service import live
from tests.support.servers.web_service import BEARER


@pytest.fixture
def anna(managed: Managed) -> Iterator[dict[str, str]]:
    """The header of a manager's key; nothing is noted yet."""
    execute(managed.warehouse, "delete from bitrix24_access_keys")
    key = AccessKeys(managed.warehouse).add("Anna", "manager")
    execute(managed.warehouse, "delete from bitrix24_audit")
    yield {"Authorization": f"Bearer {key}"}


def audit(managed: Managed, headers: dict[str, str] = BEARER, **parameters: Any) -> list[dict[str, Any]]:
    """What the call answers, without numbers and times."""
    answer = managed.client.get("/bitrix24/audit", headers=headers, params=parameters)
    assert answer.status_code == 200, answer.text
    changes: list[dict[str, Any]] = answer.json()["changes"]
    return [{name: part for name, part in one.items() if name not in ("id", "changedAt")} for one in changes]


def test_a_flag_is_noted_with_who_set_it(managed: Managed, anna: dict[str, str]) -> None:
    """Before and after; a flag that is set to what it was is no change."""
    path = f"/bitrix24/pipeline-stages/{managed.stage('acme')}"
    for _ in range(2):
        assert managed.client.patch(path, headers=anna, json={"isQualifiedStage": True}).status_code == 200
    (noted,) = audit(managed)
    assert noted == {
        "changedBy": "Anna",
        "account": "acme",
        "what": "stage flags",
        "subject": "deal 0 NEW",
        "before": {"qualified": False, "won": False, "lost": False},
        "after": {"qualified": True, "won": False, "lost": False},
    }


def test_directions_and_key_stages_are_noted(managed: Managed, anna: dict[str, str]) -> None:
    """A new direction, then its key stages, the latest first."""
    made = managed.client.post("/bitrix24/directions", headers=anna, json={"name": "Spring"}).json()
    path = f"/bitrix24/directions/{made['id']}/key-stages"
    wanted = {"entityType": "deal", "keyStages": [{"categoryId": 0, "statusId": "NEW"}]}
    assert managed.client.patch(path, headers=BEARER, json=wanted).status_code == 200
    later, first = audit(managed)
    assert (first["changedBy"], first["subject"], first["before"]) == ("Anna", "Spring", None)
    assert (later["changedBy"], later["what"]) == ("B24_ADMIN_KEY", "key stages")
    assert later["before"] == {"of": None, "stages": []}
    assert later["after"] == {"of": "deal", "stages": [{"category_id": 0, "status_id": "NEW"}]}


def test_what_is_undone_is_not_noted(managed: Managed, anna: dict[str, str]) -> None:
    """The note is part of the change's own transaction: a refused change leaves none."""
    path = f"/bitrix24/pipeline-stages/{managed.stage('acme')}"
    both = {"isSuccessStage": True, "isFailStage": True}
    assert managed.client.patch(path, headers=anna, json=both).status_code == 400
    assert audit(managed) == []


def test_portals_are_noted_without_their_secrets(managed: Managed, anna: dict[str, str]) -> None:
    """Connected, changed, disconnected, purged; tokens that are renewed are no decision of anybody."""
    portals = Portals(managed.warehouse, Vault(SECRET_KEY))
    url = "https://umbrella.bitrix24.com/rest/1/canary5up3rs3cret/"
    with acting("b24 portal by anna"):
        made = portals.add_webhook(
            "umbrella",
            "umbrella.bitrix24.com",
            url,
            entity_type="deal",
            plan="standard",
            user_id=1,
            time_zone="UTC",
        )
        portals.set_entity_type(made, "both")
    execute(
        managed.warehouse,
        "update user_accounts set bitrix24_token_expires_at = now() where name = 'umbrella'",
    )
    portals.disconnect(made)
    portals.remove("umbrella", purge=True)
    found = [(one["changedBy"], one["before"], one["after"]) for one in reversed(audit(managed))]
    assert [by for by, _, _ in found] == ["b24 portal by anna"] * 2 + ["pipeline"] * 2
    assert found[0][1] is None and found[0][2]["connected_by"] == "webhook"
    assert (found[1][1]["counted"], found[1][2]["counted"]) == ("deal", "both")
    assert (found[2][2]["status"], found[2][2]["connected_by"]) == ("disconnected", None)
    assert found[3][2] is None
    stored = fetch(
        managed.warehouse, "select string_agg(audit::text, ' ') as text from bitrix24_audit as audit"
    )
    assert "canary" not in stored[0]["text"]


def test_keys_are_noted(managed: Managed, anna: dict[str, str]) -> None:
    """Who may do what since when, and that it ended; that a key was used is no change."""
    acme = Portals(managed.warehouse, Vault(SECRET_KEY)).one("acme")
    keys = AccessKeys(managed.warehouse)
    key = keys.add("agency", "viewer", [acme])
    keys.holder(key)
    keys.revoke("agency")
    revoked, made = audit(managed)
    assert (made["what"], made["subject"], made["before"]) == ("key", "agency", None)
    assert made["after"] == revoked["before"] == {"role": "viewer", "portals": ["acme"]}
    assert revoked["after"] is None


def test_who_sees_some_portals_sees_their_changes_alone(managed: Managed, anna: dict[str, str]) -> None:
    """An admin of one portal sees neither another portal's changes nor those of keys; others see no audit at all."""
    managed.add("globex")
    keys, portals = AccessKeys(managed.warehouse), Portals(managed.warehouse, Vault(SECRET_KEY))
    limited = {"Authorization": f"Bearer {keys.add(str(uuid4()), 'admin', [portals.one('globex')])}"}
    for name in ("acme", "globex"):
        path = f"/bitrix24/pipeline-stages/{managed.stage(name)}"
        managed.client.patch(path, headers=BEARER, params={"account": name}, json={"isQualifiedStage": True})
    assert {one["account"] for one in audit(managed)} == {None, "acme", "globex"}
    assert {one["account"] for one in audit(managed, limited)} == {"globex"}
    assert {one["account"] for one in audit(managed, account="acme")} == {"acme"}
    refused = managed.client.get("/bitrix24/audit", headers=limited, params={"account": "acme"})
    assert refused.json()["error"] == "unknown_portal"
    assert managed.client.get("/bitrix24/audit", headers=anna).status_code == 403


def test_the_audit_is_read_page_by_page(managed: Managed, anna: dict[str, str]) -> None:
    """Each page goes on behind the lowest id of the one before."""
    for number in range(5):
        managed.client.post("/bitrix24/directions", headers=anna, json={"name": f"direction {number}"})
    seen: list[str] = []
    before: dict[str, int] = {}
    while True:
        page = managed.client.get("/bitrix24/audit", headers=BEARER, params={"most": 2} | before).json()[
            "changes"
        ]
        if not page:
            break
        seen += [one["subject"] for one in page]
        before = {"before": page[-1]["id"]}
    assert seen == [f"direction {number}" for number in reversed(range(5))]


def test_who_connects_a_portal_in_a_browser_is_noted(database_url: str, tmp_path: Path) -> None:
    """Nobody's key: whoever has the invitation."""
    with live(database_url, tmp_path) as everything:
        everything.connect()
        (noted,) = fetch(everything.runtime.warehouse, "select changed_by, what, after from bitrix24_audit")
    assert (noted["changed_by"], noted["what"]) == ("whoever was invited, in a browser", "portal")
    assert noted["after"]["connected_by"] == "oauth"
