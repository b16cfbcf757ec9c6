"""The checkpoint of a load: the id ranges that it still has to read, stored in the transactions of the rows.

Wherever a load is killed, the next load of the same scope goes on from its checkpoint.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import chain, islice

from b24_pipeline.bitrix.answers import decoding
from b24_pipeline.bitrix.lists.pages import Chunk, ListQuery
from b24_pipeline.bitrix.lists.ranges import IdRange
from b24_pipeline.bitrix.lists.read import read_list
from b24_pipeline.store.crm import cursors
from b24_pipeline.store.crm.cursors import Load
from b24_pipeline.store.database.warehouse import Connection
from b24_pipeline.sync.crm.scope import Scope
from b24_pipeline.sync.job import Job


class Checkpoint:
    """The checkpoint of one load of one list.

    `name` is the list's name among the cursors. `load` is set once `chunks` was called; `resumed` tells whether
    it goes on with a load that was killed.
    """

    def __init__(self, job: Job, name: str, scope: Scope) -> None:
        self.job = job
        self.name = name
        self.scope = scope
        self.load: Load
        self.resumed = False

    def chunks(
        self,
        query: ListQuery,
        everything: IdRange,
        *,
        lag: timedelta = timedelta(),
        beginning: Callable[[Connection], None] = lambda _connection: None,
    ) -> Iterator[Chunk]:
        """The chunks still to be read: of a load that was begun and not finished, or else of a new one.

        The begin of a new load is stored in the transaction in which `beginning` is called; its watermark is the
        portal's time before the first chunk was read, minus the lag.
        """
        under_way = self.job.warehouse.transact(self._under_way)
        if under_way:
            self.load, self.resumed = under_way, True
            return self._read(query, under_way.open_ranges)
        now, chunks = clock_and_chunks(self.job, self._read(query, (everything,)))
        self.load = Load(self.scope.name, (everything,), now - lag)

        def begin(connection: Connection) -> None:
            cursors.begin(connection, self.job.portal.id, self.name, self.load)
            beginning(connection)

        self.job.warehouse.transact(begin)
        return chunks

    def note_left(self, connection: Connection, left: Sequence[IdRange]) -> None:
        """Stores which ranges are left; call it in the transaction that stores the rows."""
        cursors.note_left(connection, self.job.portal.id, self.name, self.scope.name, left)

    def end(self, connection: Connection, *, last_id: int | None = None) -> datetime | None:
        """Ends the load, and moves the list's cursor if this scope may; returns the new watermark, if it moved."""
        cursors.end(connection, self.job.portal.id, self.name, self.scope.name)
        if not self.scope.moves_watermark:
            return None
        watermark = self.load.watermark
        cursors.advance(connection, self.job.portal.id, self.name, watermark=watermark, last_id=last_id)
        return watermark

    def _under_way(self, connection: Connection) -> Load | None:
        return cursors.load_under_way(connection, self.job.portal.id, self.name, self.scope.name)

    def _read(self, query: ListQuery, open_ranges: Sequence[IdRange]) -> Iterator[Chunk]:
        if not open_ranges:
            return iter(())
        return read_list(
            self.job.client,
            query,
            open_ranges,
            concurrency=self.job.options.concurrency,
            first_pages=self.scope.first_pages,
        )


def clock_and_chunks(job: Job, chunks: Iterator[Chunk]) -> tuple[datetime, Iterator[Chunk]]:
    """The portal's time before the first chunk was read (UTC offset included), and all of the chunks.

    The time comes from the portal's last answer, or from that of the first chunk if it is the first answer.
    """
    known = job.client.clock
    first = list(islice(chunks, 1))
    return known or job.client.clock or _server_time(job), chain(first, chunks)


def _server_time(job: Job) -> datetime:
    result = job.client.call("server.time").result
    with decoding(job.portal.name, "server.time"):
        return datetime.fromisoformat(str(result))
