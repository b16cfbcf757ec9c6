"""What the portal can answer: faults 8 to 18 and 22 of the fault matrix."""

from __future__ import annotations

from typing import Any

import pytest

from b24_pipeline.bitrix.batch import Command
from b24_pipeline.bitrix.lists.pages import ListQuery
from b24_pipeline.bitrix.lists.read import read_ids, read_list, read_pages
from b24_pipeline.errors import (
    AccessDenied,
    ApiError,
    ListDidNotAdvance,
    Overloaded,
    PortalDeleted,
    RequestLimit,
    ScopeMissing,
    ServerFault,
    UnreadableAnswer,
)
from tests.support.servers.scripted_portal import MISSING, Reply, ScriptedPortal, client_of, error

DEALS = ListQuery("crm.deal.list", ("ID",))


class HeardBudget:
    """Remembers what it was told."""

    def __init__(self) -> None:
        self.heard: list[tuple[Any, ...]] = []

    def acquire(self, methods: Any) -> None:
        self.heard.append(("acquire", *methods))

    def held(self, methods: Any) -> set[str]:
        return set()

    def refused(self, error: RequestLimit) -> None:
        self.heard.append(("refused",))

    def spent(self, method: str, operating: float, reset_at: float | None, now_portal: float | None) -> None:
        self.heard.append(("spent", method, operating, reset_at))

    def blocked(self, method: str, reset_at: float | None) -> None:
        self.heard.append(("blocked", method))


def profile_portal(*script: Reply) -> ScriptedPortal:
    portal = ScriptedPortal()
    portal.methods["profile"] = lambda params: {"ID": "1"}
    portal.script.extend(script)
    return portal


def ids_of(portal: ScriptedPortal, query: ListQuery = DEALS, **options: Any) -> list[int]:
    with client_of(portal) as client:
        chunks = list(read_list(client, query, **options))
    assert chunks[-1].left == ()
    rows = [row for chunk in chunks for piece in chunk.pieces for row in piece.rows]
    return sorted(int(row[query.id_field]) for row in rows)


def test_8_a_full_bucket_corrects_the_budget_and_is_repeated() -> None:
    """503 QUERY_LIMIT_EXCEEDED: the shared bucket is told, the call succeeds in the end."""
    portal, budget = profile_portal(*[error("QUERY_LIMIT_EXCEEDED", 503)] * 3), HeardBudget()
    client = client_of(portal, budget)
    assert client.call("profile").result == {"ID": "1"}
    assert budget.heard[:3] == [("acquire", "profile"), ("refused",), ("acquire", "profile")]
    assert (client.usage.rejected, client.usage.requests) == (3, 4)


def test_9_a_used_up_method_waits_in_the_budget() -> None:
    """429: the budget blocks this method, and the call goes through it again."""
    portal, budget = profile_portal(error("operation_time_limit", 429)), HeardBudget()
    assert client_of(portal, budget).call("profile").result == {"ID": "1"}
    assert budget.heard[:3] == [("acquire", "profile"), ("blocked", "profile"), ("acquire", "profile")]


def test_9_one_command_of_a_batch_blocks_its_method_only() -> None:
    """A 429 inside a batch names the method; the other command's result is kept."""
    portal, budget = profile_portal(), HeardBudget()
    portal.ids["crm.deal.list"] = [1]
    portal.command_errors[0] = error("OPERATION_TIME_LIMIT", 429)
    deals = DEALS.page(0, None)
    answer = client_of(portal, budget).batch({"deals": deals, "me": Command("profile")})
    assert ("blocked", "crm.deal.list") in budget.heard
    assert ("blocked", "batch") not in budget.heard
    assert (answer.get("deals"), answer.get("me")) == ([{"ID": "1"}], {"ID": "1"})


@pytest.mark.parametrize(
    ("reply", "kind", "says"),
    [
        (error("OVERLOAD_LIMIT", 503), Overloaded, "support"),
        (error("insufficient_scope", 403), ScopeMissing, "scopes"),
        (error("user_access_error", 403), AccessDenied, "right"),
        (error("ACCESS_DENIED", 403, "REST is not available on your plan"), AccessDenied, "plan"),
        (error("PORTAL_DELETED", 500), PortalDeleted, "closed"),
        (error("PORTAL_DELETED", 410), PortalDeleted, "closed"),
    ],
)
def test_10_17_18_what_waiting_does_not_mend_stops_at_once(
    reply: Reply, kind: type[ApiError], says: str
) -> None:
    """One request, a typed error, and a message that says what to do."""
    portal = profile_portal(reply)
    with pytest.raises(kind, match=says):
        client_of(portal).call("profile")
    assert len(portal.log) == 1


