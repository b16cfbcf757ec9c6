"""Management calls: what they answer, whom they refuse, and how errors look."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from b24_pipeline.errors import CredentialRefused, DatabaseUnavailable, PortalUnreachable, SyncBusy
from b24_pipeline.web.assembly import assemble
from tests.integration.web.routes.conftest import Managed
from tests.support.servers.web_service import BEARER, KEY, parts_of, raw_answer, served

CALLS: list[tuple[str, str, Any]] = [
    ("GET", "/bitrix24/status", None),
    ("DELETE", "/bitrix24/disconnect", None),
    ("POST", "/bitrix24/entity-type", {"entityType": "lead"}),
    ("POST", "/bitrix24/sync-pipelines", None),
    ("POST", "/bitrix24/pause", None),
    ("GET", "/bitrix24/entities", None),
    ("POST", "/bitrix24/sync-entities", None),
    ("PATCH", "/bitrix24/entities/{entity}", {"isRead": True}),
    ("GET", "/bitrix24/pipelines", None),
    *(("GET", f"/bitrix24/{owner}-custom-fields", None) for owner in ("lead", "deal", "contact")),
    ("GET", "/bitrix24/qualification-fields", None),
    ("PATCH", "/bitrix24/qualification-fields", {"fields": []}),
    ("PATCH", "/bitrix24/pipeline-stages/{stage}", {"isQualifiedStage": True}),
]

INVITING: tuple[str, str, Any] = (
    "POST",
    "/bitrix24/invitations",
    {"account": "acme", "domain": "acme.bitrix24.com"},
)


def call(
    managed: Managed, verb: str, path: str, body: object = None, portal: str = "acme"
) -> tuple[int, dict[str, object]]:
    """A call with the key; where its path has a stage, it is the stage of this portal."""
    answer = managed.client.request(verb, filled(managed, path, portal), json=body, headers=BEARER)
    return answer.status_code, answer.json()


def filled(managed: Managed, path: str, portal: str = "acme") -> str:
    """The path with the id of the portal's stage, or with an entity."""
    return path.format(stage=managed.stage(portal), entity="invoice") if "{" in path else path


def test_status_tells_where_the_portal_stands(managed: Managed) -> None:
    """The contract's fields, times in UTC, and no token."""
    status, answer = call(managed, "GET", "/bitrix24/status")
    assert status == 200
    assert answer == {
        "connected": True,
        "account": "acme",
        "domain": "acme.bitrix24.com",
        "memberId": "0a1b2c3d4e5f60718293a4b5c6d7e8f9",
        "entityType": "both",
        "tokenExpiresAt": "2026-11-01T13:00:00Z",
        "connectedAt": "2026-11-01T12:00:00Z",
        "status": "connected",
        "reason": None,
    }


def test_a_portal_is_paused_and_resumed(managed: Managed) -> None:
    """The status says so; what is not paused is not resumed."""
    paused = {"success": True, "account": "acme", "status": "paused"}
    assert call(managed, "POST", "/bitrix24/resume")[0] == 400
    assert call(managed, "POST", "/bitrix24/pause") == (200, paused)
    assert call(managed, "GET", "/bitrix24/status")[1]["status"] == "paused"
    assert call(managed, "POST", "/bitrix24/resume") == (200, paused | {"status": "connected"})


def test_status_of_no_portal_is_not_connected(managed: Managed) -> None:
    """Nothing is connected: no error, and everything null."""
    managed.remove_all()
    status, answer = call(managed, "GET", "/bitrix24/status")
    assert status == 200
    assert answer.pop("connected") is False
    assert set(answer.values()) == {None}


def test_status_says_why_a_portal_is_not_connected(managed: Managed) -> None:
    """A portal that wants a person says so."""
    managed.change("acme", status="reauthorization_required", status_reason="invalid_grant twice")
    _, answer = call(managed, "GET", "/bitrix24/status?account=acme")
    assert (answer["connected"], answer["status"]) == (False, "reauthorization_required")
    assert answer["reason"] == "invalid_grant twice"


def test_calls_reach_the_portal(managed: Managed) -> None:
    """Disconnect, the funnel's entity type and the pipelines of the only portal."""
    assert call(managed, "POST", "/bitrix24/entity-type", {"entityType": "lead"}) == (
        200,
        {"success": True, "entityType": "lead"},
    )
    assert call(managed, "POST", "/bitrix24/sync-pipelines") == (
        200,
        {"success": True, "count": 14, "entityType": "both"},
    )
    assert call(managed, "DELETE", "/bitrix24/disconnect") == (200, {"success": True, "account": "acme"})
    assert managed.asked.calls == [
        ("set_entity_type", "acme", "lead"),
        ("sync_pipelines", "acme"),
        ("disconnect", "acme"),
    ]


@pytest.mark.parametrize(("verb", "path", "body"), [*CALLS, INVITING])
@pytest.mark.parametrize(
    "header", [None, "", "Bearer", "Bearer wrong", f"Basic {KEY}", f"Bearer {KEY}x", "Bearer \xff"]
)
def test_calls_need_the_key(managed: Managed, verb: str, path: str, body: object, header: str | None) -> None:
    """Without the right key 401, and nothing is done."""
    headers: dict[bytes, bytes] = {} if header is None else {b"Authorization": header.encode("latin-1")}
    before = managed.stored()
    answer = managed.client.request(verb, filled(managed, path), json=body, headers=headers)
    assert (answer.status_code, answer.json()["error"]) == (401, "key_refused")
    assert answer.headers["www-authenticate"] == "Bearer"
    assert (managed.asked.calls, managed.stored()) == ([], before)


