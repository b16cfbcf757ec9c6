"""uvicorn's HTTP protocol, with bounds on the size and the age of a request's head.

uvicorn bounds neither: a head that never ends would hold its socket for ever,
and a head of many megabytes would be kept in memory.
"""

from __future__ import annotations

from asyncio import TimerHandle, Transport

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

LARGEST_HEAD = 32 * 1024
SLOWEST_HEAD_SECONDS = 10.0


class PunctualProtocol(HttpToolsProtocol):
    """Answers 400 and closes where a request's head is too large or too slow; uvicorn closes idle connections."""

    _head_timer: TimerHandle | None = None
    _head_bytes = 0

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        """Starts the clock of the first request (asyncio calls it)."""
        super().connection_made(transport)
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stops the clock (asyncio calls it)."""
        self._head_is_complete()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Counts the bytes of a head that has not ended (asyncio calls it)."""
        super().data_received(data)
        if self._head_timer is None:
            return
        self._head_bytes += len(data)
        if self._head_bytes > LARGEST_HEAD:
            self._give_up()

    def on_message_begin(self) -> None:
        """Starts the clock at the first byte of a further request (the parser calls it)."""
        super().on_message_begin()
        self._await_head()

    def on_headers_complete(self) -> None:
        """Stops the clock: the head is complete (the parser calls it)."""
        self._head_is_complete()
        super().on_headers_complete()

    def _await_head(self) -> None:
        if self._head_timer is None:
            self._head_timer = self.loop.call_later(SLOWEST_HEAD_SECONDS, self._give_up)

    def _head_is_complete(self) -> None:
        self._head_bytes = 0
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _give_up(self) -> None:
        self._head_is_complete()
        if not self.transport.is_closing():
            self.send_400_response("Request head too large or too slow.")
