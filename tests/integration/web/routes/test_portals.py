"""Management calls: what they answer, whom they refuse, and how errors look."""

from __future__ import annotations

import httpx
import pytest

from b24_pipeline.errors import CredentialRefused, DatabaseUnavailable, PortalUnreachable, SyncBusy
from b24_pipeline.web.assembly import Parts, assemble
from tests.integration.web.conftest import Service, nobody
from tests.support.servers.web_service import BEARER, KEY, STAGE, ScriptedPortals, portal, served

CALLS = [
    ("GET", "/bitrix24/status", None),
    ("DELETE", "/bitrix24/disconnect", None),
    ("POST", "/bitrix24/entity-type", {"entityType": "lead"}),
    ("POST", "/bitrix24/sync-pipelines", None),
    ("GET", "/bitrix24/pipelines", None),
    *(("GET", f"/bitrix24/{owner}-custom-fields", None) for owner in ("lead", "deal", "contact")),
    ("GET", "/bitrix24/qualification-fields", None),
    ("PATCH", "/bitrix24/qualification-fields", {"fields": []}),
    ("PATCH", f"/bitrix24/pipeline-stages/{STAGE.id}", {"isQualifiedStage": True}),
]


def call(
    service: Service, verb: str, path: str, body: object = None, **headers: str
) -> tuple[int, dict[str, object]]:
    answer = service.client.request(verb, path, json=body, headers=BEARER | headers)
    return answer.status_code, answer.json()


def test_status_tells_where_the_portal_stands(service: Service) -> None:
    """The contract's fields, times in UTC, and no token."""
    status, told = call(service, "GET", "/bitrix24/status")
    assert status == 200
    assert told == {
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


def test_status_of_no_portal_is_not_connected(service: Service) -> None:
    """Nothing is connected: no error, and everything null."""
    service.portals.portals.clear()
    status, told = call(service, "GET", "/bitrix24/status")
    assert status == 200
    assert told.pop("connected") is False
    assert set(told.values()) == {None}


def test_status_says_why_a_portal_is_not_connected(service: Service) -> None:
    """A portal that wants a person says so."""
    service.portals.portals[0] = portal(
        status="reauthorization_required", status_reason="invalid_grant twice"
    )
    _, told = call(service, "GET", "/bitrix24/status?account=acme")
    assert (told["connected"], told["status"]) == (False, "reauthorization_required")
    assert told["reason"] == "invalid_grant twice"


def test_calls_reach_the_portal(service: Service) -> None:
    """Disconnect, the funnel's entity type and the pipelines of the only portal."""
    assert call(service, "POST", "/bitrix24/entity-type", {"entityType": "lead"}) == (
        200,
        {"success": True, "entityType": "lead"},
    )
    assert call(service, "POST", "/bitrix24/sync-pipelines") == (
        200,
        {"success": True, "count": 14, "entityType": "both"},
    )
    assert call(service, "DELETE", "/bitrix24/disconnect") == (200, {"success": True, "account": "acme"})
    assert service.portals.calls == [
        ("count_funnel_of", "acme", "lead"),
        ("sync_pipelines", "acme"),
        ("disconnect", "acme"),
    ]


@pytest.mark.parametrize(("verb", "path", "body"), CALLS)
@pytest.mark.parametrize(
    "header", [None, "", "Bearer", "Bearer wrong", f"Basic {KEY}", f"Bearer {KEY}x", "Bearer \xff"]
)
def test_calls_need_the_key(service: Service, verb: str, path: str, body: object, header: str | None) -> None:
    """Without the right key 401, and nothing is done."""
    headers = {} if header is None else {"Authorization": header.encode("latin-1")}
    answer = service.client.request(verb, path, json=body, headers=headers)
    assert (answer.status_code, answer.json()["error"]) == (401, "key_refused")
    assert answer.headers["www-authenticate"] == "Bearer"
    assert service.portals.calls == []


def test_without_a_key_set_nobody_gets_in(portals: ScriptedPortals) -> None:
    """An installation without B24_ADMIN_KEY has closed management calls, not open ones."""
    with served(assemble(Parts("http://127.0.0.1", portals, nobody(), lambda: None))) as address:
        for given in ({}, {"Authorization": "Bearer"}, {"Authorization": "Bearer None"}):
            assert httpx.get(f"{address}/bitrix24/status", headers=given).status_code == 401


@pytest.mark.parametrize(("verb", "path", "body"), CALLS)
def test_which_portal_must_be_clear(service: Service, verb: str, path: str, body: object) -> None:
    """Unknown 404, several without a name 400, a name chooses; a disconnected one is not in the way."""
    status, told = call(service, verb, f"{path}?account=nobody", body)
    assert (status, told["error"]) == (404, "unknown_portal")
    service.portals.portals.append(portal("beta"))
    status, told = call(service, verb, path, body)
    assert (status, told["error"]) == (400, "account_needed")
    assert call(service, verb, f"{path}?account=beta", body)[0] == 200
    service.portals.portals[1] = portal("beta", status="disconnected")
    assert call(service, verb, path, body)[0] == 200


def test_nothing_to_manage_is_404(service: Service) -> None:
    """Without any portal there is nothing to disconnect."""
    service.portals.portals.clear()
    assert call(service, "DELETE", "/bitrix24/disconnect")[0] == 404


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
    service: Service, error: Exception, status: int, code: str
) -> None:
    """What a person has to mend is 409, what passes by itself is 503."""
    service.portals.raises = error
    told, problem = call(service, "POST", "/bitrix24/sync-pipelines")
    assert (told, problem["error"]) == (status, code)
    assert "db.internal" not in str(problem["message"])


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b'{"entityType": "quote"}', b'{"entityType": 7}', b'{"entityType": null}', b"\xff"],
)
def test_a_wrong_body_is_422(service: Service, body: bytes) -> None:
    """The message says where and what was expected, not what was sent."""
    headers = BEARER | {"Content-Type": "application/json"}
    answer = service.client.post("/bitrix24/entity-type", content=body, headers=headers)
    assert answer.status_code in (400, 422)
    assert set(answer.json()) == {"error", "message"}
    assert "quote" not in answer.json()["message"].replace("'both'", "")
    assert service.portals.calls == []


def test_wrong_ways_in_are_told_apart(service: Service) -> None:
    """404 for what is not there, 405 with Allow for another method; both as JSON."""
    missing = service.client.get("/bitrix24/nothing")
    assert (missing.status_code, missing.json()["error"]) == (404, "not_found")
    wrong = service.client.put("/bitrix24/status")
    assert (wrong.status_code, wrong.json()["error"]) == (405, "method_not_allowed")
    assert "GET" in wrong.headers["allow"]


def test_the_interface_describes_itself(service: Service) -> None:
    """/docs lists each call without a script; /openapi.json has the key's scheme and typed answers."""
    page = service.client.get("/docs")
    assert page.status_code == 200
    assert "<script" not in page.text
    schema = service.client.get("/openapi.json").json()
    for _verb, path, _body in CALLS:
        described = path.replace(str(STAGE.id), "{stage}")
        assert described in page.text
        assert described in schema["paths"]
    status = schema["paths"]["/bitrix24/status"]["get"]
    assert status["security"] == [{"HTTPBearer": []}]
    assert status["responses"]["200"]["content"]["application/json"]["schema"]["$ref"].endswith("/Status")