def test_an_invitation_is_a_link(managed: Managed) -> None:
    """What is to be connected is named by the operator, and the answer is the link alone."""
    _, path, body = INVITING
    status, answer = call(managed, "POST", path, body)
    assert (status, list(answer)) == (200, ["link"])
    assert managed.asked.calls == [("invite", "acme", "acme.bitrix24.com", None)]


@pytest.mark.parametrize(
    ("verb", "path"), [(verb, path) for verb, path, body in [*CALLS, INVITING] if body is not None]
)
def test_the_key_is_asked_for_before_the_body_is_read(managed: Managed, verb: str, path: str) -> None:
    """What is no JSON is 401 too; and nobody waits for a body that a stranger has announced and does not send."""
    stage = "00000000-0000-0000-0000-000000000000"
    filled_path = path.format(stage=stage, entity="invoice")
    refused = managed.client.request(
        verb, filled_path, content=b"{", headers={"Content-Type": "application/json"}
    )
    assert (refused.status_code, refused.json()["error"]) == (401, "key_refused")
    head = f"{verb} {filled_path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
    unsent = head + "Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n"
    answer = raw_answer(str(managed.client.base_url).rstrip("/"), unsent.encode(), patience=5)
    assert answer.split(b" ")[1] == b"401"


def test_without_a_key_set_nobody_gets_in() -> None:
    """An installation without B24_ADMIN_KEY has closed management calls, not open ones."""
    with served(assemble(parts_of())) as address:
        for given in ({}, {"Authorization": "Bearer"}, {"Authorization": "Bearer None"}):
            assert httpx.get(f"{address}/bitrix24/status", headers=given).status_code == 401


@pytest.mark.parametrize(("verb", "path", "body"), CALLS)
def test_which_portal_must_be_clear(managed: Managed, verb: str, path: str, body: object) -> None:
    """Unknown 404, several without a name 400, a name chooses; a disconnected one is not in the way."""
    status, answer = call(managed, verb, f"{path}?account=nobody", body)
    assert (status, answer["error"]) == (404, "unknown_portal")
    managed.add("beta")
    status, answer = call(managed, verb, path, body)
    assert (status, answer["error"]) == (400, "account_needed")
    assert call(managed, verb, f"{path}?account=beta", body, "beta")[0] == 200
    managed.change("beta", status="disconnected")
    assert call(managed, verb, path, body)[0] == 200


def test_nothing_to_manage_is_404(managed: Managed) -> None:
    """Without any portal there is nothing to disconnect."""
    managed.remove_all()
    assert call(managed, "DELETE", "/bitrix24/disconnect")[0] == 404


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (CredentialRefused("acme", "crm.category.list", "X", "", 401), 409, "credential_refused"),
        (SyncBusy("acme", "another process syncs it"), 409, "sync_busy"),
        (PortalUnreachable("acme", "no answer"), 503, "portal_unreachable"),
        (DatabaseUnavailable("the database at db.internal refused"), 503, "database_unavailable"),
    ],
)
def test_failures_have_a_status_and_a_code(
    managed: Managed, error: Exception, status: int, code: str
) -> None:
    """What a person has to mend is 409, what passes by itself is 503."""
    managed.asked.raises = error
    answer_status, problem = call(managed, "POST", "/bitrix24/sync-pipelines")
    assert (answer_status, problem["error"]) == (status, code)
    assert "db.internal" not in str(problem["message"])


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b'{"entityType": "quote"}', b'{"entityType": 7}', b'{"entityType": null}', b"\xff"],
)
def test_a_wrong_body_is_422(managed: Managed, body: bytes) -> None:
    """The message says where and what was expected, not what was sent."""
    headers = BEARER | {"Content-Type": "application/json"}
    answer = managed.client.post("/bitrix24/entity-type", content=body, headers=headers)
    assert answer.status_code in (400, 422)
    assert set(answer.json()) == {"error", "message"}
    assert "quote" not in answer.json()["message"].replace("'both'", "")
    assert managed.asked.calls == []


def test_wrong_ways_in_are_told_apart(managed: Managed) -> None:
    """404 for what is not there, 405 with Allow for another method; both as JSON."""
    missing = managed.client.get("/bitrix24/nothing")
    assert (missing.status_code, missing.json()["error"]) == (404, "not_found")
    wrong = managed.client.put("/bitrix24/status")
    assert (wrong.status_code, wrong.json()["error"]) == (405, "method_not_allowed")
    assert "GET" in wrong.headers["allow"]


def test_the_interface_describes_itself(managed: Managed) -> None:
    """/docs lists each call without a script; /openapi.json has the key's scheme and typed answers."""
    page = managed.client.get("/docs")
    assert page.status_code == 200
    assert "<script" not in page.text
    schema = managed.client.get("/openapi.json").json()
    for _verb, path, _body in CALLS:
        assert path in page.text
        assert path in schema["paths"]
    status = schema["paths"]["/bitrix24/status"]["get"]
    assert status["security"] == [{"HTTPBearer": []}]
    assert status["responses"]["200"]["content"]["application/json"]["schema"]["$ref"].endswith("/Status")
