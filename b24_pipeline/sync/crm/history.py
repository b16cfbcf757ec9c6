"""Loads the status history: new moves are appended by id, inferred where the portal has none, and linked.

`crm.stagehistory.list`: docs/bitrix24-rest.md, section 6.5. The portal may lack the moves of an earlier pipeline,
and all moves of imported entities.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from b24_pipeline.bitrix.answers import decoding
from b24_pipeline.bitrix.lists.head import ListHead
from b24_pipeline.bitrix.lists.pages import Chunk, ListQuery
from b24_pipeline.bitrix.lists.ranges import IdRange
from b24_pipeline.entities.history import LIST_METHOD, History
from b24_pipeline.entities.moves import MoveDecoder
from b24_pipeline.errors import InvalidArgument, PortalError
from b24_pipeline.errors.groups import RETRY_MAY_HELP, STOPS_PORTAL
from b24_pipeline.log import logger
from b24_pipeline.store.crm import cursors, merge
from b24_pipeline.store.crm import history as store
from b24_pipeline.store.crm.cursors import Cursor
from b24_pipeline.store.crm.merge import MANY_ROWS
from b24_pipeline.store.crm.recent_moves import recent_moves
from b24_pipeline.store.database import bookmarks
from b24_pipeline.store.database.copying import Lines, lines
from b24_pipeline.store.database.warehouse import Connection
from b24_pipeline.sync.crm.checkpoint import Checkpoint
from b24_pipeline.sync.crm.opening import OpenedList, Opening
from b24_pipeline.sync.crm.prefetch import prefetch
from b24_pipeline.sync.crm.scope import Scope
from b24_pipeline.sync.job import Job
from b24_pipeline.sync.outcome import Outcome

log = logger("sync")

LAG_IDS = 100
"""Ids that are read again: a move may become visible after one with a higher id."""

NEW_MOVES = Scope("new moves", "incremental")
ALL_MOVES = Scope("all moves", "full")


def sync_history(
    job: Job, history: History, *, full: bool = False, opened: OpenedList | None = None
) -> list[Outcome]:
    """Loads the moves that are not stored yet, or all of them if `full` or never done; returns the outcomes.

    A load that went on with a killed one is followed by a second load, of the moves made since it began.
    `opened`: the list of moves in the opening of the sync.
    """
    begun = job.transact(cursors.cursor_of, history.cursor).watermark
    outcome = load_history(job, history, NEW_MOVES if begun and not full else ALL_MOVES, opened)
    if not (outcome.resumed and outcome.worked):
        return [outcome]
    return [outcome, load_history(job, history, NEW_MOVES)]


def load_history(job: Job, history: History, scope: Scope, opened: OpenedList | None = None) -> Outcome:
    """Loads the moves of a scope, then infers the moves that are missing and links all of them.

    Moves are inferred also where the portal does not give its history: no later sync could tell them any more. The
    outcome has the portal's error all the same.
    """
    with job.recorded(history.cursor, scope.sync_type) as outcome, job.alone(history.cursor):
        refused: PortalError | None = None
        try:
            _HistoryLoad(job, history, scope, opened).run(outcome)
        except PortalError as error:
            if history.may_be_missing and isinstance(error, InvalidArgument):
                log.info("no stages, so no moves", portal=job.portal.name, entity=history.entity)
                return outcome
            if not _infers_after(job, history, error):
                raise
            refused = error
        outcome.rows_changed += job.transact(_complete, history, many=outcome.rows_changed > MANY_ROWS)
        if refused:
            raise refused
        if scope is not NEW_MOVES:
            outcome.proved = scope.days_created(job.portal.time_zone)
    return outcome


def _infers_after(job: Job, history: History, error: PortalError) -> bool:
    """Whether moves are inferred although reading the history ended in this error.

    Before the first complete reading an error that may pass is waited out: else each entity would get a move that
    the portal is about to send.
    """
    if isinstance(error, STOPS_PORTAL):
        return False
    return job.transact(_is_inferred, history) or not isinstance(error, RETRY_MAY_HELP)


@dataclass(frozen=True, slots=True)
class DecodedMoves:
    """Moves of a page ready for COPY, how many rows the page had, and the id ranges still to be read after it."""

    moves: Lines
    rows_read: int
    left: tuple[IdRange, ...]


class _HistoryLoad:
    def __init__(self, job: Job, history: History, scope: Scope, opened: OpenedList | None) -> None:
        self.job = job
        self.history = history
        self.scope = scope
        self.opened = opened
        self.checkpoint = Checkpoint(job, history.cursor, scope, opened)

    def run(self, outcome: Outcome) -> None:
        head = self._list_head(outcome) if self.scope is NEW_MOVES else None
        chunks = self.checkpoint.chunks(moves_query(self.history, self.scope), head)
        outcome.resumed = self.checkpoint.resumed
        with closing(prefetch(chunks, self._decoded)) as pages:
            for page in pages:
                self._store(page, outcome)
        outcome.watermark = self.job.warehouse.transact(self._finish)

    def _list_head(self, outcome: Outcome) -> ListHead:
        opened = self.opened.head(outcome) if self.opened else None
        return opened or new_moves(self.job, self.history)

    def _decoded(self, chunk: Chunk) -> DecodedMoves:
        rows = [row for piece in chunk.pieces for row in piece.rows]
        return DecodedMoves(decoded_moves(self.job, self.history, rows), len(rows), chunk.left)

    def _store(self, page: DecodedMoves, outcome: Outcome) -> None:
        outcome.rows_read += page.rows_read
        outcome.rows_left_out += page.rows_read - len(page.moves)
        outcome.rows_changed += self.job.warehouse.transact(self._store_page, page)
        self.job.options.progress(self.job.portal.name, self.history.cursor, page.rows_read)

    def _store_page(self, connection: Connection, page: DecodedMoves) -> int:
        added = store.append(connection, self.job.portal.id, self.history.entity, page.moves)
        self.checkpoint.note_left(connection, page.left)
        return added

    def _finish(self, connection: Connection) -> datetime | None:
        highest = store.highest_id(connection, self.job.portal.id, self.history.entity)
        return self.checkpoint.end(connection, last_id=highest)


def opened_history(
    opening: Opening, history: History, *, full: bool, entity: OpenedList | None
) -> OpenedList:
    """Adds the list of new moves to the opening of a sync; `entity`: the list of those that moved, if it is read."""

    def begin(cursor: Cursor) -> ListHead | None:
        return new_moves(opening.job, history) if cursor.watermark and not full else None

    return opening.list_of(history.cursor, begin, moves_of=entity)


def new_moves(job: Job, history: History) -> ListHead:
    """The list of moves after those that are stored.

    Of the last LAG_IDS only the number is asked for: where none has come in between, none of them is read again.
    """
    after = job.transact(first_unread, history)
    known = job.transact(recent_moves, history.entity, after)
    return ListHead(history.cursor, moves_query(history, NEW_MOVES), after, known)


def first_unread(connection: Connection, account: UUID, history: History) -> int:
    """The id after which moves that are not stored yet begin, minus LAG_IDS."""
    cursor = cursors.cursor_of(connection, account, history.cursor)
    return max(cursor.last_id - LAG_IDS, 0)


def moves_query(history: History, scope: Scope) -> ListQuery:
    """The list query for the moves of a scope.

    Lower ids are older moves: one that is stored before an older one of its entity has to be written twice.
    """
    fields = ("ID", "TYPE_ID", "OWNER_ID", "CREATED_TIME", history.stage_field)
    category = (history.category_field,) if history.category_field else ()
    return ListQuery(
        LIST_METHOD,
        (*fields, *category),
        scope.filter(None, "CREATED_TIME"),
        {"entityTypeId": history.entity_type_id},
        wrapper="items",
        front_first=True,
    )


def decoded_moves(job: Job, history: History, rows: Sequence[dict[str, Any]]) -> Lines:
    """Rows of the portal's history as moves ready for COPY, without those that cannot be stored.

    Raises UnreadableAnswer where they are no rows of a history.
    """
    with decoding(job.portal.name, LIST_METHOD):
        moves = MoveDecoder(history).rows(rows)
    return lines(job.portal.id, moves)


def inference_cursor(history: History) -> str:
    """The name of the cursor that says up to when moves were inferred; it is empty before the first time."""
    return f"{history.entity}_inference"


def _is_inferred(connection: Connection, account: UUID, history: History) -> bool:
    return cursors.cursor_of(connection, account, inference_cursor(history)).watermark is not None


def _complete(connection: Connection, account: UUID, history: History, *, many: bool) -> int:
    """Infers moves and links what is not linked yet, and stores up to when that is done, by the database's clock.

    Returns how many moves were inferred. `many`: so many rows were added that the planner needs to know.
    """
    name = inference_cursor(history)
    # what another process is about to commit is looked at the next time
    complete_upto = bookmarks.complete_upto(connection)
    if many:
        merge.analyze(connection, store.TABLE)
    done_until = cursors.cursor_of(connection, account, name).watermark
    # a moment to come: our clock was put back, and nothing tells what was stored since
    since = done_until if done_until and done_until <= store.now(connection) else None
    inferred = store.infer(connection, account, history.entity, since)
    store.link(connection, account, history.entity, since)
    cursors.note_done(connection, account, name, complete_upto)
    return inferred
