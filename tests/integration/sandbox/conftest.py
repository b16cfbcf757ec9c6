"""One portal for tests that only read, and a plain client without any of our code."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

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
