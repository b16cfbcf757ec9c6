"""The checkpoint of a load: the id ranges that it still has to read, stored in the transactions of the rows.

Wherever a load is killed, the next load of the same scope goes on from its checkpoint.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta

from b24_pipeline.bitrix.batch import MAX_COMMANDS
from b24_pipeline.bitrix.lists.head import USUAL_PAGES, ListHead
from b24_pipeline.bitrix.lists.pages import Chunk, ListQuery
from b24_pipeline.bitrix.lists.ranges import IdRange
from b24_pipeline.bitrix.lists.read import read_list
from b24_pipeline.store.crm import cursors
from b24_pipeline.store.crm.cursors import Load
from b24_pipeline.store.database.warehouse import Connection
from b24_pipeline.sync.crm.clock import clock_and_chunks
from b24_pipeline.sync.crm.opening import OpenedList
from b24_pipeline.sync.crm.scope import Scope
from b24_pipeline.sync.job import Job


class Checkpoint:
    """The checkpoint of one load of one list.

    `name` is the list's name among the cursors. `load` is set once `chunks` was called; `resumed` tells whether
    it goes on with a load that was killed. `opened`: the list in the opening of the sync, if it is there.
    """

    def __init__(self, job: Job, name: str, scope: Scope, opened: OpenedList | None = None) -> None:
        self.job = job
        self.name = name
        self.scope = scope
        self.load: Load
        self.resumed = False
        self._opened = opened

    def chunks(
        self,
        query: ListQuery,
        head: ListHead | None = None,
        *,
        lag: timedelta = timedelta(),
        beginning: Callable[[Connection], None] = lambda _connection: None,
    ) -> Iterator[Chunk]:
        """The chunks still to be read: of a load that was begun and not finished, or else of a new one.

        A new load reads what is left after its `head`, or the whole list. Its begin is stored in the transaction in
        which `beginning` is called; its watermark is the portal's time before the first chunk was read, minus the lag.
        """
        under_way = self.job.warehouse.transact(self._under_way)
        if under_way:
            self.load, self.resumed = under_way, True
            return self._read(query, under_way.open_ranges)
        everything = IdRange(head.after if head else 0, None)
        chunks = self._read_on(head) if head else self._read(query, (everything,))
        asked_at = self._opened.asked_at if self._opened and head and head.is_asked else None
        if asked_at is None:
            asked_at, chunks = clock_and_chunks(self.job, chunks)
        self.load = Load(self.scope.name, (everything,), asked_at - lag)

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

    def _read(
        self, query: ListQuery, open_ranges: Sequence[IdRange], *, first_pages: int = USUAL_PAGES
    ) -> Iterator[Chunk]:
        if not open_ranges:
            return iter(())
        return read_list(
            self.job.client,
            query,
            open_ranges,
            concurrency=self.job.options.concurrency,
            first_pages=first_pages,
        )

    def _read_on(self, head: ListHead) -> Iterator[Chunk]:
        """The rows of a list by its head, which is asked for where it was not yet, and what follows it."""
        if not head.is_asked:
            commands = head.commands()
            head.take(self.job.portal.name, list(commands), self.job.client.batch(commands))
        chunk = head.chunk()
        if chunk.pieces:
            yield chunk
        yield from self._read(head.query, chunk.left, first_pages=min(head.pages, MAX_COMMANDS - 1))
