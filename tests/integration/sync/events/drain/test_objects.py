"""Draining inbound events: each object once, as the portal has it now."""

from __future__ import annotations

from typing import Any

import pytest

from b24_pipeline.errors import AccessDenied
from b24_pipeline.sandbox import Sandbox
from b24_pipeline.store.portals.portal import Portal
from b24_pipeline.sync.crm import by_id
from b24_pipeline.sync.events.drain import drain
from b24_pipeline.sync.options import Options
from tests.integration.sync.events.drain.conftest import assert_true, drained, ids, land, statuses
from tests.support.frames import tuples
from tests.support.installation import Installation


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
    take = by_id.ObjectFetcher._take_rows
    monkeypatch.setattr(
        by_id.ObjectFetcher, "_take_rows", lambda self, name, rows, group: take(self, name, [], group)
    )
    denied = {"error": "ACCESS_DENIED", "error_description": "Access denied"}
    judge = by_id.ObjectFetcher._take_single

    def refused(self: Any, answer: Any, key: str, one: Any) -> None:
        answer.results.pop(key)
        answer.errors[key] = AccessDenied(
            "acme", "crm.deal.get", denied["error"], denied["error_description"], 400
        )
        judge(self, answer, key, one)

    monkeypatch.setattr(by_id.ObjectFetcher, "_take_single", refused)
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
