"""Inbound events over a real socket into a real database."""

from __future__ import annotations

import socket
import time
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import httpx
import pytest

from b24_pipeline.bitrix.events.inbound import InboundEvent
from b24_pipeline.errors import AppRemoved, DatabaseUnavailable, PortalUnreachable
from b24_pipeline.store.database.warehouse import Warehouse
from b24_pipeline.store.events.senders import RELOAD_SECONDS
from b24_pipeline.web.events import webhook
from b24_pipeline.web.events.proving import Proofs
from b24_pipeline.web.events.receiver import Receiver
from tests.integration.web.events.conftest import landed, post
from tests.support import installation
from tests.support.data.events import CANARY, MEMBER, TOKEN, body, may_send
from tests.support.installation import execute, fetch
from tests.support.servers.serving import receiver_of, served


def test_event_is_committed_before_it_is_answered(
    warehouse: Warehouse, account: UUID, receiver: Receiver, url: str
) -> None:
    """One row, without any token, waiting to be drained."""
    answer = post(url, body(access_token=CANARY, refresh_token=f"{CANARY}2"))
    assert (answer.status_code, answer.json()) == (200, {"success": True})
    (row,) = landed(warehouse)
    assert (row["user_account_id"], row["member_id"], row["event"]) == (account, MEMBER, "ONCRMDEALUPDATE")
    assert (row["entity_type"], row["entity_id"], row["status"], row["attempts"]) == (
        "deal",
        4127,
        "pending",
        0,
    )
    assert row["payload"]["data"] == {"FIELDS": {"ID": "4127"}}
    assert not any(secret in str(row) for secret in (CANARY, TOKEN))
    assert receiver.receipts == {"landed": 1}


def test_forged_and_unknown_are_refused_alike(warehouse: Warehouse, account: UUID, url: str) -> None:
    """The answer does not tell which portals are connected."""
    answers = [
        post(url, body(token="d41d8cd98f00b204e9800998ecf8427e")),
        post(url, body(member="f" * 32)),
        post(url, body("ONAPPUNINSTALL", token="x")),
        post(url, body("ONAPPINSTALL", member="f" * 32)),
    ]
    assert {(one.status_code, one.text) for one in answers} == {
        (
            403,
            '{"error":"forbidden","message":"the portal is not connected, or the application_token is wrong"}',
        )
    }
    assert landed(warehouse) == []
    assert account


@pytest.mark.parametrize(
    ("content", "status", "code"),
    [
        (b"", 400, "malformed"),
        (b"a=%zz", 400, "malformed"),
        (b"a" + b"[a]" * 5000 + b"=1", 400, "malformed"),
        (b"&".join([b"a=1"] * 20_000), 413, "too_large"),
        (b"x" * 65_537, 413, "too_large"),
        (b"x" * 50_000_000, 413, "too_large"),
        (iter([b"x" * 65_536, b"x"]), 413, "too_large"),
    ],
)
def test_what_no_portal_sends_is_refused(
    warehouse: Warehouse, receiver: Receiver, url: str, content: Any, status: int, code: str
) -> None:
    """With the right status, and nothing is stored."""
    try:
        answer = post(url, content)
    except httpx.WriteError:  # it closed the connection on us while we were still sending
        assert len(content) > 1_000_000
    else:
        assert (answer.status_code, answer.json()["error"]) == (status, code)
    assert receiver.receipts == {code: 1}
    assert landed(warehouse) == []


def test_only_post_is_taken(url: str) -> None:
    """Wrong method."""
    for method in ("GET", "PUT", "DELETE", "PATCH"):
        answer = httpx.request(method, url, trust_env=False)
        assert (answer.status_code, answer.headers["allow"]) == (405, "POST")


def test_a_slash_at_the_end_is_forgiven(account: UUID, url: str) -> None:
    """People type the handler's address, and Bitrix24 follows no redirect."""
    assert post(f"{url}/", body()).status_code == 200
    assert account


