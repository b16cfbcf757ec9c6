"""Connections of the HTTP service: no client holds one for ever, and no crowd of them shuts the others out.

uvicorn bounds neither the age nor the size of a request's head, stops its clock of idle connections at any byte, and
waits for ever for a client to take an answer. Bitrix24 sends an event once, so a connection that cannot be
made is an event that is lost: the connections that wait for their clients are closed, oldest first, before a new
one is refused.
"""

from __future__ import annotations

import socket
import struct
from asyncio import AbstractEventLoop, TimerHandle, Transport
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from itertools import islice
from time import monotonic
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from b24_pipeline.web.client_address import ClientAddresses

LARGEST_HEAD = 32 * 1024
LOOK_SECONDS = 30.0
SPARED_SECONDS = 0.5
_RESET = struct.pack("ii", 1, 0)  # closing sends a reset


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """How many connections there may be, in all and of one client's address, and how long each may wait for its client.

    For half a second there may be twice as many.
    `body_seconds` is longer than the application waits for a body (`body_limit.py`), which answers before that.
    """

    most: int = 800
    most_of_an_address: int = 200
    head_seconds: float = 10.0
    body_seconds: float = 25.0
    idle_seconds: float = 15.0
    answer_seconds: float = 30.0


class Room:
    """The connections of one server. Those from our own proxies are of many clients and not counted by address."""

    def __init__(self, limits: ConnectionLimits, addresses: ClientAddresses) -> None:
        self.limits = limits
        self._addresses = addresses
        self._inside: dict[HttpConnection, str] = {}
        self._of_an_address: Counter[str] = Counter()
        self._waiting: dict[HttpConnection, float] = {}  # in the order in which they began to wait

    def enter(self, connection: HttpConnection) -> bool:
        """Takes a connection in, in the place of the oldest that waits if need be; False where there is no place."""
        address = self._addresses.of_client(connection.client)
        if address and not self._has_place(
            self._of_an_address[address], self.limits.most_of_an_address, address
        ):
            return False
        if not self._has_place(len(self._inside), self.limits.most):
            return False
        self._inside[connection] = address
        self._of_an_address[address] += 1
        self.waits(connection)
        return True

    def waits(self, connection: HttpConnection) -> None:
        """From now on this connection waits for its client."""
        if connection in self._inside:
            self._waiting.pop(connection, None)
            self._waiting[connection] = monotonic()

    def works(self, connection: HttpConnection) -> None:
        """From now on the client waits for us."""
        self._waiting.pop(connection, None)

    def leave(self, connection: HttpConnection) -> None:
        """Forgets a connection, which may have been forgotten before."""
        self._waiting.pop(connection, None)
        address = self._inside.pop(connection, None)
        if address is not None:
            self._of_an_address[address] -= 1
            if not self._of_an_address[address]:
                del self._of_an_address[address]

    def _has_place(self, number: int, most: int, address: str = "") -> bool:
        """Whether there is a place for one more, after the oldest that wait, of this address or of all, were closed.

        A connection that came a moment ago may have sent its request, which is not read yet after a pause of ours.
        It is spared, for which there are as many places again.
        """
        if number < most:
            return True
        waiting = (one for one in self._waiting if not address or self._inside[one] == address)
        for oldest in list(islice(waiting, number - most + 1)):
            if number < most * 2 and self._waiting[oldest] > monotonic() - SPARED_SECONDS:
                return True
            self.leave(oldest)
            oldest.drop()
            number -= 1
        return number < most


class _Phase(Enum):
    """What a connection waits for."""

    HEAD = auto()
    BODY = auto()
    ANSWER = auto()
    """The request is whole: the client waits for us."""
    NEXT_REQUEST = auto()
    CLOSING = auto()
    """The client has to take the rest of the last answer."""


