"""An installation and small portals to sync."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from b24_pipeline.sandbox import Sandbox, SandboxConfig
from b24_pipeline.store.database.warehouse import Warehouse
from tests.support.installation import Installation


@pytest.fixture
def installation(warehouse: Warehouse) -> Installation:
    """An installation without any portal."""
    return Installation(warehouse)


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """A small portal without limits."""
    with Sandbox(SandboxConfig(leads=60, deals=60)) as portal:
        yield portal
