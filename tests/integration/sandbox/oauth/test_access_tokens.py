"""Calls by access token, and a portal that moves."""

from __future__ import annotations

import time
from collections.abc import Callable

from b24_pipeline.sandbox import Limits, Sandbox
from tests.integration.sandbox.conftest import HTTP, App, Caller

Start = Callable[..., Sandbox]


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
    assert (batch["a"]["CODE"], batch["b"]) == (sandbox.config.client_id, ["crm", "user", "department"])


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
