"""The authorization server: consent, codes and refresh tokens."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest

from b24_pipeline.sandbox import Fault, Sandbox
from tests.integration.sandbox.conftest import HTTP, App

Start = Callable[..., Sandbox]


def test_consent_leads_back_with_a_code(start: Start) -> None:
    """The page asks in the browser's language; its button redirects as docs/bitrix24-rest.md, section 2.1 says."""
    sandbox = start(redirect_uri="http://app.example/back?x=1")
    page = App(sandbox).consent(state="a&b<")
    assert "a&amp;b&lt;" in page.text
    assert ">Allow</button>" in page.text
    russian = HTTP.get(str(page.url), headers={"Accept-Language": "ru-RU,ru"})
    assert ">Разрешить</button>" in russian.text
    assert "<li>CRM: leads, deals, contacts, companies</li>" in page.text
    assert sandbox.url.removeprefix("http://") in page.text
    assert "width=device-width" in page.text
    assert "<h1>Access to the portal</h1>" in App(sandbox).consent(confirm="N").text
    redirect = App(sandbox).consent(state="a&b<", confirm="Y")
    assert redirect.status_code == 302
    target = urlsplit(redirect.headers["location"])
    query = dict(parse_qsl(target.query))
    assert (target.netloc, target.path, query.pop("x")) == ("app.example", "/back", "1")
    assert len(query.pop("code")) == 70
    host = sandbox.url.removeprefix("http://")
    assert query == {
        "state": "a&b<",
        "domain": host,
        "member_id": sandbox.member_id,
        "scope": "crm,user,department",
        "server_domain": host,
    }


def test_the_way_back_is_the_one_on_the_card(start: Start) -> None:
    """A `redirect_uri` in the link or beside the code changes nothing, as in Bitrix24 (section 2.1)."""
    app = App(start(redirect_uri="http://app.example/back"))
    elsewhere = "http://elsewhere.example/back"
    assert "elsewhere" not in app.consent(redirect_uri=elsewhere).text
    target = app.consent(redirect_uri=elsewhere, confirm="Y").headers["location"]
    assert target.startswith("http://app.example/back?code=")
    code = dict(parse_qsl(urlsplit(target).query))["code"]
    answer = app.token(grant_type="authorization_code", code=code, redirect_uri=elsewhere)
    assert (answer.status_code, "access_token" in answer.json()) == (200, True)


def test_a_refusal_is_a_page_of_the_portal(start: Start) -> None:
    """Denied, unknown or removed: no redirect, no error parameters."""
    sandbox = start()
    app = App(sandbox)
    assert app.consent(confirm="N").status_code == 200
    assert app.consent(client_id="local.other", confirm="Y").status_code == 404
    sandbox.uninstall_app()
    assert app.consent(confirm="Y").status_code == 404


def test_a_code_is_exchanged_once(start: Start) -> None:
    """The answer has every field of docs/bitrix24-rest.md, section 2.2; the second exchange is refused."""
    sandbox = start()
    app = App(sandbox)
    code = app.code()
    answer = app.token(grant_type="authorization_code", code=code).json()
    host = sandbox.url.removeprefix("http://")
    assert answer["expires"] == pytest.approx(time.time() + 3600, abs=5)
    assert {name: answer[name] for name in answer.keys() - {"access_token", "refresh_token", "expires"}} == {
        "expires_in": 3600,
        "client_endpoint": f"{sandbox.url}/rest/",
        "server_endpoint": f"{sandbox.url}/rest/",
        "domain": host,
        "member_id": sandbox.member_id,
        "user_id": 1,
        "scope": "crm,user,department",
        "status": "L",
    }
    again = app.token(grant_type="authorization_code", code=code)
    assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")
    assert sandbox.token_outcomes == {"authorization_code": 1, "invalid_grant": 1}


def test_a_code_does_not_last(start: Start) -> None:
    """After `code_seconds` it is refused."""
    app = App(start(code_seconds=0.05))
    code = app.code()
    time.sleep(0.1)
    assert app.token(grant_type="authorization_code", code=code).json()["error"] == "invalid_grant"


