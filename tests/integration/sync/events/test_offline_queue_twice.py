"""Changes that came both ways, posted and queued: what is known is not landed again, what is in doubt is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from b24_pipeline.bitrix.events.inbound import parse_event
from b24_pipeline.sandbox import Sandbox
from b24_pipeline.store.events.landing import Landing, QueuedChange, known_changes
from b24_pipeline.store.portals.portal import Portal
from b24_pipeline.sync.events.drain import drain
from b24_pipeline.sync.events.offline_queue import land_queued_events
from b24_pipeline.sync.options import Options
from tests.support.data.events import body, fields
from tests.support.installation import Installation, execute, worked
from tests.support.servers.oauth_portal import connect

POSTED_AT = datetime.fromtimestamp(int(fields()["ts"]), UTC)
DEAL = 4127


@pytest.fixture
def portal(installation: Installation, sandbox: Sandbox) -> Portal:
    """Connected by OAuth, its queue empty."""
    connected = connect(installation, sandbox, "http://127.0.0.1:9")
    worked(installation.sync(connected))
    return connected


def is_known(
    installation: Installation, portal: Portal, seconds: float, *, is_deletion: bool = False
) -> bool:
    """Whether a change so many seconds after the posted event's time is known."""
    change = QueuedChange("deal", DEAL, is_deletion, POSTED_AT + timedelta(seconds=seconds))
    return bool(installation.warehouse.transact(known_changes, portal.id, {0: change}))


def posted(installation: Installation, portal: Portal, name: str = "ONCRMDEALUPDATE") -> None:
    Landing(installation.warehouse).land([(portal.id, parse_event(body(name, DEAL)))])


def drained(installation: Installation, after_seconds: float, status: str = "done") -> None:
    """The posted event was drained so long after its coming."""
    execute(
        installation.warehouse,
        "update bitrix24_webhook_events set status = %s, handled_at = received_at + make_interval(secs => %s)",
        status,
        after_seconds,
    )


def test_an_earlier_change_is_known(installation: Installation, portal: Portal) -> None:
    """The event was posted later than the change: whoever fetches for it sees the change, drained or not."""
    assert not is_known(installation, portal, -1)
    posted(installation, portal)
    assert is_known(installation, portal, -1)
    assert not is_known(installation, portal, 0)
    drained(installation, 0.5)
    assert is_known(installation, portal, -1)
    assert not is_known(installation, portal, 0)


def test_a_later_fetch_knows_more(installation: Installation, portal: Portal) -> None:
    """Drained five seconds after its coming, it has seen what the portal changed within four."""
    posted(installation, portal)
    drained(installation, 5)
    assert [is_known(installation, portal, seconds) for seconds in (0, 3.9, 4.2, 5, 60)] == [
        True, True, True, False, False,
    ]  # fmt: skip


def test_our_clock_does_not_count(installation: Installation, portal: Portal) -> None:
    """The portal's clock is years off ours here: only the time between two moments of one clock is used."""
    assert abs(datetime.now(UTC) - POSTED_AT) > timedelta(hours=1)
    posted(installation, portal)
    drained(installation, -3)
    assert is_known(installation, portal, -1)
    assert not is_known(installation, portal, 0)


def test_what_was_given_up_is_landed_again(installation: Installation, portal: Portal) -> None:
    """Its object was not fetched."""
    posted(installation, portal)
    drained(installation, 60, "failed")
    assert not is_known(installation, portal, -1)


def test_a_deletion_is_known_by_a_deletion_alone(installation: Installation, portal: Portal) -> None:
    """An object that a change names and that is not there is asked for again, and is not buried by that."""
    posted(installation, portal)
    drained(installation, 60)
    assert not is_known(installation, portal, -1, is_deletion=True)
    posted(installation, portal, "ONCRMDEALDELETE")
    assert is_known(installation, portal, -1, is_deletion=True)


@pytest.mark.parametrize("posted_seconds_later", [5, -5])
def test_events_that_come_both_ways(
    installation: Installation, sandbox: Sandbox, portal: Portal, posted_seconds_later: int
) -> None:
    """A change whose event was posted lands once; one that was queued after that lands again. The queue is cleared."""
    number = int(sandbox.truth.entities("deal")["ID"][0])
    sandbox.update("deal", number, {"TITLE": "changed"})
    (row,) = sandbox.portal.events.queue.rows()
    posted_at = row.timestamp + posted_seconds_later
    content = body(number=number).replace(b"ts=1790000000", f"ts={posted_at}".encode())
    Landing(installation.warehouse).land([(portal.id, parse_event(content))])
    with installation.job(portal) as job:
        assert land_queued_events(job) == (0 if posted_seconds_later > 0 else 1)
    assert sandbox.portal.events.queue.rows() == []
    assert all(one.worked for one in drain(installation.connections, Options()))
    titles = installation.rows(f"select title from bitrix24_deals where id = {number}")
    assert titles == [{"title": "changed"}]
