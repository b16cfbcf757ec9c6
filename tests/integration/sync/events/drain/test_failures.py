"""Events that cannot be drained are set aside, tried again, and block nothing else."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from b24_pipeline.errors import PortalUnreachable, ServerFault
from b24_pipeline.sandbox import Sandbox
from b24_pipeline.store.events import backlog
from b24_pipeline.store.portals.portal import Portal
from b24_pipeline.sync.crm import by_id
from b24_pipeline.sync.events import drain as draining
from b24_pipeline.sync.events.drain import drain, replay
from b24_pipeline.sync.options import Options
from tests.integration.sync.events.drain.conftest import assert_true, drained, ids, land, statuses
from tests.support.installation import Installation, execute


def waiting(installation: Installation) -> list[dict[str, Any]]:
    return installation.rows(
        "select entity_id, status, attempts, error, next_try_at - clock_timestamp() as later"
        " from bitrix24_webhook_events where status in ('pending', 'failed') order by id"
    )


def make_due(installation: Installation) -> None:
    execute(installation.warehouse, "update bitrix24_webhook_events set next_try_at = now()")


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
    listed = by_id.ObjectFetcher._send

    def failing(self: Any, commands: Any, along: Any) -> Any:
        answer = listed(self, commands, along)
        for key, command in commands.items():
            asked = command.params.get("filter", {}).get("@ID", [])
            if poisoned in asked:
                answer.results.pop(key, None)
                answer.errors[key] = ServerFault("acme", command.method, "ERROR_CORE", "fault", 500)
        return answer

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(by_id.ObjectFetcher, "_send", failing)
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
        patched.setattr(by_id.ObjectFetcher, "fetch", away)
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
