"""Whole lists by ascending id: several ranges at once, resumable after every chunk.

A reader yields rows together with the ranges it has not delivered yet. Whoever
commits both in one transaction can be killed anywhere and go on from there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol

from b24_pipeline.bitrix.answers import Answer, BatchAnswer, Row, decoding, rows_of
from b24_pipeline.bitrix.batch import MAX_COMMANDS, Command
from b24_pipeline.bitrix.http.exchange import Received
from b24_pipeline.bitrix.lists.in_flight import Flights
from b24_pipeline.bitrix.lists.pages import Chunk, ListQuery, Piece, Walk, highest_ids, page_rows, walk
from b24_pipeline.bitrix.lists.plan import RangePool
from b24_pipeline.bitrix.lists.ranges import PAGE_ROWS, Chain, IdRange, OpenRange, Seen, merged
from b24_pipeline.errors import (
    ListDidNotAdvance,
    UnreadableAnswer,
)
from b24_pipeline.errors.groups import PASSING, TOO_HEAVY

_MOST_FAILURES = 3
# Where both ends differ by more than this part of their mean, neither is taken for the whole.
_ALIKE = 0.5


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

    Where the query says `front_first`, they come by ascending id but for what overtakes or is packed together.

    An open end becomes the highest id found by the first request, which also
    brings the first pages: a short list takes one request. `concurrency` requests
    are under way at once, also while the caller works; of their answers few are
    decoded at a time (`in_flight.MOST_OPEN_BYTES`). There is at least one chunk.
    """
    reading = _Reading(client, query)
    yield reading.first_chunk(ranges, first_pages)
    yield from reading.rest(concurrency)


def read_ids(client: Client, query: ListQuery, ids: Sequence[int]) -> Iterator[list[Row]]:
    """The rows of these ids as far as they exist, 2500 ids a request. Raises the error of any command."""
    groups = [list(ids[start : start + PAGE_ROWS]) for start in range(0, len(ids), PAGE_ROWS)]
    for start in range(0, len(groups), MAX_COMMANDS):
        part = groups[start : start + MAX_COMMANDS]
        answer = client.batch({f"ids_{number}": query.by_ids(group) for number, group in enumerate(part)})
        results = [answer.get(f"ids_{number}") for number in range(len(part))]
        yield [row for result in results for row in page_rows(client.portal, query, result)[0]]


def read_pages(
    client: Client,
    method: str,
    params: Mapping[str, Any] | None = None,
    wrapper: str | None = None,
    *,
    first: Answer | None = None,
) -> Iterator[list[Row]]:
    """Page by page by `next`, for the lists that cannot be read by id (`user.get`, `crm.status.list`).

    `first`: the answer with the first page, if it has come already. Pages that its `total` tells of are asked for
    together. Raises ListDidNotAdvance when `next` or the rows stay the same.
    """
    start: int | None = 0
    before: list[Row] | None = None
    coming = {0: first} if first else {}
    total: int | None = None
    while start is not None:
        coming = coming if start in coming else _pages_from(client, method, params or {}, start, total)
        answer = coming[start]
        total = answer.total
        with decoding(client.portal, method):
            rows = rows_of(answer.result, wrapper)
        if (rows and rows == before) or (answer.next is not None and answer.next <= start):
            raise ListDidNotAdvance(
                client.portal, f"{method}: the page after start={start} repeats what came before"
            )
        yield rows
        # Odd methods show `next` on their last page (trap 6).
        start = answer.next if len(rows) >= PAGE_ROWS else None
        before = rows


def _pages_from(
    client: Client, method: str, params: Mapping[str, Any], start: int, total: int | None
) -> dict[int, Answer]:
    """The answers with the page from `start` on and those after it, by their starts: one request."""
    starts = range(start, max(total or 0, start + 1), PAGE_ROWS)[:MAX_COMMANDS]
    if len(starts) == 1:
        return {start: client.call(method, {**params, "start": start})}
    answer = client.batch({f"from_{place}": Command(method, {**params, "start": place}) for place in starts})
    return {place: answer.one(f"from_{place}") for place in starts}


