"""Activities (docs/bitrix24-rest-more.md, section 4)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

from b24_pipeline.sandbox import Sandbox
from tests.integration.sandbox.conftest import Caller
from tests.integration.sandbox.events.conftest import connected
from tests.integration.sandbox.records.conftest import COUNTS
from tests.support.servers.event_receiver import Receiver


def test_a_read_by_the_key_gets_the_truth(call: Caller) -> None:
    """All values are text, empty settings a list, and `total` is 0 where nothing was counted."""
    found: list[dict[str, Any]] = []
    while len(found) % 50 == 0:
        _, body = call(
            "crm.activity.list",
            order={"ID": "ASC"},
            filter={">ID": found[-1]["ID"] if found else 0},
            start=-1,
        )
        assert (body["total"], "next" in body) == (0, False)
        found += body["result"]
        if not body["result"]:
            break
    assert found == list(call.sandbox.truth.raw("activity"))
    assert all(isinstance(row["OWNER_ID"], str) and isinstance(row["STATUS"], str) for row in found)
    assert [] in [row["SETTINGS"] for row in found]
    assert "9999-12-31T00:00:00+03:00" in {row["DEADLINE"] for row in found}
    assert not {"COMMUNICATIONS", "FILES", "BINDINGS"} & set(found[0])


def test_the_order_not_asked_for_is_by_start(call: Caller) -> None:
    """So a reader by the key must name it."""
    starts = [row["START_TIME"] for row in call.result("crm.activity.list", select=["ID", "START_TIME"])]
    ids = [int(row["ID"]) for row in call.result("crm.activity.list", select=["ID"])]
    assert starts == sorted(starts)
    assert ids != sorted(ids)


def test_changes_are_found_by_their_time(own: Caller) -> None:
    """`LAST_UPDATED` is stamped by every change, `CREATED` never changes."""
    since = own("profile")[1]["time"]["date_start"]
    report = own.sandbox.change(60, seed=3, kinds=("edit", "add"))
    rows = own.result("crm.activity.list", filter={">=LAST_UPDATED": since}, order={"ID": "ASC"}, start=-1)
    assert {int(row["ID"]) for row in rows} == report.changed["activity"] | report.added["activity"]
    assert {int(row["ID"]) for row in rows if row["CREATED"] >= since} == report.added["activity"]


def test_a_date_alone_is_its_midnight(call: Caller) -> None:
    """`<=` a date loses that day."""
    created = call.sandbox.truth.entities("activity")["CREATED"].dt.tz_convert("Etc/GMT-3")
    day = created.iloc[150].strftime("%Y-%m-%d")
    _, body = call("crm.activity.list", filter={"<=CREATED": day})
    assert (
        body["total"]
        == (created < f"{day}T00:00:00+03:00").sum()
        < (created.dt.strftime("%Y-%m-%d") <= day).sum()
    )


def test_links_are_found_one_activity_at_a_time(call: Caller) -> None:
    """The main owner first, as numbers; the list finds by any link, and one activity twice by two of its links."""
    truth = call.sandbox.truth.activity_links()
    several = next(number for number, links in truth.items() if len(links) > 1)
    told = call.result("crm.activity.binding.list", activityId=several)
    assert [(one["entityTypeId"], one["entityId"]) for one in told] == truth[several]
    pairs = [{"OWNER_TYPE_ID": kind, "OWNER_ID": owner} for kind, owner in truth[several]]
    ids = Counter(
        int(row["ID"]) for row in call.result("crm.activity.list", filter={"BINDINGS": pairs}, select=["ID"])
    )
    assert ids[several] == 2
    _, body = call("crm.activity.list", filter={"BINDINGS": [{"OWNER_TYPE_ID": 3}]})
    assert body["total"] == sum(any(kind == 3 for kind, _ in links) for links in truth.values())
    assert call("crm.activity.binding.list", activityId=10**9)[1]["error"] == "NOT_FOUND"


def test_links_are_in_the_list_only_where_the_portal_tells_them(own: Caller) -> None:
    """Selected by name, and the portal set so; communications come wherever they are selected."""
    [row] = own.result(
        "crm.activity.list", select=["ID", "BINDINGS", "COMMUNICATIONS"], filter={"ID": 1}
    ) or [{}]
    assert "BINDINGS" not in row
    own.sandbox.set_quirks(activity_bindings_in_select=True)
    row = own.result("crm.activity.list", select=["ID", "BINDINGS", "COMMUNICATIONS"])[0]
    truth = own.sandbox.truth.activity_links()[int(row["ID"])]
    assert [(int(one["OWNER_TYPE_ID"]), int(one["OWNER_ID"])) for one in row["BINDINGS"]] == truth
    assert row["COMMUNICATIONS"][0]["ENTITY_ID"] == str(truth[0][1])


def test_activities_raise_events(start: Callable[..., Sandbox], receiver: Receiver) -> None:
    """Made, changed, linked, deleted: with nothing but the id."""
    sandbox = start(leads=10, deals=10, **COUNTS)
    connected(sandbox, receiver, *(f"ONCRMACTIVITY{action}" for action in ("ADD", "UPDATE", "DELETE")))
    activity = sandbox.add("activity", {"SUBJECT": "x", "OWNER_TYPE_ID": 2, "OWNER_ID": 11})
    sandbox.set_activity_links(activity, [(3, 5)])
    assert sandbox.truth.activity_links()[activity] == [(2, 11), (3, 5)]
    sandbox.delete("activity", activity)
    sandbox.wait_for_events()
    assert [(one["event"], one["data[FIELDS][ID]"]) for one in receiver.events] == [
        (f"ONCRMACTIVITY{action}", str(activity)) for action in ("ADD", "UPDATE", "DELETE")
    ]
