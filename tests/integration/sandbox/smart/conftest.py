"""A portal with smart processes, invoices and quotes that nobody changes, and portals of a test's own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from b24_pipeline.sandbox import Sandbox, SandboxConfig
from tests.integration.sandbox.conftest import Caller

SCOPES = ("crm", "user", "userfieldconfig")
COUNTS: dict[str, Any] = {"smart_types": 3, "smart_items": 120, "invoices": 90, "quotes": 70, "scope": SCOPES}


@pytest.fixture(scope="session")
def smart_portal() -> Iterator[Sandbox]:
    """Three smart processes: with all switches on, with some off, without stages and clients."""
    with Sandbox(SandboxConfig(leads=60, deals=80, seed=13, **COUNTS)) as sandbox:
        yield sandbox


@pytest.fixture
def call(smart_portal: Sandbox) -> Caller:
    """Calls to the portal that nobody changes."""
    return Caller(smart_portal)


@pytest.fixture
def own(start: Callable[..., Sandbox]) -> Caller:
    """Calls to a portal that this test may change."""
    return Caller(start(leads=20, deals=30, **COUNTS))


def type_ids(sandbox: Sandbox) -> list[int]:
    """The entity type ids of the smart processes, in their order."""
    return [int(number) for number in sandbox.truth.types()["entity_type_id"]]
