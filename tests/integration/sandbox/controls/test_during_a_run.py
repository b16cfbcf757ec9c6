"""What happens in the portal in the middle of somebody's run."""

from __future__ import annotations

from collections.abc import Callable

from b24_pipeline.sandbox import Sandbox
from tests.integration.sandbox.conftest import HTTP, Caller

LIST = "crm.item.list"


def test_a_type_goes_between_two_pages(start: Callable[..., Sandbox]) -> None:
    """The first page of its items came, the second is not found; another type is there in the end."""
    sandbox = start(smart_types=1, smart_items=120)
    number = int(sandbox.truth.types()["entity_type_id"].iloc[0])

    def act() -> None:
        sandbox.delete_type(number)
        sandbox.add_type("Новый")

    sandbox.faults.before(LIST, 2, act)
    call = Caller(sandbox)
    assert len(call.result(LIST, entityTypeId=number)["items"]) == 50
    assert call(LIST, entityTypeId=number, start=50)[1]["error"] == "NOT_FOUND"
    assert [one["title"] for one in call.result("crm.type.list")["types"]] == ["Новый"]


def test_a_switch_is_turned_between_two_commands_of_a_batch(start: Callable[..., Sandbox]) -> None:
    """Asked for over HTTP, by the name of another steering request: the later page lacks the columns."""
    sandbox = start(smart_types=1, smart_items=60)
    number = int(sandbox.truth.types()["entity_type_id"].iloc[0])
    later = {
        "method": LIST,
        "nth": 2,
        "action": "type/switch",
        "given": {"entity_type_id": number, "switch": "isStagesEnabled", "on": False},
    }
    assert HTTP.post(sandbox.url + "/sandbox/later", json=later).status_code == 200
    query = f"{LIST}?entityTypeId={number}&select[]=*&start="
    pages = Caller(sandbox).result("batch", cmd={"a": f"{query}0", "b": f"{query}50"})["result"]
    assert "stageId" in pages["a"]["items"][0]
    assert "stageId" not in pages["b"]["items"][0]
    wrong = HTTP.post(sandbox.url + "/sandbox/later", json=later | {"action": "type/nope"})
    assert (wrong.status_code, "type/nope" in wrong.json()["error"]) == (400, True)


def test_what_waits_can_be_disarmed(start: Callable[..., Sandbox]) -> None:
    """With the faults."""
    sandbox = start(smart_types=1)
    sandbox.faults.before("crm.type.list", 1, lambda: sandbox.add_type("x"))
    sandbox.faults.clear()
    assert len(Caller(sandbox).result("crm.type.list")["types"]) == 1


def test_a_scope_that_is_dropped_hits_its_methods_alone(start: Callable[..., Sandbox]) -> None:
    """`telephony` is the scope of `voximplant.*`, `task` that of `tasks.*`."""
    sandbox = start(scope=("crm", "telephony", "task"))
    call = Caller(sandbox)
    for scope, method in (("telephony", "voximplant.statistic.get"), ("task", "tasks.task.list")):
        assert call(method)[0] == 200
        HTTP.post(sandbox.url + "/sandbox/faults", json={"kind": "drop_scope", "scope": scope})
        assert call(method)[1]["error"] == "insufficient_scope"
    assert call("crm.activity.list")[0] == 200
