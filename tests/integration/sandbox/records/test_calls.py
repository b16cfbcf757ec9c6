"""Calls of the telephony statistics (docs/bitrix24-rest-more.md, section 5)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest

from b24_pipeline.sandbox import Sandbox, SandboxConfig
from b24_pipeline.sandbox.controls.truth import Truth
from b24_pipeline.sandbox.portal import PortalState
from tests.integration.sandbox.conftest import Caller
from tests.integration.sandbox.events.conftest import connected
from tests.integration.sandbox.records.conftest import COUNTS
from tests.support.servers.event_receiver import Receiver

METHOD = "voximplant.statistic.get"
BY_ID = {"SORT": "ID", "ORDER": "ASC"}


def test_a_read_by_the_key_gets_the_truth(call: Caller) -> None:
    """Values are text but for the file of the record."""
    found: list[dict[str, Any]] = []
    for _ in range(3):
        _, body = call(METHOD, FILTER={">ID": found[-1]["ID"] if found else 0}, **BY_ID, start=-1)
        assert body["total"] == 0
        found += body["result"]
    assert found == list(call.sandbox.truth.raw("call"))
    assert {type(row["RECORD_FILE_ID"]) for row in found} == {int, type(None)}
    assert isinstance(found[0]["CALL_DURATION"], str)


def test_ids_ascend_with_the_end_of_a_call_and_not_with_its_start() -> None:
    """A long call is written after shorter ones that began later."""
    frame = Truth(PortalState(SandboxConfig(leads=5, deals=5, calls=9000))).entities("call")
    ended = frame["CALL_START_DATE"] + pd.to_timedelta(frame["CALL_DURATION"].astype(int), unit="s")
    assert ended.is_monotonic_increasing
    assert not frame["CALL_START_DATE"].is_monotonic_increasing


def test_parameters_in_lower_case_are_ignored(call: Caller, own: Caller) -> None:
    """The whole portal comes back; where the portal takes them, they filter."""
    _, body = call(METHOD, filter={"CALL_TYPE": 1})
    assert body["total"] == 130
    own.sandbox.set_quirks(calls_ignore_lower_case=False)
    _, body = own(METHOD, filter={"CALL_TYPE": 1})
    assert body["total"] == (own.sandbox.truth.entities("call")["CALL_TYPE"] == 1).sum() < 130


@pytest.mark.parametrize(
    ("given", "narrows"),
    [({"@ID": [1, 2]}, False), ({"NOPE": 1}, False), ({"ID": [1, 2, 4]}, True), ({"><ID": [5, 9]}, True)],
)
def test_what_is_not_understood_is_dropped(call: Caller, given: dict[str, Any], narrows: bool) -> None:
    """An unknown field and the operator `@` widen the answer; arrays mean any of them."""
    _, body = call(METHOD, FILTER=given)
    assert (body["total"] < 130) == narrows


@pytest.mark.parametrize("order", [{"ID": "ASC"}, "asc", None])
def test_an_order_that_is_no_text_in_capitals_is_discarded(call: Caller, order: Any) -> None:
    """So is the sorting by a type of call; then there is no order at all."""
    unsorted = [row["ID"] for row in call.result(METHOD, SORT="ID", ORDER=order)]
    for way in ("ASC", "DESC"):
        assert unsorted != [row["ID"] for row in call.result(METHOD, SORT="ID", ORDER=way)]
    assert unsorted == [row["ID"] for row in call.result(METHOD, SORT="CALL_TYPE", ORDER="ASC")]


def test_start_is_exact(call: Caller) -> None:
    """`start=10` is row ten, other than in classic lists."""
    ids = [str(number) for number in call.sandbox.truth.entities("call")["ID"]]
    _, body = call(METHOD, **BY_ID, start=10)
    assert ([row["ID"] for row in body["result"]], body["next"], body["total"]) == (ids[10:60], 60, 130)


def test_a_call_exists_twice(call: Caller) -> None:
    """As a row and as an activity of the other direction; a deal's call names a contact, and the activity the deal."""
    calls = call.sandbox.truth.entities("call").set_index("CRM_ACTIVITY_ID")
    activities = call.sandbox.truth.entities("activity").set_index("ID")
    own = activities[activities["PROVIDER_ID"] == "VOXIMPLANT_CALL"]
    assert len(own) == 117 == sum(calls.index.notna())
    joined = own.join(calls[calls.index.notna()])
    assert (joined["ORIGIN_ID"] == "VI_" + joined["CALL_ID"]).all()
    assert set(zip(joined["DIRECTION"].astype(int), joined["CALL_TYPE"].astype(int), strict=True)) == {
        (1, 2),
        (2, 1),
    }
    of_deals = joined[joined["OWNER_TYPE_ID"] == 2]
    assert set(of_deals["CRM_ENTITY_TYPE"]) == {"CONTACT"}


def test_what_comes_late_is_told_by_nothing(own: Caller) -> None:
    """A record, a vote, a comment: no time of change, only a re-read shows them."""
    report = own.sandbox.change(20, seed=2, kinds=("add", "late"))
    assert report.changed["call"]
    rows = {int(row["ID"]): row for row in own.result(METHOD, FILTER={"ID": sorted(report.changed["call"])})}
    assert rows.keys() == report.changed["call"]
    assert all(row["RECORD_FILE_ID"] and row["COMMENT"] for row in rows.values())
    newest = own.sandbox.add("call", {"CALL_ID": "x"})
    [row] = own.result(METHOD, FILTER={"CALL_ID": "x"})
    assert (row["ID"], row["RECORD_FILE_ID"]) == (str(newest), None)
    own.sandbox.complete_call(newest, {"RECORD_FILE_ID": 77})
    assert own.result(METHOD, FILTER={"CALL_ID": "x"}) == [row | {"RECORD_FILE_ID": 77}]


def test_rights_and_scope_are_checked(start: Callable[..., Sandbox]) -> None:
    """Without the right 403; with a limited one a filter by user is overwritten; the scope is `telephony`."""
    call = Caller(start(**COUNTS))
    users = call.sandbox.truth.entities("call")["PORTAL_USER_ID"]
    one, other = sorted(set(users))[1:3]
    call.sandbox.set_quirks(calls_of_users=[int(one)])
    for given in ({}, {"PORTAL_USER_ID": int(other)}, {"!PORTAL_USER_ID": int(one)}):
        assert call(METHOD, FILTER=given)[1]["total"] == (users == one).sum()
    call.sandbox.set_quirks(calls_forbidden=True)
    assert (call(METHOD)[0], call(METHOD)[1]["error"]) == (403, "ACCESS_DENIED")
    status, body = Caller(start(scope=("crm",)))(METHOD)
    assert (status, body["error"]) == (403, "insufficient_scope")


def test_the_end_of_a_call_is_told_flat(start: Callable[..., Sandbox], receiver: Receiver) -> None:
    """Without FIELDS, without the row's id and without the CRM's element; nothing is told of what comes late."""
    sandbox = start(leads=10, deals=10, **COUNTS)
    connected(sandbox, receiver, "ONVOXIMPLANTCALLEND")
    identifier = sandbox.add("call", {"CALL_ID": "abc", "CALL_DURATION": 12})
    sandbox.complete_call(identifier, {"CALL_VOTE": 5})
    sandbox.wait_for_events()
    [event] = receiver.events
    assert (event["data[CALL_ID]"], event["data[CALL_DURATION]"]) == ("abc", "12")
    assert not [key for key in event if "[ID]" in key or "CRM_ENTITY" in key]