class _Reading:
    """One list being read: the plan of open ranges, and the batches under way."""

    def __init__(self, client: Client, query: ListQuery) -> None:
        self._client = client
        self._query = query
        self._pool = RangePool(front_first=query.front_first)

    def first_chunk(self, ranges: Sequence[IdRange], pages: int) -> Chunk:
        """One small batch: the highest id, if an end is open, and the first pages of the ranges."""
        open_end = any(ids.upto is None for ids in ranges)
        probed = list(ranges)[: MAX_COMMANDS - 1]
        share = max(1, min(pages, (MAX_COMMANDS - 1) // max(len(probed), 1)))
        answer = self._probe(probed, share, open_end)
        tops = highest_ids(self._client.portal, self._query, answer, "top") if open_end else []
        pieces = [self._begin(number, ids, share, answer, tops) for number, ids in enumerate(probed)]
        self._add_unprobed(list(ranges)[len(probed) :], tops)
        return Chunk(tuple(piece for piece in pieces if piece), merged(self._pool.ranges()))

    def rest(self, concurrency: int) -> Iterator[Chunk]:
        """Yields everything after the first chunk."""
        with Flights(self, self._pool, concurrency, front_first=self._query.front_first) as flights:
            yield from flights.chunks()

    def _probe(self, ranges: Sequence[IdRange], pages: int, open_end: bool) -> BatchAnswer:
        commands: dict[str, Command] = {"top": self._query.top()} if open_end else {}
        for number, ids in enumerate(ranges):
            commands |= self._query.chain(f"r{number}", ids.after, ids.upto, pages)
        return self._client.batch(commands) if commands else BatchAnswer()

    def _begin(
        self, number: int, ids: IdRange, pages: int, answer: BatchAnswer, tops: list[int]
    ) -> Piece | None:
        """Take what the first request read of a range, and put the rest of it into the pool."""
        keys = [f"r{number}_{page}" for page in range(pages)]
        read = walk(self._client.portal, self._query, answer, keys, ids.after, ids.upto)
        upto = ids.upto
        if upto is None:
            # Rows made since are the next reading's: this one ends at the highest id it saw.
            upto = max(tops[0] if tops else ids.after, ids.after)
            read.rows = [row for row in read.rows if int(row[self._query.id_field]) <= upto]
            read.complete, read.covered = read.complete or read.covered >= upto, min(read.covered, upto)
        return self._keep(OpenRange(ids.after, upto), read, _density(tops) if ids.upto is None else None)

    def _add_unprobed(self, ranges: Sequence[IdRange], tops: list[int]) -> None:
        known = self._pool.ranges()
        density = sum(ids.density for ids in known) / len(known) if known else 1.0
        for ids in ranges:
            upto = ids.upto if ids.upto is not None else max(tops[0] if tops else 0, ids.after)
            self._pool.add(OpenRange(ids.after, upto, density, 1.0 - density, PAGE_ROWS))

    def send(self, chains: Sequence[Chain]) -> Received:
        """The answer to a batch of these chains."""
        return self._client.send_batch(self._commands(chains))

    def open(self, chains: Sequence[Chain], received: Received) -> list[Walk]:
        """What each chain brought."""
        answer = self._client.open_batch(self._commands(chains), received)
        return [self._walk(number, chain, answer) for number, chain in enumerate(chains)]

    def too_heavy(self, chains: Sequence[Chain], error: BaseException) -> bool:
        """Whether a smaller batch may mend this error; if so, its ranges go back into the pool."""
        pages = sum(chain.pages for chain in chains)
        if not isinstance(error, TOO_HEAVY) or pages == 1:
            return False
        self._pool.too_heavy(pages)
        for chain in chains:
            self._pool.add(chain.range)
        return True

    def settle(self, chains: Sequence[Chain], walks: list[Walk]) -> list[Piece]:
        """The pieces read; the rest goes back into the pool."""
        self._pool.came_through()
        pieces = [self._take(chain, read) for chain, read in zip(chains, walks, strict=True)]
        return [piece for piece in pieces if piece]

    def _commands(self, chains: Sequence[Chain]) -> dict[str, Command]:
        commands: dict[str, Command] = {}
        for number, chain in enumerate(chains):
            commands |= self._query.chain(f"r{number}", chain.range.after, chain.range.upto, chain.pages)
        return commands

    def _walk(self, number: int, chain: Chain, answer: BatchAnswer) -> Walk:
        keys = [f"r{number}_{page}" for page in range(chain.pages)]
        return walk(self._client.portal, self._query, answer, keys, chain.range.after, chain.range.upto)

    def _take(self, chain: Chain, read: Walk) -> Piece | None:
        """What was found tells the plan, and becomes a piece."""
        opened = chain.range
        if read.complete:
            self._pool.ended(chain, len(read.rows))
        self._pool.landed(_seen(opened, read))
        return self._keep(opened, read)

    def _keep(self, opened: OpenRange, read: Walk, density: float | None = None) -> Piece | None:
        """The rows read become a piece; what is not covered goes back into the pool."""
        if read.complete:
            return Piece(IdRange(opened.after, opened.upto), read.rows)
        failures = 0 if read.rows else opened.failures + 1
        if read.error and (failures > _MOST_FAILURES or not isinstance(read.error, PASSING)):
            raise read.error
        if failures > _MOST_FAILURES:
            raise UnreadableAnswer(self._client.portal, f"{self._query.method}: a page of a batch never came")
        self._pool.add(_rest(opened, read, failures, density))
        return Piece(IdRange(opened.after, read.covered), read.rows) if read.rows else None


def _rest(opened: OpenRange, read: Walk, failures: int, top: float | None) -> OpenRange:
    """What remains of a range, by the rows just read and the density at its high end, where that is known."""
    if not read.rows:
        return replace(opened, failures=failures)
    seen = _seen(opened, read)
    density, patchiness = seen.density, seen.patchiness
    if top is not None:
        mean = (density + top) / 2
        apart = (density - top) / mean
        density = mean if abs(apart) < _ALIKE else min(density, top)
        patchiness = max(patchiness, apart**2 * PAGE_ROWS / 2)
    return OpenRange(read.covered, opened.upto, density, patchiness, seen.rows, failures)


def _seen(opened: OpenRange, read: Walk) -> Seen:
    end = opened.upto if read.complete else read.covered
    return Seen(len(read.rows), end - opened.after, read.squares + (end - read.covered) ** 2)


def _density(ids: Sequence[int]) -> float | None:
    """Rows per id at the high end, from a full page of descending ids."""
    return len(ids) / (ids[0] - ids[-1] + 1) if len(ids) > 1 else None
