"""Inbound events a second that are committed, the load generator on the same machine."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import time
import urllib.request
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlencode, urlsplit

import uvloop

from b24_pipeline.store.database.vault import Vault
from b24_pipeline.store.database.warehouse import Warehouse
from b24_pipeline.store.events.senders import APPLICATION_TOKEN
from benchmarks.setting import STOP_SECONDS, b24, database, environment, median, report

if TYPE_CHECKING:
    from collections.abc import Iterator

EVENTS = 20_000
SENDERS = 32
START_SECONDS = 30
STEADY_A_SECOND = 1_500
MEMBER, TOKEN = "0a1b2c3d4e5f60718293a4b5c6d7e8f9", "c41d8cd98f00b204e9800998ecf8427e"


def run(rounds: int) -> None:
    """As fast as it goes, and at a steady rate, for it is then that a delay means something."""
    fastest, tails = [], []
    for _ in range(rounds):
        with database() as url, _service(url) as address:
            seconds, _ = uvloop.run(_post(address, range(EVENTS), pace=None))
            fastest.append(EVENTS / seconds)
            _, waits = uvloop.run(_post(address, range(EVENTS, 2 * EVENTS), pace=STEADY_A_SECOND))
            tails.append(waits[int(len(waits) * 0.99)] * 1000)
            _all_landed(url)
    report("events/s committed", median(fastest), 1_500, at_least=True)
    report(
        f"p99 of an answer at {STEADY_A_SECOND:,} events/s", median(tails), 100, at_least=False, unit=" ms"
    )


@contextmanager
def _service(url: str) -> Iterator[str]:
    """The address of `b24 serve`, where a portal may send events."""
    settings = environment(url)
    _connect(url, settings["B24_SECRET_KEYS"])
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    process = subprocess.Popen(b24("serve", "--port", port), env=settings, stderr=subprocess.DEVNULL)
    try:
        _await_ready(f"http://127.0.0.1:{port}")
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(STOP_SECONDS)


def _await_ready(address: str) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        try:
            urllib.request.urlopen(f"{address}/readyz").close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise SystemExit(f"b24 serve is not ready after {START_SECONDS} s")


def _connect(url: str, key: str) -> None:
    warehouse = Warehouse(url)
    with warehouse.connect() as connection:
        made = connection.execute(
            "insert into user_accounts (name, bitrix24_domain, bitrix24_member_id)"
            " values ('bench', 'bench.bitrix24.com', %s) returning id",
            (MEMBER,),
        ).fetchone()
        assert made
        locked = Vault(key).lock(made[0], APPLICATION_TOKEN, TOKEN)
        connection.execute("update user_accounts set bitrix24_application_token = %s", (locked,))
    warehouse.close()


def _all_landed(url: str) -> None:
    warehouse = Warehouse(url)
    with warehouse.connect() as connection:
        found = connection.execute("select count(*) from bitrix24_webhook_events").fetchone()
    warehouse.close()
    assert found == (2 * EVENTS,), found


async def _post(address: str, numbers: range, *, pace: float | None) -> tuple[float, list[float]]:
    """Posts these events over kept connections; the seconds of all, and of each answer, sorted.

    With a pace, the time counts from when the event was due, not from when a connection was free.
    """
    place = urlsplit(address)
    requests = iter([(number, _request(place.netloc, number)) for number in numbers])
    begin, waits = time.monotonic(), []

    async def send() -> None:
        reader, writer = await asyncio.open_connection(place.hostname, place.port)
        for number, request in requests:
            due = begin + (number - numbers.start) / pace if pace else time.monotonic()
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200"), head
            length = head.lower().partition(b"content-length:")[2].split(b"\r\n")[0]
            await reader.readexactly(int(length))
            waits.append(time.monotonic() - due)
        writer.close()

    await asyncio.gather(*(send() for _ in range(SENDERS)))
    return time.monotonic() - begin, sorted(waits)


def _request(host: str, number: int) -> bytes:
    body = urlencode(
        {
            "event": "ONCRMDEALUPDATE",
            "event_handler_id": "318",
            "data[FIELDS][ID]": str(number + 1),
            "ts": "1790000000",
            "auth[access_token]": "f1c0" * 16,
            "auth[expires]": "1790003600",
            "auth[expires_in]": "3600",
            "auth[scope]": "crm",
            "auth[domain]": "bench.bitrix24.com",
            "auth[server_endpoint]": "https://oauth.bitrix.info/rest/",
            "auth[status]": "L",
            "auth[client_endpoint]": "https://bench.bitrix24.com/rest/",
            "auth[member_id]": MEMBER,
            "auth[user_id]": "1",
            "auth[application_token]": TOKEN,
        }
    )
    head = (
        f"POST /webhooks/bitrix24 HTTP/1.1\r\nHost: {host}\r\nUser-Agent: Bitrix24 Webhook Engine\r\n"
        f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return (head + body).encode()
