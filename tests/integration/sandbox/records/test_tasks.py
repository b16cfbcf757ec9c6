"""Tasks (docs/bitrix24-rest-more.md, section 8)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from b24_pipeline.sandbox import Sandbox
from tests.integration.sandbox.conftest import Caller
from tests.integration.sandbox.events.conftest import connected
from tests.integration.sandbox.records.conftest import COUNTS
from tests.support.servers.event_receiver import Receiver

METHOD = "tasks.task.list"
SELECT = ["*", "UF_CRM_TASK"]
DERIVED = {"subStatus", "group", "creator", "responsible"}


def test_a_read_by_the_key_gets_the_truth(call: Caller) -> None:
    """Asked in capitals, answered in camelCase, ids as text; neither `total` nor `next` with `start=-1`."""
    found: list[dict[str, Any]] = []
    for _ in range(4):
        last = found[-1]["id"] if found else 0
        _, body = call(METHOD, select=SELECT, filter={">ID": last}, order={"ID": "asc"}, start=-1)
        assert not {"total", "next"} & set(body)
        found += body["result"]["tasks"]
    told = [{name: value for name, value in task.items() if name not in DERIVED} for task in found]
    assert told == list(call.sandbox.truth.raw("task"))
    assert isinstance(found[0]["id"], str)
    assert {type(task["ufCrmTask"]) for task in found} == {list, bool}


def test_the_newest_come_first_without_an_order(call: Caller) -> None:
    """And an unknown order is refused by the code 0."""
    _, body = call(METHOD, select=["ID"])
    ids = [int(task["id"]) for task in body["result"]["tasks"]]
    assert ids == sorted(ids, reverse=True)
    assert (body["total"], body["next"]) == (160, 50)
    status, body = call(METHOD, order={"NOPE": "asc"})
    assert (status, body["error"]) == (400, "0")


@pytest.mark.parametrize("select", [None, ["*"], ["ID", "TITLE", "NOPE"]])
def test_links_to_the_crm_come_only_by_name(call: Caller, select: Any) -> None:
    """Neither with `*` nor without a select; unknown names are dropped."""
    task = call.result(METHOD, **({} if select is None else {"select": select}))["tasks"][0]
    assert not [name for name in task if name.startswith("uf")]
    named = call.result(METHOD, select=["ID", "UF_CRM_TASK"])["tasks"][0]
    assert set(named) == {"id", "ufCrmTask", "ufTaskWebdavFiles", "ufMailMessage"}


def test_links_are_filtered_exactly(call: Caller) -> None:
    """By one of the links of a task."""
    links = [row["ufCrmTask"] for row in call.sandbox.truth.raw("task")]
    wanted = next(one[1] for one in links if one and len(one) > 1)
    _, body = call(METHOD, filter={"UF_CRM_TASK": wanted})
    assert body["total"] == sum(bool(one) and wanted in one for one in links) > 0


def test_status_filters_by_the_sub_status(call: Caller) -> None:
    """-1 is overdue; `REAL_STATUS` is the status; `@` is dropped, an array means any of them."""
    truth = call.sandbox.truth.entities("task")
    _, overdue = call(METHOD, filter={"STATUS": -1}, select=["ID", "STATUS"])
    assert overdue["total"] == (truth["status"].isin([2, 3]) & truth["deadline"].notna()).sum() > 0
    assert {task["subStatus"] for task in overdue["result"]["tasks"]} == {"-1"}
    assert {task["status"] for task in overdue["result"]["tasks"]} <= {"2", "3"}
    assert call(METHOD, filter={"REAL_STATUS": [2, 3]})[1]["total"] == truth["status"].isin([2, 3]).sum()
    assert call(METHOD, filter={"@ID": [1]})[1]["total"] == 160


def test_people_and_groups_are_embedded(call: Caller) -> None:
    """A group is an object, or `[]`; people are objects with their name."""
    tasks = call.result(METHOD)["tasks"]
    assert {type(task["group"]) for task in tasks} == {list, dict}
    assert tasks[0]["responsible"]["id"] == tasks[0]["responsibleId"]
    one = call.result("tasks.task.get", taskId=tasks[0]["id"])["task"]
    assert one == tasks[0]
    assert call("tasks.task.get", taskId=10**6)[0] == 400


def test_changes_are_found_by_their_time(own: Caller) -> None:
    """`CHANGED_DATE` of changed and new tasks."""
    since = own("profile")[1]["time"]["date_start"]
    report = own.sandbox.change(80, seed=8, kinds=("edit", "add"))
    tasks = own.result(METHOD, filter={">=CHANGED_DATE": since}, select=["ID"], start=-1)["tasks"]
    assert {int(task["id"]) for task in tasks} == report.changed["task"] | report.added["task"] != set()


def test_tasks_need_a_scope_of_their_own(start: Callable[..., Sandbox]) -> None:
    """`task`, not `tasks`."""
    assert Caller(start(scope=("crm", "tasks")))(METHOD)[1]["error"] == "insufficient_scope"


def test_the_missing_side_of_an_event_is_a_text(start: Callable[..., Sandbox], receiver: Receiver) -> None:
    """`undefined` before a task is made and after it is deleted."""
    sandbox = start(leads=10, deals=10, **COUNTS)
    connected(sandbox, receiver, *(f"ONTASK{action}" for action in ("ADD", "UPDATE", "DELETE")))
    task = str(sandbox.add("task", {"TITLE": "x", "UF_CRM_TASK": ["D_11"]}))
    sandbox.update("task", int(task), {"TITLE": "y"})
    sandbox.delete("task", int(task))
    sent = sandbox.wait_for_events()
    before, after = ("data[FIELDS_BEFORE]", "data[FIELDS_AFTER]")
    added, updated, deleted = receiver.events
    assert (added[before], added[f"{after}[ID]"]) == ("undefined", task)
    assert (updated[f"{before}[ID]"], updated[f"{after}[ID]"]) == (task, task)
    assert (deleted[f"{before}[ID]"], deleted[after]) == (task, "undefined")
    assert {event.entity_id for event in sent} == {int(task)}
