"""Limits, costs and faults over a real socket."""

from __future__ import annotations

import time
from collections.abc import Callable

import httpx
import pytest

from b24_pipeline.sandbox import CostModel, Fault, Limits, Sandbox
from tests.integration.sandbox.conftest import HTTP, Caller


def test_a_full_bucket_is_503(start: Callable[..., Sandbox]) -> None:
    """The burst passes, the next request is refused without a `time` block."""
    sandbox = start(limits=Limits(burst=5, leak_per_second=0.01))
    call = Caller(sandbox)
    answers = [call("profile") for _ in range(7)]
    assert [status for status, _ in answers] == [200] * 5 + [503] * 2
    assert answers[-1][1] == {"error": "QUERY_LIMIT_EXCEEDED", "error_description": "Too many requests"}
    assert (sandbox.stats.rejected, sandbox.stats.requests) == (2, 7)
    assert 4.9 < sandbox.stats.max_bucket_level <= 5


def test_a_method_out_of_time_is_429_until_the_reset(start: Callable[..., Sandbox]) -> None:
    """Only this method is refused, and works again when its seconds leave the window."""
    limits = Limits(burst=None, operating_limit_seconds=0.05, operating_window_seconds=1.0)
    call = Caller(start(limits=limits, cost=CostModel(0.0, 0.06, 0.0, 0.0)))
    _, first = call("crm.deal.list")
    status, refused = call("crm.deal.list")
    assert first["time"]["operating"] == pytest.approx(0.06)
    assert (status, refused["error"], "time" in refused) == (429, "OPERATION_TIME_LIMIT", False)
    assert call("crm.lead.list")[0] == 200
    time.sleep(1.1)
    assert call("crm.deal.list")[0] == 200


def test_inner_commands_pay_or_the_batch_does(start: Callable[..., Sandbox]) -> None:
    """Both readings of docs/bitrix24-rest.md, section 3.2: billed to each method, or to `batch` with one figure."""
    cost = CostModel(0.0, 0.01, 0.0, 0.0)
    commands = {"a": "crm.deal.list?start=-1", "b": "crm.lead.list?start=-1"}
    by_command = start(cost=cost, limits=Limits(burst=None, bill_batch="command"))
    times = Caller(by_command).result("batch", cmd=commands)["result_time"]
    assert by_command.stats.operating_seconds == pytest.approx({"crm.deal.list": 0.01, "crm.lead.list": 0.01})
    assert times["a"]["operating"] == pytest.approx(0.01)
    by_batch = start(cost=cost, limits=Limits(burst=None, bill_batch="batch"))
    times = Caller(by_batch).result("batch", cmd=commands)["result_time"]
    assert by_batch.stats.operating_seconds == pytest.approx({"batch": 0.02})
    assert times["a"]["operating"] == times["b"]["operating"] == pytest.approx(0.02)


def test_the_cost_model_takes_its_time(start: Callable[..., Sandbox]) -> None:
    """Request, command, rows and counted rows are waited for and reported."""
    cost = CostModel(request_seconds=0.05, command_seconds=0.02, row_seconds=0.001, counted_row_seconds=1e-3)
    call = Caller(start(cost=cost, deals=100))
    begun = time.monotonic()
    _, body = call("crm.deal.list", select=["ID"])
    assert time.monotonic() - begun >= 0.05 + 0.02 + 0.05 + 0.1
    assert body["time"]["operating"] == pytest.approx(0.02 + 0.05 + 0.1)
    _, uncounted = call("crm.deal.list", select=["ID"], start=-1)
    assert uncounted["time"]["processing"] == pytest.approx(0.02 + 0.05)


@pytest.mark.parametrize(
    ("fault", "status", "text"),
    [
        (Fault("error", status=503, error="OVERLOAD_LIMIT"), 503, "OVERLOAD_LIMIT"),
        (Fault("html", status=502), 502, "<html>"),
        (Fault("empty", status=500), 500, ""),
        (Fault("redirect", location="http://127.0.0.1:1/rest/"), 302, ""),
        (Fault("revoke"), 401, "INVALID_CREDENTIALS"),
        (Fault("portal_deleted"), 403, "PORTAL_DELETED"),
        (Fault("drop_scope", scope="crm"), 403, "insufficient_scope"),
    ],
    ids=lambda value: value.kind if isinstance(value, Fault) else None,
)
def test_a_fault_strikes_until_cleared(
    start: Callable[..., Sandbox], fault: Fault, status: int, text: str
) -> None:
    """Each kind answers in its way, and the portal is well again after `clear`."""
    sandbox = start(leads=5, deals=5)
    url = sandbox.webhook_url + "crm.deal.list"
    sandbox.faults.add(fault)
    struck = HTTP.get(url)
    assert (struck.status_code, text in struck.text) == (status, True)
    sandbox.faults.clear()
    assert HTTP.get(url).status_code == 200


