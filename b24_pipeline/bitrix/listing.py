"""Whole lists by ascending id: several ranges at once, resumable after every chunk.

A reader yields rows together with the ranges it has not delivered yet. Whoever
commits both in one transaction can be killed anywhere and go on from there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from typing import Any, Protocol

from b24_pipeline.bitrix.answers import Answer, BatchAnswer, rows_of
from b24_pipeline.bitrix.batch import MAX_COMMANDS, Command
from b24_pipeline.bitrix.exchange import Received
from b24_pipeline.bitrix.pages import ListQuery, Row, Walk, highest_ids, walk
from b24_pipeline.bitrix.ranges import PAGE_ROWS, Chain, IdRange, OpenRange, RangePool, merged
from b24_pipeline.errors import (
    ListDidNotAdvance,
    OperatingLimit,
    PortalTimeout,
    RequestLimit,
    ServerFault,
    UnreadableAnswer,
)

__all__ = ["Chunk", "IdRange", "ListQuery", "Piece", "read_ids", "read_list", "read_pages"]

# A smaller batch may mend these (trap 30).
_TOO_HEAVY = (PortalTimeout, ServerFault, UnreadableAnswer)
# These may pass when the same page is asked for again.
_PASSING = (RequestLimit, OperatingLimit, ServerFault)
_MOST_FAILURES = 3
# Two samples of an even list differ by no more than this.
_ALIKE = 0.6


@dataclass(frozen=True, slots=True)
class Piece:
    """All rows of one id range, ascending."""

    done: IdRange
    rows: list[Row]


@dataclass(frozen=True, slots=True)
class Chunk:
    """What one request brought, and the ranges not delivered after it: the cursor to commit with it."""

    pieces: tuple[Piece, ...]
    left: tuple[IdRange, ...]


class Client(Protocol):
    """What a listing needs of BitrixClient."""

    portal: str

    def call(self, method: str, params: Mapping[str, Any] | None = None) -> Answer: ...

    def batch(self, commands: Mapping[str, Command], *, halt: bool = False) -> BatchAnswer: ...

    def send_batch(self, commands: Mapping[str, Command]) -> Received: ...

    def open_batch(self, commands: Mapping[str, Command], received: Received) -> BatchAnswer: ...


def read_list(
    client: Client,
    query: ListQuery,
    ranges: Sequence[IdRange] = (IdRange(0, None),),
    *,
    concurrency: int = 8,
    first_pages: int = 6,
) -> Iterator[Chunk]:
    """Every row in the ranges, each once, in chunks of at most 2500 rows; the pieces come in any order.

    An open end becomes the highest id found by the first request, which also
    brings the first pages: a short list takes one request. At most
    `concurrency` answers are held in memory, one of them decoded. There is at
    least one chunk.
    """
    reading = _Reading(client, query)
    yield reading.first_chunk(ranges, first_pages)
    yield from reading.rest(concurrency)


def read_ids(client: Client, query: ListQuery, ids: Sequence[int]) -> Iterator[list[Row]]:
    """The rows of these ids as far as they exist, 2500 ids a request; raises the error of any command."""
    groups = [list(ids[start : start + PAGE_ROWS]) for start in range(0, len(ids), PAGE_ROWS)]
    for start in range(0, len(groups), MAX_COMMANDS):
        part = groups[start : start + MAX_COMMANDS]
        answer = client.batch({f"ids_{number}": query.by_ids(group) for number, group in enumerate(part)})
        yield [
            row for number in range(len(part)) for row in rows_of(answer.get(f"ids_{number}"), query.wrapper)
        ]


def read_pages(
    client: Client, method: str, params: Mapping[str, Any] | None = None, wrapper: str | None = None
) -> Iterator[list[Row]]:
    """Page by page by `next`, for the lists that cannot be read by id (`user.get`, `crm.status.list`).

    Raises ListDidNotAdvance when `next` or the rows stay the same.
    """
    start: int | None = 0
    before: list[Row] | None = None
    while start is not None:
        answer = client.call(method, {**(params or {}), "start": start})
        rows = rows_of(answer.result, wrapper)
        if (rows and rows == before) or (answer.next is not None and answer.next <= start):
            raise ListDidNotAdvance(
                client.portal, f"{method}: the page after start={start} repeats what came before"
            )
        yield rows
        # Odd methods show `next` on their last page (trap 6).
        start = answer.next if len(rows) >= PAGE_ROWS else None
        before = rows


@dataclass(frozen=True, slots=True)
class Flight:
    """A batch under way: the chains that it reads, and its commands."""

    chains: list[Chain]
    commands: dict[str, Command]


class _Reading:
    """One list being read: the pool of open ranges and the batches under way."""

    def __init__(self, client: Client, query: ListQuery) -> None:
        self._client = client
        self._query = query
        self._pool = RangePool()
        self._landed: list[Piece] = []
        self._flights: dict[Future[Received], Flight] = {}

    def first_chunk(self, ranges: Sequence[IdRange], pages: int) -> Chunk:
        """One small batch: the highest id, if an end is open, and the first pages of the ranges."""
        open_end = any(one.upto is None for one in ranges)
        probed = list(ranges)[: MAX_COMMANDS - 1]
        share = max(1, min(pages, (MAX_COMMANDS - 1) // max(len(probed), 1)))
        answer = self._probe(probed, share, open_end)
        tops = highest_ids(self._client.portal, self._query, answer, "top") if open_end else []
        pieces = [self._begin(number, one, share, answer, tops) for number, one in enumerate(probed)]
        self._add_unprobed(list(ranges)[len(probed) :], tops)
        return Chunk(tuple(piece for piece in pieces if piece), self._left())

    def rest(self, concurrency: int) -> Iterator[Chunk]:
        """Everything after the first chunk."""
        workers = ThreadPoolExecutor(concurrency, thread_name_prefix="b24-list")
        try:
            self._send(workers, concurrency)
            while self._flights:
                landed, _ = wait(self._flights, return_when=FIRST_COMPLETED)
                for future in landed:
                    self._landed = self._land(future)
                    # Before yielding, so that the portal works while the rows are stored.
                    self._send(workers, concurrency)
                    if self._landed:
                        yield self._hand_over()
        finally:
            workers.shutdown(wait=False, cancel_futures=True)

    def _probe(self, ranges: Sequence[IdRange], pages: int, open_end: bool) -> BatchAnswer:
        commands: dict[str, Command] = {"top": self._query.top()} if open_end else {}
        for number, one in enumerate(ranges):
            commands |= self._query.chain(f"r{number}", one.after, one.upto, pages)
        return self._client.batch(commands) if commands else BatchAnswer()

    def _begin(
        self, number: int, one: IdRange, pages: int, answer: BatchAnswer, tops: list[int]
    ) -> Piece | None:
        """Take what the first request read of a range, and put the rest of it into the pool."""
        keys = [f"r{number}_{page}" for page in range(pages)]
        read = walk(self._client.portal, self._query, answer, keys, one.after, one.upto)
        upto = one.upto
        if upto is None:
            # Rows made since are the next reading's: this one ends at the highest id it saw.
            upto = max(tops[0] if tops else one.after, one.after)
            read.rows = [row for row in read.rows if int(row[self._query.id_field]) <= upto]
            read.complete, read.covered = read.complete or read.covered >= upto, min(read.covered, upto)
        return self._keep(OpenRange(one.after, upto), read, _density(tops) if one.upto is None else None)

    def _add_unprobed(self, ranges: Sequence[IdRange], tops: list[int]) -> None:
        known = self._pool.ranges()
        density = sum(one.density for one in known) / len(known) if known else 1.0
        for one in ranges:
            upto = one.upto if one.upto is not None else max(tops[0] if tops else 0, one.after)
            self._pool.add(OpenRange(one.after, upto, density, PAGE_ROWS))

    def _send(self, workers: ThreadPoolExecutor, concurrency: int) -> None:
        busy = len(self._flights)
        for chains in self._pool.take(concurrency - busy, busy):
            commands: dict[str, Command] = {}
            for number, chain in enumerate(chains):
                commands |= self._query.chain(f"r{number}", chain.range.after, chain.range.upto, chain.pages)
            self._flights[workers.submit(self._client.send_batch, commands)] = Flight(chains, commands)

    def _hand_over(self) -> Chunk:
        """The rows just landed; nothing here holds on to them."""
        pieces, self._landed = tuple(self._landed), []
        return Chunk(pieces, self._left())

    def _land(self, future: Future[Received]) -> list[Piece]:
        """Decoded only now, so that of all the answers under way few take the room of their objects."""
        flight = self._flights.pop(future)
        try:
            answer = self._client.open_batch(flight.commands, future.result())
        except _TOO_HEAVY:
            if len(flight.commands) == 1:
                raise
            self._pool.too_heavy(len(flight.commands))
            for chain in flight.chains:
                self._pool.add(chain.range)
            return []
        self._pool.came_through()
        pieces = [self._take(number, chain, answer) for number, chain in enumerate(flight.chains)]
        return [piece for piece in pieces if piece]

    def _take(self, number: int, chain: Chain, answer: BatchAnswer) -> Piece | None:
        keys = [f"r{number}_{page}" for page in range(chain.pages)]
        opened = chain.range
        read = walk(self._client.portal, self._query, answer, keys, opened.after, opened.upto)
        if read.complete:
            self._pool.ended(chain, len(read.rows))
        end = opened.upto if read.complete else read.covered
        self._pool.landed(len(read.rows), end - opened.after)
        return self._keep(opened, read)

    def _keep(self, opened: OpenRange, read: Walk, density: float | None = None) -> Piece | None:
        """The rows read become a piece; what is not covered goes back into the pool."""
        if read.complete:
            return Piece(IdRange(opened.after, opened.upto), read.rows)
        failures = 0 if read.rows else opened.failures + 1
        if read.error and (failures > _MOST_FAILURES or not isinstance(read.error, _PASSING)):
            raise read.error
        if failures > _MOST_FAILURES:
            raise UnreadableAnswer(self._client.portal, f"{self._query.method}: a page of a batch never came")
        self._pool.add(_rest(opened, read, failures, density))
        return Piece(IdRange(opened.after, read.covered), read.rows) if read.rows else None

    def _left(self) -> tuple[IdRange, ...]:
        flying = [chain.range for flight in self._flights.values() for chain in flight.chains]
        return merged([*self._pool.ranges(), *flying])


def _rest(opened: OpenRange, read: Walk, failures: int, density: float | None) -> OpenRange:
    """What remains of a range, with the density of the rows just read."""
    if not read.rows:
        return replace(opened, failures=failures)
    here = len(read.rows) / (read.covered - opened.after)
    return OpenRange(read.covered, opened.upto, _agreed(here, density), len(read.rows), failures)


def _agreed(front: float, top: float | None) -> float:
    """The density between both ends: what they agree on, and the thinner one where they do not."""
    if top is None:
        return front
    return (front + top) / 2 if _ALIKE < front / top < 1 / _ALIKE else min(front, top)


def _density(ids: Sequence[int]) -> float | None:
    """Rows per id at the high end, from a full page of descending ids."""
    return len(ids) / (ids[0] - ids[-1] + 1) if len(ids) > 1 else None
