"""`batch` over a real socket."""

from __future__ import annotations

from typing import Any

from b24_pipeline.sandbox import Sandbox
from tests.integration.sandbox.conftest import HTTP, Caller


def chain(method: str, count: int, after: int, query: str = "") -> dict[str, str]:
    """Commands each of which goes on after the last row of the one before."""
    commands = {}
    for place in range(count):
        bound = after if place == 0 else f"$result[r{place - 1}][49][ID]"
        commands[f"r{place}"] = f"{method}?order[ID]=ASC&filter[%3EID]={bound}&select[]=ID&start=-1{query}"
    return commands


def test_a_chain_restarts_from_the_beginning_after_a_short_page(call: Caller, portal: Sandbox) -> None:
    """Pages after the first short one begin anew, with the first rows of the list."""
    ids = portal.truth.entities("deal")["ID"].tolist()
    result = call.result("batch", halt=1, cmd=chain("crm.deal.list", 6, ids[-120]))["result"]
    pages = [[int(row["ID"]) for row in result[f"r{place}"]] for place in range(6)]
    assert [len(page) for page in pages[:3]] == [50, 50, 19]
    assert pages[0] + pages[1] + pages[2] == ids[-119:]
    assert pages[3] == [one for one in ids if one > 1][:50]


def test_references_reach_into_wrappers(call: Caller) -> None:
    """`[items]` leads to history rows, also when the chain crosses methods."""
    commands = {
        "moves": "crm.stagehistory.list?entityTypeId=2&order[ID]=ASC&start=-1",
        "owner": "crm.deal.get?id=$result[moves][items][49][OWNER_ID]",
    }
    result = call.result("batch", cmd=commands)["result"]
    assert result["owner"]["ID"] == result["moves"]["items"][49]["OWNER_ID"]


def test_maps_flip_between_list_and_object(call: Caller) -> None:
    """Numbered from 0: lists; any other keys: objects; nothing: an empty list."""
    listed = call.result("batch", cmd=["profile", "scope"])
    assert [type(part) for part in listed.values()] == [list] * 5
    assert len(listed["result_time"]) == 2
    numbered = call.result("batch", cmd={"2": "profile", "0": "scope"})
    assert set(numbered["result"]) == {"0", "2"}
    assert call.result("batch", cmd={}) == {
        "result": [],
        "result_error": [],
        "result_total": [],
        "result_next": [],
        "result_time": [],
    }


def test_errors_are_data(call: Caller) -> None:
    """HTTP stays 200; a failed command is only in `result_error`; the others run."""
    status, body = call("batch", cmd={"a": "crm.deal.get?id=0", "b": "nope", "c": "scope"})
    result = body["result"]
    assert status == 200
    assert result["result_error"]["a"] == {"error": "", "error_description": "ID is not defined or invalid."}
    assert result["result_error"]["b"]["error"] == "ERROR_METHOD_NOT_FOUND"
    assert set(result["result"]) == set(result["result_time"]) == {"c"}


def test_halt_stops_at_the_first_error(call: Caller) -> None:
    """Later commands are missing everywhere."""
    result = call.result("batch", halt=1, cmd={"a": "scope", "b": "nope", "c": "scope"})
    assert set(result["result"]) == {"a"}
    assert set(result["result_error"]) == {"b"}


def test_the_fifty_first_command_is_refused(call: Caller) -> None:
    """Fifty run, the rest are errors, and batches do not nest."""
    result = call.result("batch", cmd={f"c{place}": "scope" for place in range(52)})
    assert len(result["result"]) == 50
    assert {one["error"] for one in result["result_error"].values()} == {"ERROR_BATCH_LENGTH_EXCEEDED"}
    nested = call.result("batch", cmd={"a": "batch?cmd[x]=scope"})["result_error"]["a"]
    assert nested["error"] == "ERROR_BATCH_METHOD_NOT_ALLOWED"


def test_a_form_carries_commands_encoded_twice(portal: Sandbox) -> None:
    """In a form the whole command is encoded once more."""
    form = {"halt": "0", "cmd[a]": "crm.deal.list?filter[%25TITLE]=%D0%BE&select[]=ID", "cmd[b]": "scope"}
    result: Any = HTTP.post(portal.webhook_url + "batch", data=form).json()["result"]
    assert result["result"]["b"] == ["crm", "user", "department"]
    assert result["result_total"]["a"] > 0


def test_totals_and_next_stand_per_command(call: Caller) -> None:
    """`result_total` and `result_next` have what a single call has beside its result."""
    result = call.result("batch", cmd={"a": "crm.deal.list?select[]=ID", "b": "crm.deal.list?start=-1"})
    assert result["result_next"] == {"a": 50}
    assert result["result_total"]["b"] == 0
