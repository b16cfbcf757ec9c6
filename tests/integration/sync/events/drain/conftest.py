"""A synced portal whose events land and are drained."""

from __future__ import annotations

from typing import Any

import pytest

from b24_pipeline.bitrix.events.inbound import InboundEvent, parse_event
from b24_pipeline.sandbox import Sandbox, SandboxConfig
from b24_pipeline.store.events.landing import Landing
from b24_pipeline.store.portals.portal import Portal
from b24_pipeline.sync.events.drain import drain
from b24_pipeline.sync.options import Options
from b24_pipeline.sync.outcome import Outcome
from tests.support.data.events import body
from tests.support.expected.tables import assert_entities_equal, assert_history_equal
from tests.support.installation import Installation, worked


def event(name: str, number: Any) -> InboundEvent:
    return parse_event(body(name, number))


def land(installation: Installation, portal: Portal, *events: tuple[str, Any]) -> None:
    """These events have come from the portal: name and id."""
    Landing(installation.warehouse).land([(portal.id, event(*one)) for one in events])


def drained(installation: Installation, **options: Any) -> dict[str, Outcome]:
    """One pass; its outcomes by entity, none of which failed."""
    return dict(worked({one.entity: one for one in drain(installation.connections, Options(), **options)}))


def statuses(installation: Installation) -> list[str]:
    found = installation.rows("select status from bitrix24_webhook_events order by id")
    return [row["status"] for row in found]


def ids(sandbox: Sandbox, entity_type: str = "deal") -> list[int]:
    return [int(number) for number in sandbox.truth.entities(entity_type)["ID"]]


def url_of(installation: Installation) -> str:
    url = installation.warehouse.url.for_people(hide_password=False)
    return url.replace("postgresql+psycopg://", "postgresql://")


def assert_true(installation: Installation, sandbox: Sandbox) -> None:
    for entity_type in ("lead", "deal", "contact", "company"):
        assert_entities_equal(url_of(installation), sandbox, entity_type)
    for entity_type in ("lead", "deal"):
        assert_history_equal(url_of(installation), sandbox, entity_type)


@pytest.fixture
def sandbox() -> Any:
    """A portal that keeps the moves of deleted deals, as nothing is deleted from our history either."""
    with Sandbox(SandboxConfig(leads=60, deals=60, history_survives_delete=True)) as portal:
        yield portal


@pytest.fixture
def portal(synced_portal: Portal) -> Portal:
    """A portal that was synced a moment ago."""
    return synced_portal
