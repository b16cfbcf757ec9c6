"""The authorization server, calls by access token, and a portal that moves."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest
import requests
from b24pysdk import BitrixApp, BitrixToken, Client
from b24pysdk.api.requesters import BitrixOAuthRequester
from b24pysdk.errors.oauth import BitrixOAuthInvalidGrant, BitrixOauthWrongClient

from b24_pipeline.sandbox import Fault, Limits, Sandbox
from tests.integration.sandbox.conftest import HTTP, App, Caller

Start = Callable[..., Sandbox]


def test_consent_leads_back_with_a_code(start: Start) -> None:
    """The page asks in the browser's language; its button redirects as docs/bitrix24-rest.md, section 2.1 says."""
    sandbox = start(redirect_uri="http://app.example/back?x=1")
    page = App(sandbox).consent(state="a&b<")
    assert "a&amp;b&lt;" in page.text
    assert ">Allow</button>" in page.text
    russian = HTTP.get(str(page.url), headers={"Accept-Language": "ru-RU,ru"})
    assert ">Разрешить</button>" in russian.text
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
        "scope": "crm,user",
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
        "scope": "crm,user",
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


def test_access_tokens_expire(start: Start) -> None:
    """After their time, or when the test says so."""
    sandbox = start(access_token_seconds=0.3)
    app = App(sandbox)
    tokens = app.tokens()
    assert app.call(tokens["access_token"], "profile")[0] == 200
    time.sleep(0.35)
    status, body = app.call(tokens["access_token"], "profile")
    assert (status, body["error"], "time" in body) == (401, "expired_token", False)
    fresh = app.refresh(tokens["refresh_token"]).json()
    sandbox.expire_tokens()
    assert app.call(fresh["access_token"], "profile")[1]["error"] == "expired_token"
    assert app.refresh(fresh["refresh_token"]).status_code == 200


def test_the_token_comes_in_three_ways(start: Start) -> None:
    """In the query, in the body, or as a bearer, which goes first; it is no parameter of the method."""
    sandbox = start()
    token = App(sandbox).tokens()["access_token"]
    url = f"{sandbox.url}/rest/crm.deal.list.json"
    answers = [
        HTTP.get(url, params={"auth": token, "select[]": "ID"}),
        HTTP.post(url, data={"auth": token, "select[]": "ID"}),
        HTTP.post(
            url, json={"auth": "other", "select": ["ID"]}, headers={"Authorization": f"Bearer {token}"}
        ),
    ]
    assert [answer.status_code for answer in answers] == [200] * 3
    expected = Caller(sandbox).result("crm.deal.list", select=["ID"])
    assert all(answer.json()["result"] == expected for answer in answers)


def test_calls_without_a_good_token_are_refused(start: Start) -> None:
    """No token, an unknown one, one of a removed app."""
    sandbox = start()
    app = App(sandbox)
    token = app.tokens()["access_token"]
    assert HTTP.get(f"{sandbox.url}/rest/profile").json()["error"] == "NO_AUTH_FOUND"
    assert app.call("unknown", "profile") == (
        401,
        {"error": "invalid_token", "error_description": "Unable to get application by token"},
    )
    sandbox.uninstall_app()
    assert app.call(token, "profile")[1]["error"] == "APPLICATION_NOT_FOUND"
    refused = app.refresh("any")
    assert (refused.status_code, refused.json()["error"]) == (401, "NOT_INSTALLED")


def test_apps_share_the_bucket_and_have_scopes(start: Start) -> None:
    """One bucket a source address; a method beyond the app's scope is refused in the app's words."""
    sandbox = start(limits=Limits(burst=3, leak_per_second=0.001), scope=("user",))
    app = App(sandbox)
    token = app.tokens()["access_token"]
    status, body = app.call(token, "crm.deal.list")
    assert (status, body["error"], "access token" in body["error_description"]) == (
        403,
        "insufficient_scope",
        True,
    )
    assert Caller(sandbox)("profile")[0] == 200
    assert [app.call(token, "profile")[0] for _ in range(2)] == [200, 503]


def test_app_info_checks_a_token(start: Start) -> None:
    """One answer for both who ask it: who is the app, where is it installed, what plan has the portal."""
    sandbox = start()
    token = App(sandbox).tokens()["access_token"]
    answer = HTTP.get(f"{sandbox.authorization_url}/rest/app.info/", params={"auth": token}).json()["result"]
    assert (answer["client_id"], answer["user_id"]) == (sandbox.config.client_id, 1)
    assert answer["install"]["member_id"] == sandbox.member_id
    assert answer["install"]["client_endpoint"] == f"{sandbox.url}/rest/"
    assert (answer["INSTALLED"], answer["LICENSE_FAMILY"]) == (True, "basic")
    batch = App(sandbox).call(token, "batch", cmd={"a": "app.info", "b": "scope"})[1]["result"]["result"]
    assert (batch["a"]["CODE"], batch["b"]) == (sandbox.config.client_id, ["crm", "user"])


