"""The rings of a call: what is sent, refreshed, counted and handed on."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import httpx
import pytest

from b24_pipeline.bitrix.answers import Time
from b24_pipeline.bitrix.batch import Command, Reference
from b24_pipeline.bitrix.budget.shared import memory_budget
from b24_pipeline.bitrix.client import BitrixClient, Route
from b24_pipeline.bitrix.http.address import PortalAddress
from b24_pipeline.bitrix.http.exchange import MAX_ANSWER_BYTES
from b24_pipeline.bitrix.usage import Usage
from b24_pipeline.errors import CredentialRefused, TokenExpired, UnreadableAnswer
from tests.support.servers.scripted_portal import AT_ONCE, SECRET, Reply, ScriptedPortal, client_of, error


class AppCredential:
    """As an application has one: the token goes into the body."""

    address = PortalAddress("https", "acme.bitrix24.com", 443)

    def __init__(self) -> None:
        self.token, self.stale = "first", []  # type: tuple[str, list[str]]

    def prepare(self, method: str, body: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        return f"https://acme.bitrix24.com/rest/{method}", {**body, "auth": self.token}

    def refresh(self, stale: str) -> None:
        self.stale.append(stale)
        self.token = "second"


def app_client(portal: ScriptedPortal, credential: AppCredential) -> BitrixClient:
    return BitrixClient(
        portal="acme",
        credential=credential,
        budget=memory_budget("acme"),
        http=httpx.Client(transport=portal.transport()),
        waits=AT_ONCE,
    )


def test_an_expired_token_is_refreshed_once() -> None:
    """401 expired_token: refresh with the token that was sent, then the same call again."""
    portal, credential = ScriptedPortal(), AppCredential()
    portal.methods["profile"] = lambda params: {"ID": "1"}
    portal.script.append(error("expired_token", 401))
    assert app_client(portal, credential).call("profile", {"x": 1}).result == {"ID": "1"}
    assert credential.stale == ["first"]
    assert [body for _, body in portal.log] == [{"x": 1, "auth": "first"}, {"x": 1, "auth": "second"}]


def test_a_fresh_token_that_is_called_expired_is_refreshed_again_after_a_pause() -> None:
    """One server of the portal may be behind: that passes."""
    portal, credential = ScriptedPortal(), AppCredential()
    portal.methods["profile"] = lambda params: {"ID": "1"}
    portal.script.extend([error("expired_token", 401)] * 3)
    assert app_client(portal, credential).call("profile").result == {"ID": "1"}
    assert credential.stale == ["first", "second"]
    assert len(portal.log) == 4


def test_a_token_that_stays_expired_is_an_error() -> None:
    """No loop: two pauses with a refresh each, and then the portal's answer stands."""
    portal, credential = ScriptedPortal(), AppCredential()
    portal.script.extend([error("expired_token", 401)] * 20)
    with pytest.raises(TokenExpired):
        app_client(portal, credential).call("profile")
    assert len(portal.log) == 2 * 3


def test_a_webhook_that_expired_is_refused() -> None:
    """There is nothing to refresh; the message says what to do."""
    portal = ScriptedPortal()
    portal.script.append(error("expired_token", 401))
    with pytest.raises(CredentialRefused, match="made anew") as caught:
        client_of(portal).call("profile")
    assert SECRET not in str(caught.value)


def test_what_is_sent() -> None:
    """POST, JSON both ways, a name that says who we are; the answer's parts come back typed."""
    seen: list[httpx.Request] = []

    def handle(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        body = {"result": [], "total": "3", "next": 50, "time": {"date_start": "2026-09-21T13:33:20+03:00"}}
        return httpx.Response(200, json=body)

    client = client_of(ScriptedPortal())
    client._route = Route(client._route.credential, httpx.Client(transport=httpx.MockTransport(handle)))
    answer = client.call("crm.deal.list", {"start": 0})
    assert (answer.result, answer.total, answer.next) == ([], 3, 50)
    assert client.clock == datetime.fromisoformat("2026-09-21T13:33:20+03:00")
    assert (seen[0].method, seen[0].content) == ("POST", b'{"start":0}')
    assert seen[0].headers["Content-Type"] == seen[0].headers["Accept"] == "application/json"
    assert seen[0].headers["User-Agent"].startswith("b24-pipeline")


def test_more_than_fifty_commands_are_several_requests() -> None:
    """The caller need not count; every key has its own result."""
    portal = ScriptedPortal()
    portal.methods["m"] = lambda params: {"n": params["n"]}
    client = client_of(portal)
    answer = client.batch({f"c{number}": Command("m", {"n": number}) for number in range(120)})
    assert [answer.get(f"c{number}")["n"] for number in range(120)] == [str(number) for number in range(120)]
    assert (client.usage.requests, client.usage.commands) == (3, 120)


def test_numeric_keys_come_back_too() -> None:
    """PHP turns them into lists; they are still the keys given."""
    portal = ScriptedPortal()
    portal.methods["m"] = lambda params: {"n": params["n"]}
    portal.command_errors[1] = error("", 400, "Not found")
    answer = client_of(portal).batch({str(number): Command("m", {"n": number}) for number in range(3)})
    assert answer.results == {"0": {"n": "0"}, "2": {"n": "2"}}
    assert list(answer.errors) == ["1"]


def test_commands_that_lean_on_others_are_not_sent_again_alone() -> None:
    """Alone, a reference would lead nowhere and read the list from its beginning."""
    portal = ScriptedPortal()
    portal.methods["m"] = lambda params: {"ID": "1"}
    portal.command_errors[1] = error("INTERNAL_SERVER_ERROR", 500)
    answer = client_of(portal).batch(
        {"a": Command("m"), "b": Command("m", {"x": Reference("$result[a][ID]")})}
    )
    assert list(answer.errors) == ["b"]
    assert len(portal.log) == 1


def test_an_answer_without_end_is_cut() -> None:
    """Memory is bounded whatever the portal sends."""
    portal = ScriptedPortal()
    portal.script.extend([Reply(200, b" " * (MAX_ANSWER_BYTES + 1))] * 4)
    with pytest.raises(UnreadableAnswer, match="64 MiB"):
        client_of(portal).call("profile")


def test_usage_counts_growth_only() -> None:
    """`operating` is a sum over ten minutes: what others used before us, and overtaking answers, do not count."""
    usage = Usage()
    usage.reported({"m": Time(finish=1.0, duration=0.5, operating=100.0)})
    usage.reported({"m": Time(finish=3.0, operating=103.0)})
    usage.reported({"m": Time(finish=2.0, operating=102.0)})
    usage.reported({"m": Time(finish=4.0, operating=50.0)})
    usage.reported({"m": Time(finish=5.0, operating=51.0)})
    assert usage.operating_seconds == pytest.approx(0.5 + 3.0 + 0.0 + 0.0 + 1.0)
