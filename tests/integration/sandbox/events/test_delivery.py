"""How badly events travel."""

from __future__ import annotations

import socket
import time
from collections import Counter
from collections.abc import Callable

from b24_pipeline.sandbox import EventDelivery, Sandbox
from tests.integration.sandbox.conftest import HTTP, App
from tests.integration.sandbox.events.conftest import ADD, MOVED, UPDATE, connected, deal
from tests.support.servers.event_receiver import Receiver

Start = Callable[..., Sandbox]


def test_nobody_sends_twice(start: Start) -> None:
    """A refusal, a redirect, a handler that is gone: each event was sent once and is over."""
    sandbox = start()
    silent = socket.create_server(("127.0.0.1", 0))
    with silent, Receiver(status=500) as refusing, Receiver(status=302) as moving:
        token = connected(sandbox, refusing, UPDATE)
        for url in (moving.url, f"http://127.0.0.1:{silent.getsockname()[1]}/", "http://127.0.0.1:9/"):
            App(sandbox).bind(token, url, UPDATE)
        sandbox.deliver_events(timeout_seconds=0.3)
        sandbox.update("deal", deal(sandbox), {"TITLE": "x"})
        statuses = [one.status for one in sandbox.wait_for_events()]
    assert sorted(map(int, statuses)) == [0, 0, 302, 500]
    assert len(refusing.events) == len(moving.events) == 1


def test_deliveries_are_distorted_as_set(start: Start, receiver: Receiver) -> None:
    """Some lost, some doubled, some out of turn, all delayed; what was sent says the same."""
    settings = EventDelivery(lose=0.3, duplicate=0.3, reorder=0.3, delay_seconds=0.2, burst=8, seed=5)
    sandbox = start(events=settings)
    connected(sandbox, receiver, ADD)
    begun = time.monotonic()
    ids = [sandbox.add("deal", {"TITLE": "x"}) for _ in range(100)]
    sent = sandbox.wait_for_events()
    assert time.monotonic() - begun >= 0.2
    lost = {one.entity_id for one in sent if one.status == "lost"}
    arrived = Counter(receiver.ids(ADD))
    assert arrived.keys() == set(ids) - lost
    assert 15 < len(lost) < 45
    assert 10 < sum(1 for times in arrived.values() if times == 2) < 40
    assert max(arrived.values()) == 2
    assert list(arrived) != sorted(arrived)


def test_events_are_steered_over_http(start: Start, receiver: Receiver) -> None:
    """A webhook of the portal, another delivery, what was sent, who is bound."""
    sandbox = start()
    base = sandbox.url + "/sandbox/"
    connected(sandbox, receiver, UPDATE)
    hook = {"url": receiver.url, "events": [ADD], "application_token": "secret"}
    assert HTTP.post(base + "outgoing-webhook", json=hook).json()["result"] > 0
    HTTP.post(base + "events/delivery", json={"lose": 1})
    HTTP.post(base + "add", json={"entity_type": "deal", "fields": {"TITLE": "x"}})
    (sent,) = HTTP.get(base + "events").json()["result"]
    assert (sent["event"], sent["status"]) == (ADD, "lost")
    assert HTTP.get(base + "bindings").json()["result"][0]["handler"] == receiver.url
    assert HTTP.post(base + "events/delivery", json={"lose": 7}).status_code == 400


def test_the_portal_changes_by_itself(start: Start, receiver: Receiver) -> None:
    """Something happens every so often until the portal stops."""
    sandbox = start()
    connected(sandbox, receiver, UPDATE, MOVED, ADD)
    sandbox.keep_changing(0.02)
    deadline = time.monotonic() + 10
    while not receiver.events and time.monotonic() < deadline:
        time.sleep(0.02)
    assert receiver.events
