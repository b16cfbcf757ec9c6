"""uvicorn's HTTP protocol, with a bound on the size and the age of a request's head.

uvicorn bounds neither: a head that never ends holds its socket for ever, and
one of many megabytes is kept in memory.
"""

from __future__ import annotations

from asyncio import TimerHandle, Transport

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

LARGEST_HEAD = 32 * 1024
SLOWEST_HEAD_SECONDS = 10.0


class PunctualProtocol(HttpToolsProtocol):
    """Closes a connection whose head is too large or not there in time; idle ones are uvicorn's."""

    _head_timer: TimerHandle | None = None
    _head_bytes = 0

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        """asyncio."""
        super().connection_made(transport)
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """asyncio."""
        self._head_is_there()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """asyncio."""
        super().data_received(data)
        if self._head_timer is None:
            return
        self._head_bytes += len(data)
        if self._head_bytes > LARGEST_HEAD:
            self._give_up()

    def on_message_begin(self) -> None:
        """The first byte of a request."""
        super().on_message_begin()
        self._await_head()

    def on_headers_complete(self) -> None:
        """The last byte of its head."""
        self._head_is_there()
        super().on_headers_complete()

    def _await_head(self) -> None:
        if self._head_timer is None:
            self._head_timer = self.loop.call_later(SLOWEST_HEAD_SECONDS, self._give_up)

    def _head_is_there(self) -> None:
        self._head_bytes = 0
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _give_up(self) -> None:
        self._head_is_there()
        if not self.transport.is_closing():
            self.send_400_response("Request head too large or too slow.")
