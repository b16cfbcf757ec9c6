"""Requisites and comments in timelines (docs/bitrix24-rest-more.md, section 9)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from b24_pipeline.sandbox import Sandbox
from tests.integration.sandbox.conftest import Caller
from tests.integration.sandbox.events.conftest import connected
from tests.integration.sandbox.records.conftest import COUNTS
from tests.support.servers.event_receiver import Receiver

COMMENTS = "crm.timeline.comment.list"
ACTIONS = ("ADD", "UPDATE", "DELETE")


def test_requisites_are_a_classic_list(call: Caller) -> None:
    """Text values, linked to companies and contacts, read by the key."""
    rows = call.result("crm.requisite.list", order={"ID": "ASC"}, filter={">ID": 0}, start=-1)
    rows += call.result("crm.requisite.list", order={"ID": "ASC"}, filter={">ID": rows[-1]["ID"]}, start=-1)
    assert rows == list(call.sandbox.truth.raw("requisite"))
    assert {row["ENTITY_TYPE_ID"] for row in rows} == {"3", "4"}
    assert call("crm.requisite.list", filter={"NOPE": 1})[1]["total"] == 70
    assert call.result("crm.requisite.get", id=rows[0]["ID"]) == rows[0]


def test_changed_requisites_are_found_by_their_time(own: Caller) -> None:
    """`DATE_MODIFY` of changed and new ones."""
    since = own("profile")[1]["time"]["date_start"]
    report = own.sandbox.change(80, seed=9, kinds=("edit", "add"))
    rows = own.result("crm.requisite.list", filter={">=DATE_MODIFY": since}, start=-1)
    assert (
        {int(row["ID"]) for row in rows} == report.changed["requisite"] | report.added["requisite"] != set()
    )


def test_comments_are_of_one_element(call: Caller) -> None:
    """The owner is obligatory; every other condition is ignored, and `>ID` reads nothing further."""
    truth = list(call.sandbox.truth.raw("comment"))
    assert call(COMMENTS, filter={"ENTITY_TYPE": "deal"})[0] == 400
    counts: dict[tuple[str, str], int] = {}
    for row in truth:
        owner = (row["ENTITY_TYPE"], row["ENTITY_ID"])
        counts[owner] = counts.get(owner, 0) + 1
    (kind, owner_id), count = max(counts.items(), key=lambda one: one[1])
    given: dict[str, Any] = {"ENTITY_TYPE": kind, "ENTITY_ID": owner_id}
    rows = call.result(COMMENTS, filter=given, order={"ID": "ASC"})
    assert rows == [row for row in truth if (row["ENTITY_TYPE"], row["ENTITY_ID"]) == (kind, owner_id)][:50]
    _, ignored = call(COMMENTS, filter=given | {">ID": 10**9, "AUTHOR_ID": 10**6})
    assert ignored["total"] == count
    assert {name for name, _ in counts} >= {"deal", "lead", "contact", "company"}
    assert {str(row.get("FILES", "absent"))[:2] for row in truth} == {"ab", "{}", "{'"}


def test_comments_are_paged_by_their_offset(own: Caller) -> None:
    """More than a page of one deal."""
    deal = int(own.sandbox.truth.entities("deal")["ID"].iloc[-1])
    made = [
        own.sandbox.add("comment", {"ENTITY_TYPE": "deal", "ENTITY_ID": deal, "COMMENT": "x"})
        for _ in range(60)
    ]
    given = {"ENTITY_TYPE": "deal", "ENTITY_ID": deal}
    _, first = own(COMMENTS, filter=given, order={"ID": "DESC"})
    assert first["next"] == 50
    second = own.result(COMMENTS, filter=given, order={"ID": "DESC"}, start=50)
    ids = [int(row["ID"]) for row in first["result"] + second]
    assert ids[:60] == made[::-1]
    own.sandbox.delete("deal", deal)
    assert own.result(COMMENTS, filter=given) == []


def test_events_name_neither_fields_nor_owner(start: Callable[..., Sandbox], receiver: Receiver) -> None:
    """A comment's id is in `data` itself; its owner is told by `get` until it is deleted; requisites have FIELDS."""
    sandbox = start(leads=10, deals=10, **COUNTS)
    subjects = ("ONCRMTIMELINECOMMENT", "ONCRMREQUISITE")
    connected(sandbox, receiver, *(subject + action for subject in subjects for action in ACTIONS))
    comment = sandbox.add("comment", {"ENTITY_TYPE": "deal", "ENTITY_ID": 11, "COMMENT": "x"})
    assert Caller(sandbox).result("crm.timeline.comment.get", id=comment)["ENTITY_ID"] == "11"
    sandbox.update("comment", comment, {"COMMENT": "y"})
    sandbox.delete("comment", comment)
    assert Caller(sandbox)("crm.timeline.comment.get", id=comment)[0] == 400
    requisite = sandbox.add("requisite", {"NAME": "x", "ENTITY_TYPE_ID": 4, "ENTITY_ID": 1})
    sandbox.wait_for_events()
    told = [(one["event"], one.get("data[ID]"), one.get("data[FIELDS][ID]")) for one in receiver.events]
    assert told == [
        *((f"ONCRMTIMELINECOMMENT{action}", str(comment), None) for action in ACTIONS),
        ("ONCRMREQUISITEADD", None, str(requisite)),
    ]