@pytest.mark.parametrize(
    ("params", "status", "error"),
    [
        ({"grant_type": ""}, 400, "invalid_request"),
        ({"grant_type": "password"}, 400, "invalid_request"),
        ({"client_id": "local.other"}, 200, "wrong_client"),
        ({"client_id": ""}, 400, "invalid_request"),
        ({"client_secret": "wrong"}, 400, "invalid_client"),
        ({"refresh_token": ""}, 400, "invalid_request"),
        ({"refresh_token": "unknown"}, 400, "invalid_grant"),
    ],
)
def test_the_token_endpoint_refuses(portal: Sandbox, params: dict[str, str], status: int, error: str) -> None:
    """Codes and statuses of docs/bitrix24-rest.md, section 2.3."""
    answer = App(portal).token(**{"grant_type": "refresh_token", "refresh_token": "x"} | params)
    assert (answer.status_code, answer.json()["error"]) == (status, error)


def test_a_refresh_token_works_once(start: Start) -> None:
    """A refresh makes a new pair; the old refresh token is invalid_grant, the old access token expired."""
    app = App(start())
    old = app.tokens()
    new = app.refresh(old["refresh_token"]).json()
    assert {old["access_token"], old["refresh_token"]}.isdisjoint({new["access_token"], new["refresh_token"]})
    assert app.refresh(old["refresh_token"]).json()["error"] == "invalid_grant"
    assert app.call(old["access_token"], "profile")[1]["error"] == "expired_token"
    assert app.call(new["access_token"], "profile")[0] == 200


def test_refresh_tokens_may_survive(start: Start) -> None:
    """The other reading of docs/bitrix24-rest.md, section 2.2."""
    app = App(start(refresh_is_single_use=False))
    old = app.tokens()
    assert app.refresh(old["refresh_token"]).status_code == 200
    assert app.refresh(old["refresh_token"]).status_code == 200
    assert app.call(old["access_token"], "profile")[0] == 200


def test_a_lost_answer_has_used_up_the_token(start: Start) -> None:
    """The connection is cut after the rotation: the old refresh token is gone."""
    sandbox = start()
    app = App(sandbox)
    old = app.tokens()
    sandbox.faults.add(Fault("disconnect", method="oauth.token", times=1))
    with pytest.raises(httpx.RemoteProtocolError):
        app.refresh(old["refresh_token"])
    assert app.refresh(old["refresh_token"]).json()["error"] == "invalid_grant"


def test_of_many_refreshes_at_once_one_wins(start: Start) -> None:
    """Sixteen connections use one refresh token: one pair, fifteen refusals."""
    sandbox = start()
    app = App(sandbox)
    token = app.tokens()["refresh_token"]
    with ThreadPoolExecutor(16) as pool:
        statuses = list(pool.map(lambda _: app.refresh(token).status_code, range(16)))
    assert sorted(statuses) == [200] + [400] * 15
    assert sandbox.token_outcomes == {"authorization_code": 1, "refresh_token": 1, "invalid_grant": 15}


@pytest.mark.parametrize(
    ("fault", "status", "expected"),
    [
        (Fault("error", "oauth.token", error="PAYMENT_REQUIRED", status=401), 401, "PAYMENT_REQUIRED"),
        (Fault("html", "oauth.token", status=502), 502, "Bad Gateway"),
        (Fault("redirect", "oauth.token", location="http://127.0.0.1:9/"), 302, ""),
    ],
)
def test_the_authorization_server_may_fail(start: Start, fault: Fault, status: int, expected: str) -> None:
    """Faults that name its endpoint; nothing is granted and no token is used up. Others leave it alone."""
    sandbox = start()
    app = App(sandbox)
    sandbox.faults.add(Fault("html", status=503))
    tokens = app.tokens()
    sandbox.faults.clear()
    sandbox.faults.add(fault)
    answer = app.refresh(tokens["refresh_token"])
    assert (answer.status_code, expected in answer.text) == (status, True)
    sandbox.faults.clear()
    assert app.refresh(tokens["refresh_token"]).status_code == 200
