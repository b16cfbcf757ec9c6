"""Batches under way: as one lands the next one leaves, whatever the caller does meanwhile.

The rows of an answer take the caller longer to store than the portal to send.
So each answer is opened in the thread that brought it, tells the plan what it
found, and waits for the caller together with a few others.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import Condition
from types import TracebackType
from typing import Protocol, Self

from b24_pipeline.bitrix.pages import Chunk, Piece, Walk
from b24_pipeline.bitrix.ranges import Chain, IdRange, OpenRange, RangePool, merged

# An answer that is opened takes three times its size; others stay as they came until there is room.
MOST_OPEN_BYTES = 8 * 1024 * 1024

Chains = Sequence[Chain]


class Reader(Protocol):
    """What is done with the chains of one batch; `settle` is called by one thread at a time."""

    def read(self, chains: Chains, room: Callable[[int], None]) -> list[Walk] | None:
        """What came of each chain, or None where that was too much for the portal.

        `room` waits until an answer of so many bytes may be decoded.
        """

    def settle(self, chains: Chains, walks: list[Walk] | None) -> list[Piece]:
        """The rows found; what was not read goes back into the plan."""


@dataclass(frozen=True, slots=True)
class _Landed:
    pieces: list[Piece]
    size: int


class Flights:
    """Sends the batches of a plan, `concurrency` at once, and hands over what they bring."""

    def __init__(self, reader: Reader, pool: RangePool, concurrency: int) -> None:
        self._reader = reader
        self._pool = pool
        self._concurrency = concurrency
        self._workers = ThreadPoolExecutor(concurrency, thread_name_prefix="b24-list")
        self._changed = Condition()  # its lock guards all of the following, and the pool
        self._under_way: list[Chains] = []
        self._landed: deque[_Landed] = deque()
        self._open_bytes = 0
        self._failure: BaseException | None = None
        self._closed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._workers.shutdown(wait=False, cancel_futures=True)

    def chunks(self) -> Iterator[Chunk]:
        """What each batch brings, until nothing is left. Raises what sending or opening one raised."""
        with self._changed:
            self._leave()
        while chunk := self._next_chunk():
            yield chunk

    def _next_chunk(self) -> Chunk | None:
        with self._changed:
            self._changed.wait_for(lambda: self._landed or self._failure or not self._under_way)
            if self._landed:
                landed = self._landed.popleft()
                self._free(landed.size)
                return Chunk(tuple(landed.pieces), merged(self._left()))
            if self._failure:
                raise self._failure
            return None

    def _left(self) -> Iterator[OpenRange | IdRange]:
        """All ranges whose rows the caller has not got."""
        yield from self._pool.ranges()
        yield from (chain.range for chains in self._under_way for chain in chains)
        yield from (piece.done for landed in self._landed for piece in landed.pieces)

    def _leave(self) -> None:
        if self._closed or self._failure:
            return
        idle = self._concurrency - len(self._under_way)
        coming = sum(chain.leaves for chains in self._under_way for chain in chains)
        for chains in self._pool.take(idle, coming):
            self._under_way.append(chains)
            self._workers.submit(self._fly, chains)

    def _fly(self, chains: Chains) -> None:
        """One batch, in a thread of its own."""
        held: list[int] = []

        def room(size: int) -> None:
            self._wait_for_room(size)
            held.append(size)

        try:
            walks = self._reader.read(chains, room)
            with self._changed:
                self._under_way.remove(chains)
                self._land(self._reader.settle(chains, walks), sum(held))
                self._leave()
        except BaseException as error:
            # the caller raises it, once it has taken what landed before
            with self._changed:
                self._failure = self._failure or error
                self._changed.notify_all()

    def _land(self, pieces: list[Piece], size: int) -> None:
        if pieces:
            self._landed.append(_Landed(pieces, size))
            self._changed.notify_all()
        else:
            self._free(size)

    def _wait_for_room(self, size: int) -> None:
        with self._changed:
            self._changed.wait_for(
                lambda: self._closed or not self._open_bytes or self._open_bytes + size <= MOST_OPEN_BYTES
            )
            self._open_bytes += size

    def _free(self, size: int) -> None:
        self._open_bytes -= size
        self._changed.notify_all()
