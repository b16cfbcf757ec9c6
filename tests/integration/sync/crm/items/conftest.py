"""A portal with invoices, quotes and smart processes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from b24_pipeline.sandbox import Sandbox, SandboxConfig
from b24_pipeline.store.portals import entity_choice
from b24_pipeline.store.portals.portal import Portal
from tests.support.installation import Installation

CONFIG = SandboxConfig(leads=20, deals=30, smart_types=3, smart_items=120, invoices=160, quotes=70)


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """More than one page of each."""
    with Sandbox(CONFIG) as portal:
        yield portal


def smart_names(sandbox: Sandbox) -> list[str]:
    """Our names of its smart processes."""
    return [f"item_{number}" for number in sandbox.truth.types()["entity_type_id"]]


def choose(installation: Installation, portal: Portal, *names: str) -> None:
    """Has these entities read of the portal."""
    assert installation.warehouse.transact(entity_choice.choose, portal.id, names) == len(names)
