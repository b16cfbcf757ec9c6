"""The offline queue: dirty list, reservation, clearing (docs/bitrix24-rest.md, section 7.5)."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from b24_pipeline.sandbox import Sandbox
from tests.integration.sandbox.conftest import App, Caller
from tests.support.servers.event_receiver import Receiver

Start = Callable[..., Sandbox]
UPDATE, DELETE = "ONCRMDEALUPDATE", "ONCRMDEALDELETE"


class Queue:
    """The queue as the app sees it."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.app = App(sandbox)
        self.token = self.app.tokens()["access_token"]
        for event in (UPDATE, DELETE):
            assert self("event.bind", event=event, event_type="offline") is True

    def __call__(self, method: str, **params: Any) -> Any:
        status, body = self.app.call(self.token, method, **params)
        assert status == 200, body
        return body["result"]

    def get(self, **params: Any) -> tuple[Any, list[int]]:
        """A process id and the deals."""
        answer = self("event.offline.get", **params)
        return answer["process_id"], [one["EVENT_DATA"]["FIELDS"]["ID"] for one in answer["events"]]


@pytest.fixture
def sandbox(start: Start) -> Sandbox:
    """A portal of this test's own."""
    return start()


def touch(sandbox: Sandbox, *places: int) -> list[int]:
    """Update the deals at these places; their ids."""
    ids = [int(sandbox.truth.entities("deal")["ID"].iloc[place]) for place in places]
    for identifier in ids:
        sandbox.update("deal", identifier, {"TITLE": "x"})
    return ids


def test_a_row_looks_as_seen(sandbox: Sandbox) -> None:
    """Objects with numbers, 32 hex digits, the portal's time."""
    queue = Queue(sandbox)
    (identifier,) = touch(sandbox, 0)
    (row,) = queue("event.offline.get", clear=0)["events"]
    assert (len(row.pop("MESSAGE_ID")), len(row.pop("TIMESTAMP_X"))) == (32, 25)
    assert row == {
        "ID": "1",
        "EVENT_NAME": UPDATE,
        "EVENT_DATA": {"FIELDS": {"ID": identifier}},
        "EVENT_ADDITIONAL": {"user_id": "1"},
    }


def test_it_lists_what_is_dirty(sandbox: Sandbox) -> None:
    """A repeated change is one row, another event of the same deal a second one."""
    queue = Queue(sandbox)
    first, second = touch(sandbox, 0, 1)
    touch(sandbox, 0, 0)
    sandbox.delete("deal", second)
    rows = queue("event.offline.list", order={"ID": "ASC"})
    assert [(row["EVENT_NAME"], row["EVENT_DATA"]["FIELDS"]["ID"]) for row in rows] == [
        (UPDATE, first),
        (UPDATE, second),
        (DELETE, second),
    ]
    assert {(row["PROCESS_ID"], row["ERROR"]) for row in rows} == {("", "0")}


def test_reading_clears_unless_told_otherwise(sandbox: Sandbox) -> None:
    """`clear` is on by default: what was read is gone, and there is no process."""
    queue = Queue(sandbox)
    ids = touch(sandbox, 0, 1)
    assert queue.get() == (None, ids)
    assert queue.get() == (None, [])


def test_reserved_rows_wait_for_their_process(sandbox: Sandbox) -> None:
    """Two readers get different rows; one reads its own again; a change meanwhile is a new row."""
    queue = Queue(sandbox)
    ids = touch(sandbox, 0, 1, 2)
    one, first = queue.get(clear=0, limit=2)
    other, second = queue.get(clear=0)
    assert (first, second, one != other, len(one)) == (ids[:2], ids[2:], True, 32)
    assert queue.get(process_id=one) == (one, first)
    touch(sandbox, 0)
    assert queue.get(clear=0)[1] == ids[:1]
    assert queue("event.offline.clear", process_id=one) is True
    assert queue.get(process_id=one) == (one, [])
    assert queue.get(process_id=other) == (other, second)