def test_a_moved_portal_points_to_its_new_address(start: Start) -> None:
    """302 at the former host, answers at the new one; the authorization server stays and names the new."""
    sandbox = start()
    app = App(sandbox)
    tokens = app.tokens()
    former, webhook = sandbox.url, sandbox.webhook_url
    new = sandbox.rename("127.0.0.2")
    assert new == former.removeprefix("http://").replace("127.0.0.1", "127.0.0.2")
    moved = HTTP.post(f"{former}/rest/profile", params={"a": "1"}, json={"auth": tokens["access_token"]})
    assert (moved.status_code, moved.headers["location"]) == (302, f"http://{new}/rest/profile?a=1")
    assert HTTP.post(webhook + "profile").status_code == 302
    assert HTTP.get(f"{former}/oauth/authorize/?client_id=x").status_code == 302
    assert HTTP.post(sandbox.webhook_url + "profile").json()["result"]["ID"] == "1"
    assert app.call(tokens["access_token"], "profile")[0] == 200
    check = HTTP.get(f"{former}/rest/app.info/", params={"auth": tokens["access_token"]})
    assert check.json()["result"]["install"]["domain"] == new
    refreshed = app.refresh(tokens["refresh_token"]).json()
    assert refreshed["client_endpoint"] == f"http://{new}/rest/"
    assert refreshed["domain"] == former.removeprefix("http://")


def test_the_app_is_steered_over_http(start: Start) -> None:
    """Tokens end, the portal moves, the card shows what a program needs to connect."""
    sandbox = start()
    app, base = App(sandbox), sandbox.url + "/sandbox/"
    tokens = app.tokens()
    HTTP.post(base + "app/expire-tokens")
    assert app.call(tokens["access_token"], "profile")[1]["error"] == "expired_token"
    card = HTTP.get(base + "app").json()["result"]
    assert card["client_secret"] == sandbox.config.client_secret
    assert (card["installed"], card["token_outcomes"]) == (True, {"authorization_code": 1})
    HTTP.post(base + "app/revoke-tokens")
    assert app.refresh(tokens["refresh_token"]).json()["error"] == "invalid_grant"
    renamed = HTTP.post(base + "rename", json={"address": "localhost"}).json()["result"]
    assert sandbox.url == f"http://{renamed}"
    assert HTTP.post(base + "rename", json={"address": "192.0.2.1"}).status_code == 400


@pytest.fixture
def sdk_app(start: Start, monkeypatch: pytest.MonkeyPatch) -> tuple[Sandbox, BitrixApp]:
    """b24pysdk's app; the SDK knows one authorization server and https only, so it is led here."""
    sandbox = start()
    for verb in ("get", "post"):
        monkeypatch.setattr(requests, verb, _plain(getattr(requests, verb)))
    monkeypatch.setattr(BitrixOAuthRequester, "_OAUTH_TOKEN_URL", f"{sandbox.url}/oauth/token/")
    monkeypatch.setattr(BitrixOAuthRequester, "_APP_INFO_URL", f"{sandbox.url}/rest/app.info/")
    config = sandbox.config
    return sandbox, BitrixApp(client_id=config.client_id, client_secret=config.client_secret)


def _plain(send: Callable[..., requests.Response]) -> Callable[..., requests.Response]:
    def plain(url: str, **kwargs: Any) -> requests.Response:
        return send(url.replace("https://", "http://", 1), **kwargs)

    return plain


def test_b24pysdk_connects_reads_and_refreshes(sdk_app: tuple[Sandbox, BitrixApp]) -> None:
    """Code, exchange, the trusted check, a call, an expired token refreshed by itself, an old one refused."""
    sandbox, app = sdk_app
    oauth = app.get_oauth_token(App(sandbox).code())
    assert (oauth.member_id, oauth.user_id, oauth.scope) == (sandbox.member_id, 1, ["crm", "user"])
    info = app.get_app_info(oauth.oauth_token.access_token).result
    assert (info.client_id, info.install.member_id) == (sandbox.config.client_id, sandbox.member_id)
    domain = sandbox.url.removeprefix("http://")
    token = BitrixToken(
        domain=domain,
        auth_token=oauth.oauth_token.access_token,
        refresh_token=oauth.oauth_token.refresh_token,
        bitrix_app=app,
    )
    rows = Client(token).crm.deal.list(select=["ID"], order={"ID": "ASC"}).as_list().result
    assert [int(row["ID"]) for row in rows] == sandbox.truth.entities("deal")["ID"].tolist()
    sandbox.expire_tokens()
    assert Client(token).profile().result["ID"] == "1"
    assert sandbox.token_outcomes == {"authorization_code": 1, "refresh_token": 1}
    with pytest.raises(BitrixOAuthInvalidGrant):
        app.refresh_oauth_token(oauth.oauth_token.refresh_token)


def test_b24pysdk_learns_that_its_client_is_wrong(sdk_app: tuple[Sandbox, BitrixApp]) -> None:
    """`wrong_client` comes with 200 and is an error all the same."""
    sandbox, _ = sdk_app
    stranger = BitrixApp(client_id="local.other", client_secret=sandbox.config.client_secret)
    with pytest.raises(BitrixOauthWrongClient):
        stranger.get_oauth_token(App(sandbox).code())
