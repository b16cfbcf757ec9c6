"""Draining inbound events: each object once, as the portal has it now."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from b24_pipeline.bitrix.events.inbound import InboundEvent, parse_event
from b24_pipeline.errors import AccessDenied, PortalUnreachable, ServerFault
from b24_pipeline.sandbox import Sandbox, SandboxConfig
from b24_pipeline.store.events import backlog
from b24_pipeline.store.events.landing import Landing
from b24_pipeline.store.portals.portal import Portal
from b24_pipeline.sync.crm import by_id
from b24_pipeline.sync.events import drain as draining
from b24_pipeline.sync.events import drain_chunk
from b24_pipeline.sync.events.drain import drain, replay
from b24_pipeline.sync.options import Options
from b24_pipeline.sync.outcome import Outcome
from tests.support.data.events import body
from tests.support.expected.funnel import assert_entities_equal, assert_history_equal
from tests.support.frames import tuples
from tests.support.installation import Installation, execute, worked


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


def waiting(installation: Installation) -> list[dict[str, Any]]:
    return installation.rows(
        "select entity_id, status, attempts, error, next_try_at - clock_timestamp() as later"
        " from bitrix24_webhook_events where status in ('pending', 'failed') order by id"
    )


def make_due(installation: Installation) -> None:
    execute(installation.warehouse, "update bitrix24_webhook_events set next_try_at = now()")


def ids(sandbox: Sandbox, entity_type: str = "deal") -> list[int]:
    return [int(number) for number in sandbox.truth.entities(entity_type)["ID"]]


def url_of(installation: Installation) -> str:
    url = installation.warehouse.url.render_as_string(hide_password=False)
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
def portal(installation: Installation, sandbox: Sandbox) -> Portal:
    """A portal that was synced a moment ago."""
    connected = installation.add(sandbox)
    worked(installation.sync(connected))
    sandbox.reset_stats()
    return connected


def test_ten_events_of_a_deal_are_one_fetch(
    installation: Installation, sandbox: Sandbox, portal: Portal
) -> None:
    """The row, its move and the events' state, with one request."""
    number = ids(sandbox)[0]
    sandbox.update("deal", number, {"TITLE": "moved"})
    stage = next(
        one.status_id
        for one in tuples(sandbox.truth.stages("deal"))
        if one.category_id == 0 and one.semantics == "P"
    )
    sandbox.move("deal", number, stage, 0)
    land(installation, portal, *[("ONCRMDEALUPDATE", number)] * 9, ("ONCRMDEALMOVETOCATEGORY", number))
    outcomes = drained(installation)
    assert (outcomes["deal"].rows_read, outcomes["deal"].rows_changed, outcomes["deal"].requests) == (1, 1, 1)
    assert outcomes["deal_history"].rows_changed >= 1
    assert sandbox.stats.requests == 1
    assert statuses(installation) == ["done"] * 10
    assert_true(installation, sandbox)
    logged = installation.rows(
        "select entity_type, sync_status, rows_changed, requests from bitrix24_sync_log"
        " where sync_type = 'event' order by id"
    )
    assert logged[0] == {"entity_type": "deal", "sync_status": "success", "rows_changed": 1, "requests": 1}
    assert drain(installation.connections, Options()) == []


def test_objects_of_all_kinds_come_with_one_request(
    installation: Installation, sandbox: Sandbox, portal: Portal
) -> None:
    """Changed, added and moved ones."""
    report = sandbox.change(40, seed=5)
    for kinds, word in ((report.changed, "UPDATE"), (report.added, "ADD")):
        for entity_type, numbers in kinds.items():
            land(installation, portal, *[(f"ONCRM{entity_type.upper()}{word}", number) for number in numbers])
    drained(installation)
    assert sandbox.stats.requests == 1
    assert_true(installation, sandbox)


def test_deleted_objects_get_tombstones(installation: Installation, sandbox: Sandbox, portal: Portal) -> None:
    """By a delete event; and by an update event whose object is gone, after a second look."""
    told, untold = ids(sandbox)[:2]
    for number in (told, untold):
        sandbox.delete("deal", number)
    land(installation, portal, ("ONCRMDEALDELETE", told))
    assert drained(installation)["deal"].rows_deleted == 1
    assert sandbox.stats.requests == 1
    land(installation, portal, ("ONCRMDEALUPDATE", untold))
    assert drained(installation)["deal"].rows_deleted == 1
    assert sandbox.stats.requests == 3
    assert statuses(installation) == ["done", "done"]
    assert_true(installation, sandbox)


def test_an_event_of_what_never_was_here_changes_nothing(
    installation: Installation, sandbox: Sandbox, portal: Portal
) -> None:
    """Added and deleted again before we looked; or invented."""
    land(installation, portal, ("ONCRMDEALADD", 999_999), ("ONCRMDEALDELETE", 999_998))
    outcome = drained(installation)["deal"]
    assert (outcome.rows_read, outcome.rows_changed, outcome.rows_deleted) == (0, 0, 0)
    assert statuses(installation) == ["done", "done"]
    assert_true(installation, sandbox)