def test_a_body_without_end_is_not_waited_for(
    receiver: Receiver, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A sender that stops in the middle frees its place."""
    monkeypatch.setattr(webhook, "SECONDS_TO_ARRIVE", 0.2)
    place = urlsplit(url)
    with socket.create_connection((place.hostname or "", place.port or 0), timeout=5) as connection:
        head = f"POST {place.path} HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nevent="
        connection.sendall(head.encode())
        assert connection.recv(100).startswith(b"HTTP/1.1 408")
    assert receiver.receipts == {"too_slow": 1}


def test_a_portal_connected_a_moment_ago_may_send(
    warehouse: Warehouse, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who is unknown is looked up again, though not more than once a second."""
    assert post(url, body()).status_code == 403
    may_send(warehouse, installation.account(warehouse))
    time.sleep(RELOAD_SECONDS)
    assert post(url, body()).status_code == 200


def test_a_portal_without_member_id_is_meant_by_its_token(warehouse: Warehouse, url: str) -> None:
    """Connected by a webhook credential, with an outgoing webhook: no event tells who it is, whatever it says."""
    account = installation.account(warehouse)
    may_send(warehouse, account, member=None)
    assert post(url, body(token="d41d8cd98f00b204e9800998ecf8427e")).status_code == 403
    assert post(url, body(number=1)).status_code == 200
    assert post(url, body(number=2, member="f" * 32)).status_code == 200
    assert fetch(warehouse, "select id, bitrix24_member_id as member from user_accounts") == [
        {"id": account, "member": None}
    ]
    assert [row["user_account_id"] for row in landed(warehouse)] == [account, account]


def test_a_token_of_two_portals_proves_neither(
    warehouse: Warehouse, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where nothing else tells them apart; and a portal that is known by its identity is meant by that."""
    for name in ("acme", "globex"):
        may_send(warehouse, installation.account(warehouse, name), member=None)
    assert post(url, body()).status_code == 403
    may_send(warehouse, installation.account(warehouse, "initech"), member=MEMBER, token="another-of-initech")
    time.sleep(RELOAD_SECONDS)
    assert post(url, body()).status_code == 403
    assert post(url, body(token="another-of-initech")).status_code == 200


def test_removed_application_takes_its_tokens_along(warehouse: Warehouse, account: UUID) -> None:
    """At once, in the transaction of the event, once it is confirmed; the next event is a stranger's."""
    execute(
        warehouse,
        "update user_accounts set bitrix24_access_token = 'x', bitrix24_refresh_token = 'y' where id = %s",
        account,
    )
    asked: list[UUID] = []

    def is_removed(one: UUID) -> bool:
        asked.append(one)
        return True

    with served(receiver_of(warehouse, proofs=Proofs(is_removed=is_removed))) as url:
        assert post(url, body("ONAPPUNINSTALL", member=MEMBER)).status_code == 200
        assert post(url, body()).status_code == 403
    assert asked == [account]
    (row,) = fetch(
        warehouse,
        "select bitrix24_access_token as access, bitrix24_refresh_token as refresh, bitrix24_status as status,"
        " bitrix24_application_token as proof, bitrix24_status_reason as reason from user_accounts",
    )
    assert row == {
        "access": None,
        "refresh": None,
        "proof": None,
        "status": "disconnected",
        "reason": "the application was removed in the portal",
    }
    assert [one["status"] for one in landed(warehouse)] == ["done"]


def _unreachable(_account: UUID) -> bool:
    raise PortalUnreachable("acme", "no answer")


@pytest.mark.parametrize(
    ("is_removed", "status"), [(lambda _account: False, 403), (_unreachable, 503), (None, 403)]
)
def test_a_removal_that_is_not_confirmed_changes_nothing(
    warehouse: Warehouse, account: UUID, is_removed: Any, status: int
) -> None:
    """Our own credential works, or nobody can tell: the token in the event alone removes nothing."""
    before = fetch(warehouse, "select * from user_accounts")
    with served(receiver_of(warehouse, proofs=Proofs(is_removed=is_removed))) as url:
        assert post(url, body("ONAPPUNINSTALL", member=MEMBER)).status_code == status
    assert fetch(warehouse, "select * from user_accounts") == before
    assert landed(warehouse) == []
    assert account


def test_installation_is_proved_by_the_hook(warehouse: Warehouse, account: UUID) -> None:
    """It gets the tokens, which are stored nowhere else."""
    seen: list[InboundEvent] = []

    def install(event: InboundEvent, _sender: str) -> Any:
        seen.append(event)
        return SimpleNamespace(id=account)

    with served(receiver_of(warehouse, proofs=Proofs(on_install=install))) as url:
        content = body("ONAPPINSTALL", token="another", access_token=CANARY, refresh_token=f"{CANARY}2")
        assert post(url, content).status_code == 200
    assert (seen[0].access_token, seen[0].refresh_token) == (CANARY, f"{CANARY}2")
    (row,) = landed(warehouse)
    assert row["status"] == "done"
    assert CANARY not in str(row)


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (AppRemoved("acme", "app.info", "NOT_INSTALLED", "", 401), 403),
        (PortalUnreachable("acme", "no answer"), 503),
        (DatabaseUnavailable("away"), 503),
    ],
)
def test_installation_that_is_not_proved_is_refused(
    warehouse: Warehouse, account: UUID, error: Exception, status: int
) -> None:
    """Or cannot be proved just now."""

    def install(_event: InboundEvent, _sender: str) -> Any:
        raise error

    with served(receiver_of(warehouse, proofs=Proofs(on_install=install))) as url:
        assert post(url, body("ONAPPINSTALL", access_token=CANARY)).status_code == status
    assert landed(warehouse) == []
    assert account
