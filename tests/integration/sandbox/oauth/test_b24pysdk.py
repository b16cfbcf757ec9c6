"""The authorization server as b24pysdk knows it, a client that we did not write."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import requests
from b24pysdk import BitrixApp, BitrixToken, Client
from b24pysdk.api.requesters import BitrixOAuthRequester
from b24pysdk.errors.oauth import BitrixOAuthInvalidGrant, BitrixOauthWrongClient

from b24_pipeline.sandbox import Sandbox
from tests.integration.sandbox.conftest import App

Start = Callable[..., Sandbox]


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
    assert (oauth.member_id, oauth.user_id, oauth.scope) == (
        sandbox.member_id,
        1,
        ["crm", "user", "department"],
    )
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