def test_failed_and_cleared_rows_are_told_apart(sandbox: Sandbox) -> None:
    """One is cleared by its message, one marked as an error and read again as such."""
    queue = Queue(sandbox)
    ids = touch(sandbox, 0, 1, 2)
    answer = queue("event.offline.get", clear=0)
    process, rows = answer["process_id"], answer["events"]
    queue("event.offline.clear", process_id=process, message_id=[rows[0]["MESSAGE_ID"]])
    queue("event.offline.error", process_id=process, message_id=[rows[1]["MESSAGE_ID"]])
    assert queue.get(process_id=process) == (process, ids[2:])
    assert queue.get(process_id=process, error=1) == (process, ids[1:2])
    queue("event.offline.clear", process_id=process, id=[rows[2]["ID"]])
    assert [row["ERROR"] for row in queue("event.offline.list")] == ["1"]


def test_rows_are_filtered_and_ordered(sandbox: Sandbox) -> None:
    """By the fields of docs/bitrix24-rest.md; another field is a mistake."""
    queue = Queue(sandbox)
    ids = touch(sandbox, 0, 1, 2)
    sandbox.delete("deal", ids[0])
    assert queue.get(clear=0, filter={"EVENT_NAME": DELETE})[1] == ids[:1]
    assert queue.get(filter={">ID": 1}, order={"ID": "DESC"})[1] == [ids[2], ids[1]]
    assert queue.app.call(queue.token, "event.offline.get", filter={"X": 1})[0] == 400


def test_reserving_needs_the_plan(start: Start) -> None:
    """Without the feature only reading that clears is left."""
    sandbox = start(offline_extended=False)
    queue = Queue(sandbox)
    ids = touch(sandbox, 0)
    assert queue("feature.get", CODE="rest_offline_extended") == {"value": "N"}
    assert queue.app.call(queue.token, "event.offline.get", clear=0)[1]["error"] == "ACCESS_DENIED"
    assert queue.get()[1] == ids
    with_plan = Queue(start())
    assert with_plan("feature.get", CODE="rest_offline_extended") == {"value": "Y"}


def test_it_is_for_apps_of_administrators(start: Start) -> None:
    """A webhook credential has the wrong type, other users no access."""
    sandbox = start(admin=False)
    assert Caller(sandbox)("event.offline.get")[1]["error"] == "WRONG_AUTH_TYPE"
    app = App(sandbox)
    token = app.tokens()["access_token"]
    assert app.call(token, "event.offline.get")[1]["error"] == "ACCESS_DENIED"


def test_the_queue_rings(sandbox: Sandbox) -> None:
    """ONOFFLINEEVENT with both tokens, at most once in a second, or at each change if asked so."""
    queue = Queue(sandbox)
    with Receiver() as calm, Receiver() as eager:
        queue("event.bind", event="ONOFFLINEEVENT", handler=calm.url)
        queue("event.bind", event="ONOFFLINEEVENT", handler=eager.url, options={"minTimeout": 0})
        begun = time.monotonic()
        touch(sandbox, 0, 1, 2)
        sandbox.wait_for_events()
        assert len(eager.events) == 3
        if time.monotonic() - begun < 1:
            assert len(calm.events) == 1
        assert queue.app.refresh(calm.events[0]["auth[refresh_token]"]).status_code == 200


def test_removing_the_app_empties_the_queue(sandbox: Sandbox) -> None:
    """Neither rows nor bindings outlive it."""
    Queue(sandbox)
    touch(sandbox, 0)
    sandbox.uninstall_app()
    with Receiver() as receiver:
        sandbox.install_app(receiver.url)
        sandbox.wait_for_events()
    token = receiver.events[0]["auth[access_token]"]
    assert App(sandbox).call(token, "event.offline.list")[1]["result"] == []
