"""A portal with activities, calls and the like that nobody changes, and portals of a test's own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from b24_pipeline.sandbox import Sandbox, SandboxConfig
from tests.integration.sandbox.conftest import Caller
from tests.support.servers.event_receiver import Receiver

SCOPES = ("crm", "user", "telephony", "catalog", "task")
COUNTS: dict[str, Any] = {
    "activities": 300, "calls": 130, "product_rows": 400, "products": 90, "quotes": 20, "invoices": 20,
    "smart_types": 1, "smart_items": 20, "tasks": 160, "requisites": 70, "comments": 400, "scope": SCOPES,
}  # fmt: skip


@pytest.fixture(scope="session")
def record_portal() -> Iterator[Sandbox]:
    """Some of each kind of records."""
    with Sandbox(SandboxConfig(leads=60, deals=80, seed=17, **COUNTS)) as sandbox:
        yield sandbox


@pytest.fixture
def call(record_portal: Sandbox) -> Caller:
    """Calls to the portal that nobody changes."""
    return Caller(record_portal)


@pytest.fixture
def own(start: Callable[..., Sandbox]) -> Caller:
    """Calls to a portal that this test may change."""
    return Caller(start(leads=20, deals=30, **COUNTS))


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A handler of events that answers 200."""
    with Receiver() as one:
        yield one