BROKEN = [
    Reply(200, b"<html>secret body</html>", "text/html"),
    Reply(200, b'{"result": [{"ID": "secret body"', "application/json"),
    Reply(200, None),
    Reply(200, ["secret body"]),
    Reply(403, b"<html>secret body</html>", "text/html"),
]


@pytest.mark.parametrize("reply", BROKEN, ids=["html", "cut", "empty", "list", "firewall"])
def test_11_an_unreadable_answer_is_repeated_then_typed(reply: Reply) -> None:
    """Once broken, the call succeeds; broken for good, the error has size and hash, not the body."""
    assert client_of(profile_portal(reply, reply)).call("profile").result == {"ID": "1"}
    with pytest.raises(UnreadableAnswer) as caught:
        client_of(profile_portal(*[reply] * 9)).call("profile")
    assert "secret body" not in str(caught.value)
    assert ("hash" in str(caught.value)) == bool(reply.content)


@pytest.mark.parametrize(
    "reply", [Reply(502, b"<html>", "text/html"), Reply(504, None), error("INTERNAL_SERVER_ERROR", 500)]
)
def test_11_a_gateway_error_is_a_server_fault(reply: Reply) -> None:
    """5xx with whatever body: repeated a few times, then ServerFault."""
    assert client_of(profile_portal(reply)).call("profile").result == {"ID": "1"}
    portal = profile_portal(*[reply] * 9)
    with pytest.raises(ServerFault):
        client_of(portal).call("profile")
    assert len(portal.log) == 4


def test_12_errors_of_single_commands() -> None:
    """47 results are kept; what may pass is asked again in a batch of its own; the rest is an error by key."""
    portal = profile_portal()
    portal.command_errors = {
        3: error("INTERNAL_SERVER_ERROR", 500),
        7: error("", 400, "Not found"),
        9: error("ACCESS_DENIED", 403),
    }
    client = client_of(portal)
    answer = client.batch({f"c{number}": Command("profile") for number in range(50)})
    assert len(answer.results) == 48
    assert [len(body["cmd"]) for _, body in portal.log] == [50, 1]
    assert {key: type(problem).__name__ for key, problem in answer.errors.items()} == {
        "c7": "ObjectNotFound",
        "c9": "AccessDenied",
    }
    with pytest.raises(AccessDenied):
        answer.get("c9")


@pytest.mark.parametrize("fault", [error("INTERNAL_SERVER_ERROR", 500), MISSING], ids=["error", "missing"])
def test_12_a_page_that_fails_inside_a_chain(fault: Any) -> None:
    """Rows before it are kept, the rest of its range is read again."""
    portal = ScriptedPortal(list(range(1, 3001)))
    portal.command_errors = {3: fault, 30: fault, 55: fault}
    assert ids_of(portal) == list(range(1, 3001))


def test_12_a_chain_that_fails_for_good_is_an_error() -> None:
    """A page that always fails ends the reading after a few attempts."""
    portal = ScriptedPortal(list(range(1, 1001)))
    portal.command_errors = dict.fromkeys(range(5, 2000), error("INTERNAL_SERVER_ERROR", 500))
    with pytest.raises(ServerFault), client_of(portal) as client:
        list(read_list(client, DEALS))
    assert len(portal.log) < 8


def test_13_a_batch_too_heavy_is_halved_down_to_one() -> None:
    """A gateway that cuts all batches of more than one command: the list is read all the same."""
    portal = ScriptedPortal(list(range(1, 401)))
    run = portal._batch

    def cut(body: dict[str, Any]) -> Reply:
        return run(body) if len(body["cmd"]) <= 1 + (len(portal.log) == 1) else Reply(504, None)

    portal._batch = cut  # type: ignore[method-assign]
    assert ids_of(portal, first_pages=1) == list(range(1, 401))


def test_14_a_page_that_repeats_is_an_error() -> None:
    """The portal ignores the filter and gives the first page for ever."""
    portal = ScriptedPortal(list(range(1, 1001)))
    portal._page = lambda ids, params: ids[:50]  # type: ignore[method-assign]
    with pytest.raises(ListDidNotAdvance), client_of(portal) as client:
        list(read_list(client, DEALS))


