"""Moves that come with drained events, two drains at once, and a long backlog."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import pytest

from b24_pipeline.sandbox import Fault, Sandbox, SandboxConfig
from b24_pipeline.store.portals.portal import Portal
from b24_pipeline.sync.events import drain as draining
from b24_pipeline.sync.events import drain_chunk
from b24_pipeline.sync.events.drain import drain
from b24_pipeline.sync.options import Options
from b24_pipeline.sync.outcome import Outcome
from tests.integration.sync.events.drain.conftest import assert_true, drained, ids, land, statuses
from tests.support.installation import Installation, execute, worked


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


@pytest.mark.parametrize("known", [True, False])
def test_refused_history_keeps_no_event_from_being_drained(
    installation: Installation, sandbox: Sandbox, portal: Portal, known: bool
) -> None:
    """Whether the history was read before or never, the object is stored and its move inferred."""
    if not known:
        execute(installation.warehouse, "delete from bitrix24_cursors where entity_type = 'lead_history'")
    sandbox.faults.add(
        Fault(
            "command_error",
            "crm.stagehistory.list",
            error="ACCESS_DENIED",
            description="Access denied",
            status=400,
        )
    )
    number = ids(sandbox, "lead")[0]
    sandbox.portal.clock.shift(60)
    sandbox.move("lead", number, "PROCESSED")
    land(installation, portal, ("ONCRMLEADUPDATE", number))
    drained(installation)
    assert statuses(installation) == ["done"]
    assert installation.rows(
        "select to_status_id, source from bitrix24_status_history where entity_type = 'lead' and entity_id = %s "
        "order by changed_at desc limit 1",
        number,
    ) == [{"to_status_id": "PROCESSED", "source": "event"}]