def test_connections_are_cut_before_and_within_the_answer(start: Callable[..., Sandbox]) -> None:
    """`disconnect` gives nothing, `truncate` half of the JSON."""
    sandbox = start(leads=5, deals=5)
    for kind in ("disconnect", "truncate"):
        sandbox.faults.add(Fault(kind, times=1))
        with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
            HTTP.get(sandbox.webhook_url + "crm.deal.list")
    assert HTTP.get(sandbox.webhook_url + "crm.deal.list").status_code == 200


def test_answers_can_be_late_or_drip(start: Callable[..., Sandbox]) -> None:
    """`delay` waits first, `drip` sends byte by byte; both are whole in the end."""
    sandbox = start(leads=5, deals=5)
    sandbox.faults.add(Fault("delay", seconds=0.1, times=1))
    sandbox.faults.add(Fault("drip", method="scope", seconds=0.002, times=1))
    for method in ("profile", "scope"):
        begun = time.monotonic()
        assert "result" in HTTP.get(sandbox.webhook_url + method).json()
        assert time.monotonic() - begun > 0.08


def test_faults_count_their_matches(start: Callable[..., Sandbox]) -> None:
    """Each third request of this method, twice at most."""
    sandbox = start(leads=5, deals=5)
    sandbox.faults.add(Fault("error", method="profile", every=3, times=2))
    statuses = [HTTP.get(sandbox.webhook_url + "profile").status_code for _ in range(10)]
    assert statuses == [200, 200, 500, 200, 200, 500, 200, 200, 200, 200]
    assert HTTP.get(sandbox.webhook_url + "scope").status_code == 200


def test_single_commands_of_a_batch_can_fail(start: Callable[..., Sandbox]) -> None:
    """Only the chosen id of the chosen method is refused."""
    sandbox = start()
    one, other = sandbox.truth.entities("deal")["ID"].tolist()[:2]
    sandbox.faults.add(Fault("command_error", method="crm.deal.get", error="ERROR_CORE", ids=(one,)))
    commands = {"x": f"crm.deal.get?id={one}", "y": f"crm.deal.get?id={other}"}
    result = Caller(sandbox).result("batch", cmd=commands)
    assert result["result_error"]["x"]["error"] == "ERROR_CORE"
    assert set(result["result"]) == {"y"}


@pytest.mark.parametrize("value", ["много", "0000-00-00", "\x00", "x" * 1_000_000, {"a": []}, None])
def test_a_row_can_show_any_value(start: Callable[..., Sandbox], value: object) -> None:
    """Text in a number, an impossible date, NUL, a megabyte, an object: in list, get and item."""
    sandbox = start(leads=5, deals=20)
    call = Caller(sandbox)
    identifier = int(sandbox.truth.entities("deal")["ID"].iloc[3])
    sandbox.faults.add(Fault("mutate", ids=(identifier,), field="OPPORTUNITY", value=value))
    rows = {row["ID"]: row for row in call.result("crm.deal.list", order={"ID": "ASC"})}
    assert rows[str(identifier)]["OPPORTUNITY"] == value
    assert call.result("crm.deal.get", id=identifier)["OPPORTUNITY"] == value


def test_the_same_page_for_ever(start: Callable[..., Sandbox]) -> None:
    """Whatever is asked, the first answer comes again."""
    sandbox = start()
    sandbox.faults.add(Fault("same_page", method="crm.deal.list"))
    call = Caller(sandbox)
    first = call.result("crm.deal.list", order={"ID": "ASC"}, start=-1)
    assert call.result("crm.deal.list", order={"ID": "ASC"}, filter={">ID": 10**6}, start=-1) == first
