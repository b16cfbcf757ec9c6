"""Batches under way: as one lands the next one leaves, whatever the caller does meanwhile.

The rows of an answer take the caller longer to store than the portal to send.
So each answer is opened as it comes, tells the plan what it found, and waits for
the caller together with a few others.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import Condition
from types import TracebackType
from typing import Protocol, Self

from b24_pipeline.bitrix.http.exchange import Received
from b24_pipeline.bitrix.lists.pages import Chunk, Piece, Walk
from b24_pipeline.bitrix.lists.plan import RangePool
from b24_pipeline.bitrix.lists.ranges import Chain, IdRange, OpenRange, merged

# An answer that is opened takes three times its size; others stay as they came until there is room.
MOST_OPEN_BYTES = 8 * 1024 * 1024

Chains = Sequence[Chain]


class BatchReader(Protocol):
    """What a reader does with the chains of one batch; the last two are called by one thread at a time."""

    def send(self, chains: Chains) -> Received:
        """Sends the batch of these chains and returns the answer, a large one undecoded."""

    def open(self, chains: Chains, received: Received) -> list[Walk]:
        """Decodes the answer: what each chain brought."""

    def too_heavy(self, chains: Chains, error: BaseException) -> bool:
        """Whether a smaller batch may mend this error; then the chains are in the plan again."""

    def settle(self, chains: Chains, walks: list[Walk]) -> list[Piece]:
        """Returns the rows that were read; what was not read goes back into the plan."""


@dataclass(frozen=True, slots=True, eq=False)
class _Landed:
    pieces: list[Piece]
    size: int


class Flights:
    """Sends the batches of a plan, `concurrency` at once, and hands over what they bring.

    `front_first`: of what waits for the caller, the lowest ids are handed over first; else what came first.
    """

    def __init__(
        self, reader: BatchReader, pool: RangePool, concurrency: int, *, front_first: bool = False
    ) -> None:
        self._reader = reader
        self._pool = pool
        self._concurrency = concurrency
        self._front_first = front_first
        self._senders = ThreadPoolExecutor(concurrency, thread_name_prefix="b24-list")
        # one, since each thread that decodes keeps memory of its own for it
        self._opener = ThreadPoolExecutor(1, thread_name_prefix="b24-open")
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
        for threads in (self._senders, self._opener):
            threads.shutdown(wait=False, cancel_futures=True)

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
                landed = self._next_landed()
                self._free(landed.size)
                return Chunk(tuple(landed.pieces), merged(self._left()))
            if self._failure:
                raise self._failure
            return None

    def _next_landed(self) -> _Landed:
        if self._front_first:
            lowest = min(self._landed, key=lambda landed: landed.pieces[0].done.after)
            self._landed.remove(lowest)
            return lowest
        return self._landed.popleft()

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
            self._senders.submit(self._fly, chains)

    def _fly(self, chains: Chains) -> None:
        """One batch, in a thread of its own."""
        try:
            received = self._reader.send(chains)
            self._opener.submit(self._open, chains, received)
        except BaseException as error:
            self._fail(chains, error)

    def _open(self, chains: Chains, received: Received) -> None:
        size = len(received.content)
        self._wait_for_room(size)
        try:
            walks = self._reader.open(chains, received)
            with self._changed:
                self._under_way.remove(chains)
                self._land(self._reader.settle(chains, walks), size)
                self._leave()
        except BaseException as error:
            self._fail(chains, error, size)

    def _fail(self, chains: Chains, error: BaseException, size: int = 0) -> None:
        with self._changed:
            self._free(size)
            if chains in self._under_way and self._reader.too_heavy(chains, error):
                self._under_way.remove(chains)
                self._leave()
            else:
                # the caller raises it, once it has taken what landed before
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
