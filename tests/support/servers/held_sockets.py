"""Clients that hold their connections, each in another way, and a portal that sends events meanwhile."""

from __future__ import annotations

import asyncio
import itertools
import resource
import select
import socket
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from threading import Event, Thread

from tests.support.data.events import body

HEALTH = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
SCHEMA = b"GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n"
EVENT_HEAD = b"POST /webhooks/bitrix24 HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n"
UNREAD_BODY = b"POST /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: 9000\r\n\r\nabc"
SMALL_BUFFER = 4096
CONNECT_SECONDS = 10


@dataclass(frozen=True)
class Kind:
    """What a client sends when it has connected, and after the answer to that; then it does nothing more."""

    name: str
    first: bytes = b""
    after_answer: bytes = b""


KINDS = (
    Kind("says nothing"),
    Kind("begins a head", HEALTH[:20]),
    Kind("sends an empty line", b"\r\n"),
    Kind("begins a body", EVENT_HEAD % 300 + b"event="),
    Kind("idles", HEALTH),
    Kind("sends a byte after an answer", HEALTH, b"G"),
    Kind("sends an empty line after an answer", HEALTH, b"\r\n"),
    Kind("leaves a body unread", UNREAD_BODY, b"d"),
    Kind("takes no answer", SCHEMA * 4),
)


def hold(port: int, kind: Kind, address: str = "127.0.0.1") -> socket.socket:
    """A connection from this address, held in this way."""
    held = _connected(port, kind, address)
    _go_on(held, kind)
    return held


def _connected(port: int, kind: Kind, address: str) -> socket.socket:
    held = socket.socket()
    held.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL_BUFFER)
    held.settimeout(CONNECT_SECONDS)
    held.bind((address, 0))
    held.connect(("127.0.0.1", port))
    with suppress(OSError):  # it may be closed already
        held.sendall(kind.first)
    return held


def _go_on(held: socket.socket, kind: Kind) -> None:
    if kind.after_answer:
        with suppress(OSError):
            held.recv(65536)
            held.sendall(kind.after_answer)


@contextmanager
def many_held(port: int, of_each_kind: int, addresses: Iterable[str]) -> Iterator[list[socket.socket]]:
    """Connections of all kinds in turn, opened as fast as can be by a thread beside the block."""
    held: list[socket.socket] = []
    over = Event()

    def work() -> None:
        sources = itertools.cycle(addresses)
        for _ in range(of_each_kind):
            if over.is_set():
                return
            opened = []
            for kind in KINDS:
                with suppress(OSError):
                    opened.append((_connected(port, kind, next(sources)), kind))
            held.extend(connection for connection, _ in opened)
            for connection, kind in opened:
                _go_on(connection, kind)

    thread = Thread(target=work)
    thread.start()
    try:
        yield held
    finally:
        over.set()
        thread.join()
        for connection in held:
            connection.close()


def still_open(held: Iterable[socket.socket]) -> int:
    """How many of these the server has not closed; what it sent before that is taken."""
    return sum(not _is_closed(connection) for connection in held)


def all_closed(held: Sequence[socket.socket], within_seconds: float) -> bool:
    """Whether the server closes all of these within so many seconds."""
    deadline = time.monotonic() + within_seconds
    left = list(held)
    while left and time.monotonic() < deadline:
        left = [connection for connection in left if not _has_hung_up(connection)]
        time.sleep(0.1)
    return not still_open(left)


def _has_hung_up(connection: socket.socket) -> bool:
    """Whether the other end is closed; nothing is taken, so that a slow reader stays one."""
    poll = select.poll()
    poll.register(connection, select.POLLRDHUP)
    return bool(poll.poll(0))


def _is_closed(connection: socket.socket) -> bool:
    connection.setblocking(False)
    try:
        while connection.recv(1 << 20):
            pass
    except BlockingIOError:
        return False
    except OSError:
        return True
    return True


def events_sent(
    port: int, seconds: float, a_second: int, address: str = "127.0.0.1"
) -> list[tuple[bytes, float]]:
    """Sends events at this rate, each on a connection of its own: the status and the seconds of each."""
    return asyncio.run(_events_sent(port, seconds, a_second, address))


async def _events_sent(port: int, seconds: float, a_second: int, address: str) -> list[tuple[bytes, float]]:
    started = time.monotonic()
    tasks = []
    for number in range(int(seconds * a_second)):
        await asyncio.sleep(started + number / a_second - time.monotonic())
        tasks.append(asyncio.create_task(_sent(port, address, body(number=number + 1))))
    return await asyncio.gather(*tasks)


async def _sent(port: int, address: str, content: bytes) -> tuple[bytes, float]:
    started = time.monotonic()
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=(address, 0))
        writer.write(EVENT_HEAD % len(content) + content)
        status = (await reader.read(4096))[9:12]
        writer.close()
    except OSError as error:
        status = type(error).__name__.encode()
    return status, time.monotonic() - started


def allow_descriptors() -> None:
    """As many sockets as this process may have."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