class HttpConnection(HttpToolsProtocol):
    """uvicorn's HTTP protocol with a deadline for all that it waits for. No byte of the client moves a deadline."""

    _phase = _Phase.HEAD
    _head_bytes = 0

    def __init__(self, room: Room, **given: Any) -> None:
        super().__init__(**given)
        self._room = room
        limits = room.limits
        self._seconds = {
            _Phase.HEAD: limits.head_seconds,
            _Phase.BODY: limits.body_seconds,
            _Phase.ANSWER: LOOK_SECONDS,
            _Phase.NEXT_REQUEST: limits.idle_seconds,
            _Phase.CLOSING: limits.answer_seconds,
        }
        self._deadline = _Deadline(self.loop, self._is_late)
        self._answer_deadline = _Deadline(self.loop, self.drop)
        self._unanswered: list[RequestResponseCycle] = []

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        """Takes a place and starts the clock of the first request (asyncio calls it)."""
        super().connection_made(transport)
        if self._room.enter(self):
            self._begin(_Phase.HEAD)
        else:
            transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stops the clocks and frees the place (asyncio calls it)."""
        self._deadline.call_off()
        self._answer_deadline.call_off()
        self._room.leave(self)
        self._tell_gone()
        super().connection_lost(exc)

    def drop(self) -> None:
        """Closes at once; what the client has not taken of an answer is thrown away."""
        self._tell_gone()
        if self.flow.write_paused or self._phase is _Phase.CLOSING:
            # the system would keep the rest for a client that does not take it
            self.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self.transport.abort()

    def data_received(self, data: bytes) -> None:
        """Counts the bytes of a head that has not ended (asyncio calls it)."""
        super().data_received(data)
        if self._phase is _Phase.HEAD:
            self._head_bytes += len(data)
            if self._head_bytes > LARGEST_HEAD:
                self._refuse_head()

    def on_message_begin(self) -> None:
        """Starts the clock at the first byte of a further request (the parser calls it)."""
        super().on_message_begin()
        if self._phase is not _Phase.HEAD:
            self._begin(_Phase.HEAD)

    def on_headers_complete(self) -> None:
        """The head is complete (the parser calls it)."""
        self._head_bytes = 0
        self._begin(_Phase.BODY)
        super().on_headers_complete()
        self._unanswered = [*(cycle for cycle in self._unanswered if not cycle.response_complete), self.cycle]

    def on_message_complete(self) -> None:
        """The body is complete; it may have been answered unread (the parser calls it)."""
        super().on_message_complete()
        self._begin(_Phase.NEXT_REQUEST if self._is_answered else _Phase.ANSWER)

    def on_response_complete(self) -> None:
        """The answer is written; its client may still have to take it (uvicorn calls it)."""
        super().on_response_complete()
        if not self.flow.write_paused:
            self._answer_deadline.call_off()
        if self.transport.is_closing():
            self._begin(_Phase.CLOSING)
        elif self._phase is _Phase.ANSWER and self._is_answered:
            self._begin(_Phase.NEXT_REQUEST)

    def send_400_response(self, msg: str) -> None:
        """Refuses what is no request, and closes (uvicorn calls it)."""
        super().send_400_response(msg)
        self._begin(_Phase.CLOSING)

    def pause_writing(self) -> None:
        """The client takes an answer more slowly than it is written (asyncio calls it)."""
        super().pause_writing()
        self._room.waits(self)
        if not self._answer_deadline.is_set:
            self._answer_deadline.set(self._room.limits.answer_seconds)

    def resume_writing(self) -> None:
        """The client has taken most of what was written (asyncio calls it)."""
        super().resume_writing()
        if self._is_answered:
            self._answer_deadline.call_off()
        elif self._phase is _Phase.ANSWER:
            self._room.works(self)

    @property
    def _is_answered(self) -> bool:
        return self.cycle is None or self.cycle.response_complete

    def _tell_gone(self) -> None:
        """Lets the requests that are worked on know: uvicorn tells the last alone, and the others would write on."""
        for cycle in self._unanswered:
            cycle.disconnected = True
            cycle.message_event.set()

    def _begin(self, phase: _Phase) -> None:
        self._phase = phase
        self._deadline.set(self._seconds[phase])
        if phase is _Phase.ANSWER:
            self._room.works(self)
        else:
            self._room.waits(self)

    def _is_late(self) -> None:
        """Ends what took too long, without a word where nothing was asked.

        Browsers open connections ahead of need, and take what comes on one for the answer to their next request.
        """
        closing = self.transport.is_closing()
        if self._phase is _Phase.ANSWER and not closing:
            self._deadline.set(LOOK_SECONDS)  # looks again: a failed answer closes without telling us
        elif self._phase is _Phase.HEAD and self._head_bytes and not closing:
            self._refuse_head()
        else:
            self.drop()

    def _refuse_head(self) -> None:
        if not self._is_answered:
            self.drop()  # an earlier request is being answered: nothing can be said between
        elif not self.transport.is_closing():
            self.send_400_response("Request head too large or too slow.")


class _Deadline:
    """A moment at which something is done, unless it is called off."""

    def __init__(self, loop: AbstractEventLoop, action: Callable[[], None]) -> None:
        self._loop = loop
        self._action = action
        self._timer: TimerHandle | None = None

    @property
    def is_set(self) -> bool:
        return self._timer is not None

    def set(self, seconds: float) -> None:
        self.call_off()
        self._timer = self._loop.call_later(seconds, self._act)

    def call_off(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _act(self) -> None:
        self._timer = None
        self._action()