def test_delete_event_of_what_is_there_deletes_nothing(
    installation: Installation, sandbox: Sandbox, portal: Portal
) -> None:
    """It is a hint to fetch: restored, or forged by somebody in the portal."""
    land(installation, portal, ("ONCRMDEALDELETE", ids(sandbox)[0]))
    assert drained(installation)["deal"].rows_deleted == 0
    assert_true(installation, sandbox)


def test_object_that_is_hidden_from_us_lives(
    installation: Installation, sandbox: Sandbox, portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Lost rights leave it out of lists as a deletion does; `get` says which it is."""
    number = ids(sandbox)[0]
    take = by_id.Fetching._keep
    monkeypatch.setattr(by_id.Fetching, "_keep", lambda self, name, rows, group: take(self, name, [], group))
    denied = {"error": "ACCESS_DENIED", "error_description": "Access denied"}
    judge = by_id.Fetching._judge

    def refused(self: Any, answer: Any, key: str, one: Any) -> None:
        answer.results.pop(key)
        answer.errors[key] = AccessDenied(
            "acme", "crm.deal.get", denied["error"], denied["error_description"], 400
        )
        judge(self, answer, key, one)

    monkeypatch.setattr(by_id.Fetching, "_judge", refused)
    land(installation, portal, ("ONCRMDEALUPDATE", number))
    assert drained(installation)["deal"].rows_deleted == 0
    assert statuses(installation) == ["done"]
    assert_true(installation, sandbox)


def test_events_that_name_nothing_are_ignored(installation: Installation, portal: Portal) -> None:
    """Without a request."""
    land(installation, portal, ("ONCRMQUOTEUPDATE", 1), ("ONCRMDEALUPDATE", "abc"), ("ONAPPTEST", 1))
    assert drain(installation.connections, Options()) == []
    assert statuses(installation) == ["ignored"] * 3


def test_user_field_events_refresh_the_field_catalogue(
    installation: Installation, sandbox: Sandbox, portal: Portal
) -> None:
    """Once, however many there are."""
    field = sandbox.add_user_field("deal", "NEWS", "string", label="News")
    land(installation, portal, *[("ONCRMDEALUSERFIELDADD", field.id)] * 3)
    assert drained(installation)["field"].rows_changed == 1
    assert sandbox.stats.requests == 1
    assert statuses(installation) == ["done"] * 3
    found = installation.rows("select label from bitrix24_fields where field_name = 'UF_CRM_NEWS'")
    assert found == [{"label": "News"}]


def test_poisoned_row_blocks_nothing_else(
    installation: Installation, sandbox: Sandbox, portal: Portal
) -> None:
    """One that PostgreSQL refuses is set aside with its error, tried again later and later, then given up."""
    numbers = ids(sandbox)[:20]
    poisoned = numbers[7]
    execute(
        installation.warehouse,
        f"alter table bitrix24_deals add constraint poison check (id <> {poisoned}) not valid",
    )
    for number in numbers:
        sandbox.update("deal", number, {"TITLE": "new"})
    land(installation, portal, *[("ONCRMDEALUPDATE", number) for number in numbers])
    assert drained(installation)["deal"].rows_changed == 19
    for attempt in range(1, backlog.MOST_ATTEMPTS + 1):
        (left,) = waiting(installation)
        assert (left["entity_id"], left["attempts"]) == (poisoned, attempt)
        assert left["error"] == "the row cannot be stored: PostgreSQL error 23514"
        if attempt < backlog.MOST_ATTEMPTS:
            expected = timedelta(seconds=backlog.FIRST_SECONDS * backlog.GROWTH ** (attempt - 1))
            assert expected - timedelta(seconds=3) < left["later"] <= expected
            assert left["status"] == "pending"
            make_due(installation)
            drained(installation)
    assert left["status"] == "failed"
    execute(installation.warehouse, "alter table bitrix24_deals drop constraint poison")
    assert replay(installation.connections, datetime.now(UTC) - timedelta(hours=1), [portal]) == 20
    drained(installation)
    assert statuses(installation) == ["done"] * 20
    assert_true(installation, sandbox)


def test_object_that_the_portal_cannot_answer_blocks_nothing_else(
    installation: Installation, sandbox: Sandbox, portal: Portal
) -> None:
    """Fifty are asked for with one command; the one at fault is found by asking for each."""
    numbers = ids(sandbox)
    poisoned = numbers[3]
    for number in numbers:
        sandbox.update("deal", number, {"TITLE": "new"})
    land(installation, portal, *[("ONCRMDEALUPDATE", number) for number in numbers])
    listed = by_id.Fetching._sent

    def failing(self: Any, commands: Any, along: Any) -> Any:
        answer = listed(self, commands, along)
        for key, command in commands.items():
            asked = command.params.get("filter", {}).get("@ID", [])
            if poisoned in asked:
                answer.results.pop(key, None)
                answer.errors[key] = ServerFault("acme", command.method, "ERROR_CORE", "fault", 500)
        return answer

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(by_id.Fetching, "_sent", failing)
        assert drained(installation)["deal"].rows_changed == len(numbers) - 1
    (left,) = waiting(installation)
    assert (left["entity_id"], left["attempts"], left["status"]) == (poisoned, 1, "pending")
    assert "fault" in left["error"]
    make_due(installation)
    drained(installation)
    assert_true(installation, sandbox)


def test_portal_that_is_away_keeps_its_events(
    installation: Installation, sandbox: Sandbox, portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They have not failed, and wait for a moment; nothing loops."""
    land(installation, portal, ("ONCRMDEALUPDATE", ids(sandbox)[0]))

    def away(*_arguments: Any) -> Any:
        raise PortalUnreachable("acme", "no answer")

    with monkeypatch.context() as patched:
        patched.setattr(by_id.Fetching, "fetch", away)
        (outcome,) = drain(installation.connections, Options())
    assert isinstance(outcome.error, PortalUnreachable)
    (left,) = waiting(installation)
    assert (left["status"], left["attempts"], left["error"]) == ("pending", 0, "acme: no answer")
    assert timedelta(seconds=50) < left["later"] <= timedelta(seconds=draining.LATER_SECONDS)
    assert drain(installation.connections, Options()) == []
    make_due(installation)
    drained(installation)
    assert statuses(installation) == ["done"]


def test_disconnected_portal_keeps_its_events_and_wakes_nobody(
    installation: Installation, sandbox: Sandbox, portal: Portal
) -> None:
    """Connected again, they are drained."""
    land(installation, portal, ("ONCRMDEALUPDATE", ids(sandbox)[0]))
    execute(installation.warehouse, "update user_accounts set bitrix24_status = 'paused'")
    assert not installation.warehouse.transact(backlog.is_due)
    assert drain(installation.connections, Options()) == []
    execute(installation.warehouse, "update user_accounts set bitrix24_status = 'connected'")
    assert installation.warehouse.transact(backlog.is_due)
    drained(installation)
    assert statuses(installation) == ["done"]


def test_two_drains_at_once_do_the_work_once(
    installation: Installation, sandbox: Sandbox, portal: Portal
) -> None:
    """Neither waits for the other, and no event is lost between them."""
    numbers = ids(sandbox)
    for number in numbers:
        sandbox.update("deal", number, {"TITLE": "new"})
    land(installation, portal, *[("ONCRMDEALUPDATE", number) for number in numbers] * 5)
    found: list[Sequence[Outcome]] = []
    threads = [
        threading.Thread(target=lambda: found.append(drain(installation.connections, Options(), limit=20)))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    drained(installation)
    assert set(statuses(installation)) == {"done"}
    assert not [one.error for outcomes in found for one in outcomes if one.error]
    assert_true(installation, sandbox)


def test_before_the_first_sync_no_move_is_inferred(installation: Installation, sandbox: Sandbox) -> None:
    """The real ones come with it."""
    portal = installation.add(sandbox)
    land(installation, portal, *[("ONCRMDEALUPDATE", number) for number in ids(sandbox)])
    assert drained(installation)["deal"].rows_changed == 60
    assert installation.rows("select count(*) as n from bitrix24_status_history") == [{"n": 0}]
    worked(installation.sync(portal))
    assert_true(installation, sandbox)


def test_move_that_the_history_lacks_is_inferred_from_the_event(installation: Installation) -> None:
    """The portal shows the moves of the present pipeline only (docs/bitrix24-rest.md, section 6.5)."""
    config = SandboxConfig(leads=5, deals=30, history_current_pipeline_only=True)
    with Sandbox(config) as sandbox:
        portal = installation.add(sandbox)
        worked(installation.sync(portal))
        number = ids(sandbox)[0]
        execute(
            installation.warehouse,
            "update bitrix24_status_history set changed_at = changed_at - interval '1 day' where entity_id = %s",
            number,
        )
        execute(
            installation.warehouse,
            "update bitrix24_status_history set to_status_id = 'GONE' where entity_id = %s",
            number,
        )
        land(installation, portal, ("ONCRMDEALUPDATE", number))
        drained(installation)
        found = installation.rows(
            "select source from bitrix24_status_history where entity_id = %s and source != 'history'"
            " and entity_type = 'deal'",
            number,
        )
    assert found == [{"source": "event"}]


def test_a_backlog_of_many_chunks_is_drained_in_one_pass(
    installation: Installation, sandbox: Sandbox, portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And more moves than come along with the rows are read as well."""
    monkeypatch.setattr(draining, "MOST_OBJECTS", 7)
    monkeypatch.setattr(drain_chunk, "MOVES_PAGES", 1)
    monkeypatch.setattr(drain_chunk, "first_unread", lambda *_arguments: 0)
    for number in ids(sandbox):
        sandbox.move("deal", number, "C1:NEW" if number % 2 else "NEW", None)
    land(installation, portal, *[("ONCRMDEALUPDATE", number) for number in ids(sandbox)] * 2)
    drained(installation)
    assert set(statuses(installation)) == {"done"}
    assert_true(installation, sandbox)
