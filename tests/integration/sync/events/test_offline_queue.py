"""The offline queue: reserved, landed, and cleared only after the commit."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from b24_pipeline.errors import DatabaseError
from b24_pipeline.sandbox import Sandbox, SandboxConfig
from b24_pipeline.store.events.landing import Landing
from b24_pipeline.store.portals.portal import Portal
from b24_pipeline.sync.events import offline_queue
from b24_pipeline.sync.events.drain import drain
from b24_pipeline.sync.events.offline_queue import QUEUED_EVENTS, land_queued_events, unbind_queued_events
from b24_pipeline.sync.options import Options
from tests.support.installation import Installation, worked
from tests.support.servers.oauth_portal import connect

NOWHERE = "http://127.0.0.1:9"


@pytest.fixture
def portal(installation: Installation, sandbox: Sandbox) -> Portal:
    """Connected by OAuth, its offline events bound by the first sync, its queue empty."""
    connected = connect(installation, sandbox, NOWHERE)
    worked(installation.sync(connected))
    return connected


@pytest.fixture
def plain() -> Iterator[Sandbox]:
    """A portal whose plan has no queue that can be confirmed."""
    with Sandbox(SandboxConfig(leads=5, deals=5, offline_extended=False)) as made:
        yield made


def take(installation: Installation, portal: Portal) -> int:
    with installation.job(portal) as job:
        return land_queued_events(job)


def queued(sandbox: Sandbox) -> list[tuple[int, bool]]:
    """Ids in the portal's queue, and whether they are reserved."""
    rows = sandbox.portal.events.queue.rows()
    return [(row.data["FIELDS"]["ID"], bool(row.process_id)) for row in rows]


def landed(installation: Installation) -> list[tuple[str, str, int]]:
    rows = installation.rows(
        "select event, entity_type, entity_id from bitrix24_webhook_events where payload ? 'offline' order by id"
    )
    return [tuple(row.values()) for row in rows]


def ids(sandbox: Sandbox) -> list[int]:
    return [int(number) for number in sandbox.truth.entities("deal")["ID"]]


def test_what_waits_is_landed_and_cleared(
    installation: Installation, sandbox: Sandbox, portal: Portal
) -> None:
    """More than a page of queued events is landed, each row once."""
    for number in ids(sandbox)[:55]:
        sandbox.update("deal", number, {"TITLE": "changed"})
    sandbox.delete("deal", ids(sandbox)[0])
    assert take(installation, portal) == 56
    assert queued(sandbox) == []
    assert len(landed(installation)) == 56
    assert landed(installation)[-1][0] == "ONCRMDEALDELETE"
    assert {(kind, type(number)) for _, kind, number in landed(installation)} == {("deal", int)}
    assert take(installation, portal) == 0


def test_a_quiet_queue_costs_one_request(
    installation: Installation, sandbox: Sandbox, portal: Portal
) -> None:
    """An empty queue costs one request, since each sync asks."""
    sandbox.reset_stats()
    assert take(installation, portal) == 0
    assert sandbox.stats.requests == 1


def test_nothing_is_cleared_before_it_is_committed(
    installation: Installation, sandbox: Sandbox, portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If the database fails after the reservation, the rows stay in the portal and the next sync lands them."""
    chosen = ids(sandbox)[:3]
    for number in chosen:
        sandbox.update("deal", number, {"TITLE": "changed"})

    def broken(*_: Any) -> None:
        raise DatabaseError("no room on the disk")

    with monkeypatch.context() as patch:
        patch.setattr(Landing, "land", broken)
        with pytest.raises(DatabaseError):
            take(installation, portal)
    assert queued(sandbox) == [(number, True) for number in chosen]
    assert take(installation, portal) == 3
    assert queued(sandbox) == []
    assert sorted(number for *_, number in landed(installation)) == sorted(chosen)


def test_killed_before_clearing_lands_twice_and_harms_nothing(
    installation: Installation, sandbox: Sandbox, portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An event that lands twice is drained to the same rows."""
    sandbox.update("deal", ids(sandbox)[0], {"TITLE": "changed"})

    def killed(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(offline_queue, "_clear_reservations", killed)
        with pytest.raises(KeyboardInterrupt):
            take(installation, portal)
    assert take(installation, portal) == 1
    assert len(landed(installation)) == 2
    assert all(one.worked for one in drain(installation.connections, Options()))
    assert queued(sandbox) == []


def test_a_deletion_reaches_the_tables_by_sync_and_drain(
    installation: Installation, sandbox: Sandbox, portal: Portal
) -> None:
    """Polling by watermark never sees a deletion; the queue does."""
    number = ids(sandbox)[4]
    sandbox.delete("deal", number)
    worked(installation.sync(portal))
    assert all(one.worked for one in drain(installation.connections, Options()))
    gone = installation.rows("select id from bitrix24_deals where deleted_at is not null")
    assert gone == [{"id": number}]


def test_portal_without_a_confirmed_queue_is_left_alone(installation: Installation, plain: Sandbox) -> None:
    """Without a confirmed queue nothing is read, because reading would clear it, and nothing is bound."""
    portal = connect(installation, plain, NOWHERE)
    assert take(installation, portal) == 0
    assert not any(one.offline for one in plain.portal.events.subscriptions.bindings)


def test_webhook_portal_is_not_asked(installation: Installation, sandbox: Sandbox) -> None:
    """Its credential may not ask for events."""
    portal = installation.add(sandbox)
    sandbox.reset_stats()
    assert take(installation, portal) == 0
    assert sandbox.stats.requests == 0


def test_unbound_events_are_queued_no_more(
    installation: Installation, sandbox: Sandbox, portal: Portal
) -> None:
    """A portal that is disconnected queues no more events."""
    bindings = sandbox.portal.events.subscriptions
    assert {one.event for one in bindings.bindings if one.offline} == set(QUEUED_EVENTS)
    with installation.connections.client(portal) as client:
        unbind_queued_events(client)
    sandbox.update("deal", ids(sandbox)[0], {"TITLE": "changed"})
    assert queued(sandbox) == []
