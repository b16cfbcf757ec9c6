"""Connections that are held by silent, slow and many clients, over real sockets."""

from __future__ import annotations

import socket
import time

import httpx
import pytest
from fastapi import FastAPI

from b24_pipeline.web.assembly import assemble
from b24_pipeline.web.connections import SPARED_SECONDS, ConnectionLimits
from tests.support.servers.held_sockets import (
    HEALTH,
    KINDS,
    SCHEMA,
    all_closed,
    hold,
    still_open,
)
from tests.support.servers.web_service import parts_of, raw_answer, served

SHORT = ConnectionLimits(head_seconds=0.5, body_seconds=0.5, idle_seconds=0.5, answer_seconds=0.5)
TAKES_NOTHING = KINDS[-1].name
LONGER = ConnectionLimits(head_seconds=4.0, body_seconds=4.0, idle_seconds=4.0, answer_seconds=4.0)


def port_of(address: str) -> int:
    return int(address.rsplit(":", 1)[1])


@pytest.fixture(scope="module")
def app() -> FastAPI:
    """The application with nothing behind it; each test serves it with limits of its own."""
    return assemble(parts_of())


def test_every_way_of_holding_ends(app: FastAPI) -> None:
    """At its deadline, and not before; bytes that are no request do not move it."""
    with served(app, limits=LONGER) as address:
        # made once, which on a slow machine takes as long as the deadline of those that wait meanwhile
        assert httpx.get(f"{address}/openapi.json", trust_env=False, timeout=60).status_code == 200
        held = {kind.name: hold(port_of(address), kind) for kind in KINDS}
        assert {name for name, one in held.items() if not still_open([one])} <= {TAKES_NOTHING}
        taker = held.pop(TAKES_NOTHING)  # sees the end only when it takes what was sent before
        all_closed(list(held.values()), 15)
        assert [name for name, one in held.items() if still_open([one])] == []
        assert all_closed([taker], 15)


def test_a_connection_that_asked_nothing_is_told_nothing(app: FastAPI) -> None:
    """Browsers open some ahead of need, and would show what comes on them as the answer to the next click."""
    with served(app, limits=SHORT) as address, socket.socket() as unused:
        unused.settimeout(10)
        unused.connect(("127.0.0.1", port_of(address)))
        assert unused.recv(1024) == b""


def test_no_byte_moves_a_deadline(app: FastAPI) -> None:
    """A client that goes on sending empty lines, or a body that nobody reads, is closed all the same."""
    after_answer = (HEALTH, *[b"\r\n"] * 30)
    unread = (
        HEALTH.replace(b"GET", b"POST").replace(b"\r\n\r\n", b"\r\nContent-Length: 90\r\n\r\n"),
        *[b"a"] * 30,
    )
    with served(app, limits=SHORT) as address:
        for pieces in (after_answer, unread):
            started = time.monotonic()
            raw_answer(address, *pieces, pause_seconds=0.1)
            assert time.monotonic() - started < 2.5


def test_a_slow_reader_gets_its_time_and_no_more(app: FastAPI) -> None:
    """A reader that takes a little now and then is closed at the deadline of the answer."""
    with (
        served(app, limits=ConnectionLimits(answer_seconds=1)) as address,
        socket.socket() as slow,
    ):
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        slow.settimeout(10)
        slow.connect(("127.0.0.1", port_of(address)))
        slow.sendall(SCHEMA * 200)
        deadline = time.monotonic() + 20
        with pytest.raises(ConnectionResetError):
            while time.monotonic() < deadline:
                assert slow.recv(512)
                time.sleep(0.02)


def test_a_whole_reader_is_not_cut_off(app: FastAPI) -> None:
    """Many answers in a row on one connection, each taken at once, outlive the deadline of one."""
    with served(app, limits=SHORT) as address, httpx.Client(trust_env=False) as client:
        deadline = time.monotonic() + 1.5
        while time.monotonic() < deadline:
            assert client.get(f"{address}/openapi.json").json()["openapi"]
            time.sleep(0.1)


def test_who_waits_longest_makes_room(app: FastAPI) -> None:
    """With all places taken by connections that wait, a new one is taken in and the oldest is closed."""
    with served(app, limits=ConnectionLimits(most=4)) as address:
        held = [hold(port_of(address), KINDS[0]) for _ in range(4)]
        time.sleep(SPARED_SECONDS + 0.5)
        assert httpx.get(f"{address}/healthz", trust_env=False).status_code == 200
        time.sleep(0.3)
        assert [still_open([one]) for one in held] == [0, 1, 1, 1]


def test_who_came_a_moment_ago_is_spared_for_as_many_again(app: FastAPI) -> None:
    """What comes in one rush is not closed before it could be read, up to twice the places."""
    with served(app, limits=ConnectionLimits(most=4)) as address:
        held = [hold(port_of(address), KINDS[0]) for _ in range(10)]
        time.sleep(0.3)
        assert [still_open([one]) for one in held] == [0, 0, *[1] * 8]
        time.sleep(SPARED_SECONDS + 0.5)
        assert httpx.get(f"{address}/healthz", trust_env=False).status_code == 200
        time.sleep(0.3)
        assert still_open(held) == 3


def test_an_address_has_a_share(app: FastAPI) -> None:
    """One client's connections take each other's places, and nobody else's."""
    limits = ConnectionLimits(most=100, most_of_an_address=3)
    with served(app, limits=limits) as address:
        port = port_of(address)
        others = hold(port, KINDS[0], "127.0.0.8")
        held = [hold(port, KINDS[0], "127.0.0.7") for _ in range(3)]
        time.sleep(SPARED_SECONDS + 0.5)
        held += [hold(port, KINDS[0], "127.0.0.7") for _ in range(2)]
        time.sleep(0.3)
        assert [still_open([one]) for one in (others, *held)] == [1, 0, 0, 1, 1, 1]
