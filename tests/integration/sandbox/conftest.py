"""One portal for tests that only read, and a plain client without any of our code."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest
import requests
from b24pysdk import Client
from b24pysdk.credentials import BitrixWebhook

from b24_pipeline.sandbox import Sandbox, SandboxConfig

HTTP = httpx.Client(timeout=30, trust_env=False)
"""One client for all: making one costs more than most requests."""


@dataclass
class Caller:
    """POSTs JSON to a webhook and returns status and body."""

    sandbox: Sandbox

    def __call__(self, method: str, **params: Any) -> tuple[int, Any]:
        response = HTTP.post(self.sandbox.webhook_url + method, json=params)
        return response.status_code, response.json()

    def result(self, method: str, **params: Any) -> Any:
        """The `result` of a call that must succeed."""
        status, body = self(method, **params)
        assert status == 200, body
        return body["result"]


def sdk_of(portal: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Any:
    """b24pysdk, which knows only https; its requests are led to the plain port."""
    post = requests.post

    def plain(url: str, **kwargs: Any) -> requests.Response:
        return post(url.replace("https://", "http://", 1), **kwargs)

    monkeypatch.setattr(requests, "post", plain)
    token = portal.webhook_url.split("/rest/")[1].strip("/")
    return Client(BitrixWebhook(domain=portal.url.removeprefix("http://"), webhook_token=token))


@dataclass
class App:
    """The sandbox's app as another program sees it: consent, tokens, calls by access token."""

    sandbox: Sandbox

    def consent(self, **query: str) -> httpx.Response:
        """The page of consent; with `confirm="Y"` the redirect."""
        asked = {"client_id": self.sandbox.config.client_id, "state": "s1"} | query
        return HTTP.get(f"{self.sandbox.url}/oauth/authorize/", params=asked)

    def code(self) -> str:
        """A fresh code."""
        location = self.consent(confirm="Y").headers["location"]
        return dict(parse_qsl(urlsplit(location).query))["code"]

    def token(self, **params: str) -> httpx.Response:
        """A request to the token endpoint; the client's own data unless others are given."""
        config = self.sandbox.config
        client = {"client_id": config.client_id, "client_secret": config.client_secret}
        return HTTP.get(f"{self.sandbox.authorization_url}/oauth/token/", params=client | params)

    def tokens(self) -> dict[str, Any]:
        """A pair for a fresh code."""
        answer: dict[str, Any] = self.token(grant_type="authorization_code", code=self.code()).json()
        return answer

    def refresh(self, token: str) -> httpx.Response:
        """A refresh."""
        return self.token(grant_type="refresh_token", refresh_token=token)

    def call(self, access_token: str, method: str, **params: Any) -> tuple[int, Any]:
        """A method with the token in the body; status and body."""
        response = HTTP.post(f"{self.sandbox.url}/rest/{method}", json=params | {"auth": access_token})
        return response.status_code, response.json()

    def bind(self, access_token: str, handler: str, *events: str) -> None:
        """Bind events to a handler."""
        for event in events:
            assert self.call(access_token, "event.bind", event=event, handler=handler)[1]["result"] is True


@pytest.fixture(scope="session")
def portal() -> Iterator[Sandbox]:
    """A portal that nobody changes."""
    with Sandbox(SandboxConfig(leads=700, deals=1100, contacts=400, companies=60, seed=11)) as sandbox:
        yield sandbox


@pytest.fixture
def call(portal: Sandbox) -> Caller:
    """Calls to the portal that nobody changes."""
    return Caller(portal)


@pytest.fixture
def start() -> Iterator[Callable[..., Sandbox]]:
    """Starts portals of this test's own."""
    started: list[Sandbox] = []

    def make(**settings: Any) -> Sandbox:
        config = SandboxConfig(**({"leads": 120, "deals": 160, "seed": 5} | settings))
        started.append(Sandbox(config).start())
        return started[-1]

    yield make
    for sandbox in started:
        sandbox.stop()