@pytest.mark.parametrize("following", [50, 0, 100], ids=["same next", "next goes back", "same rows"])
def test_14_offset_pages_that_repeat_are_an_error(following: int) -> None:
    """`next` must grow, and a full page must differ from the one before."""
    portal = ScriptedPortal()
    rows = [{"ID": str(number)} for number in range(50)]
    portal.script.append(Reply(200, {"result": rows, "next": 50}))
    portal.script.append(Reply(200, {"result": rows, "next": following}))
    with pytest.raises(ListDidNotAdvance), client_of(portal) as client:
        list(read_pages(client, "user.get"))


def test_offset_pages_end_at_a_short_page_whatever_next_says() -> None:
    """Some methods show `next` on their last page."""
    portal = ScriptedPortal()
    full = [{"ID": str(number)} for number in range(50)]
    portal.script.append(Reply(200, {"result": full, "next": 50, "total": 51}))
    portal.script.append(Reply(200, {"result": [{"ID": "50"}], "next": 100}))
    with client_of(portal) as client:
        assert [len(page) for page in read_pages(client, "user.get", {"FILTER": {}})] == [50, 1]
    assert [body["start"] for _, body in portal.log] == [0, 50]


def test_pages_that_a_total_tells_of_are_one_request() -> None:
    """The first page alone, then all others; what follows a short one is not taken."""
    users = [{"ID": str(number)} for number in range(1, 121)]
    portal = ScriptedPortal()
    first = {"result": users[:50], "next": 50, "total": 170}
    portal.script.append(Reply(200, first))
    portal.methods["user.get"] = lambda params: users[int(params["start"]) :][:50]
    batch = portal._batch

    def counted(body: dict[str, Any]) -> Reply:
        reply = batch(body)
        reply.body["result"]["result_next"] = {"from_50": 100, "from_100": 150}
        return reply

    portal._batch = counted  # type: ignore[method-assign]
    with client_of(portal) as client:
        assert [len(page) for page in read_pages(client, "user.get")] == [50, 50, 20]
    assert [method for method, _ in portal.log] == ["user.get", "batch"]
    assert len(portal.log[1][1]["cmd"]) == 3


def test_15_rows_deleted_while_paging() -> None:
    """Paging by id neither skips nor repeats what stays."""
    portal = ScriptedPortal(list(range(1, 6001)))

    def delete_some(portal: ScriptedPortal) -> None:
        ids = portal.ids["crm.deal.list"]
        del ids[len(ids) // 3 : len(ids) // 3 + 3]

    portal.on_page = delete_some
    read = ids_of(portal)
    assert set(portal.ids["crm.deal.list"]) <= set(read)
    assert len(read) == len(set(read))


def test_15_rows_made_while_paging_are_the_next_readings() -> None:
    """What is made after the start is above the highest id of the start."""
    portal = ScriptedPortal(list(range(1, 3001)))
    portal.on_page = lambda portal: portal.ids["crm.deal.list"].append(portal.ids["crm.deal.list"][-1] + 1)
    assert ids_of(portal) == list(range(1, 3001))


def test_16_totals_are_not_believed() -> None:
    """`total` is 0 with start=-1 and wrong elsewhere; no list ends or goes on because of it."""
    portal = ScriptedPortal()
    full = [{"ID": str(number)} for number in range(50)]
    portal.script.append(Reply(200, {"result": full, "next": 50, "total": 0}))
    portal.script.append(Reply(200, {"result": [], "total": 9999}))
    with client_of(portal) as client:
        assert sum(len(page) for page in read_pages(client, "user.get")) == 50


@pytest.mark.parametrize("bad", [None, "", "x", [], {}])
def test_22_an_id_that_is_no_number_is_one_clear_error(bad: Any) -> None:
    """Strings and numbers are ids; anything else stops the reading with one error."""
    portal = ScriptedPortal([1])
    portal.methods["crm.deal.list"] = lambda params: [{"ID": bad}]
    with pytest.raises(UnreadableAnswer, match=r"crm\.deal\.list"), client_of(portal) as client:
        list(read_list(client, DEALS))


def test_reading_by_ids_skips_what_is_gone() -> None:
    """2500 ids a request; missing ones are simply absent."""
    portal = ScriptedPortal(list(range(1, 6001, 2)))
    with client_of(portal) as client:
        parts = list(read_ids(client, DEALS, list(range(1, 6001))))
    assert [int(row["ID"]) for part in parts for row in part] == list(range(1, 6001, 2))
    assert len(portal.log) == 3
