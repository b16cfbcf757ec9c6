"""Drains one chunk of objects: fetches them in as few requests as possible, stores them in the caller's transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from time import monotonic
from typing import Any

from b24_pipeline.bitrix.batch import MAX_COMMANDS, Command
from b24_pipeline.bitrix.lists.pages import walk
from b24_pipeline.bitrix.lists.ranges import PAGE_ROWS, IdRange
from b24_pipeline.bitrix.lists.read import read_list
from b24_pipeline.entities import BY_NAME, History, named
from b24_pipeline.errors.groups import REFUSES_ENTITY
from b24_pipeline.log import logger
from b24_pipeline.store.crm import cursors, sync_log, table_facts
from b24_pipeline.store.crm import history as moves_store
from b24_pipeline.store.database.warehouse import Connection
from b24_pipeline.store.events import backlog
from b24_pipeline.store.events.backlog import Claimed
from b24_pipeline.sync.crm.by_id import FetchedObjects, ObjectFetcher
from b24_pipeline.sync.crm.chosen_entities import histories_of
from b24_pipeline.sync.crm.entity_copy import EntityCopy
from b24_pipeline.sync.crm.history import (
    NEW_MOVES,
    decoded_moves,
    first_unread,
    inference_cursor,
    moves_query,
)
from b24_pipeline.sync.crm.merge_fitting import merge_storable_rows
from b24_pipeline.sync.crm.scope import Scope
from b24_pipeline.sync.events.drain_contacts import DrainedContacts
from b24_pipeline.sync.job import Job
from b24_pipeline.sync.outcome import Outcome

log = logger("drain")

EVENT = "event"
BY_EVENT = Scope("event", EVENT)

MOST_OBJECTS = MAX_COMMANDS * PAGE_ROWS
"""Objects of a chunk at most: one request brings so many."""

LATE_SECONDS = 30.0
"""A transaction that stored its first rows longer ago stamps them anew: models look back by two minutes only."""

MOVES_PAGES = 4
"""Pages of moves that are read with the objects if the request has room: 100 moves read again, and 100 new ones."""


@dataclass(slots=True)
class DrainChunk:
    """A chunk of objects of one portal that inbound events named, in the transaction that claimed them."""

    job: Job
    connection: Connection
    objects: Sequence[Claimed]
    _outcomes: dict[str, Outcome] = field(default_factory=dict)
    _failures: dict[tuple[str, int], str] = field(default_factory=dict)

    def outcomes(self) -> list[Outcome]:
        """The outcomes of the drained chunk: one for each entity, and one for each history that got moves."""
        return list(self._outcomes.values())

    def drain(self) -> None:
        """Fetches and stores all objects of the chunk and their moves. Raises PortalError where the portal fails."""
        client, started = self.job.client, monotonic()
        requests, operating = client.usage.requests, client.usage.operating_seconds
        entity_copies = {name: EntityCopy(self.job, named(name), BY_EVENT) for name in self._names()}
        starts = self._starts(entity_copies)
        contacts = DrainedContacts(self.job, self.connection, self.objects)
        asked_at = moves_store.now(self.connection)
        fetched = self._fetched(entity_copies, starts, contacts)
        stored_from = monotonic()
        for entity_copy in entity_copies.values():
            self._store(entity_copy, fetched, asked_at)
        links = contacts.store(fetched, EVENT)
        for history, start in starts.items():
            self._store_moves(history, start, fetched)
        if monotonic() - stored_from > LATE_SECONDS:
            stamped = {
                "leads": self._ids("lead"),
                "deals": self._ids("deal"),
                "contacts": self._ids("contact"),
            }
            items = [
                (one.entity_type, one.entity_id) for one in self.objects if one.entity_type not in BY_NAME
            ]
            backlog.stamp_anew(self.connection, self.job.portal.id, **stamped, items=items)
        backlog.set_aside(self.connection, self._failures)
        backlog.done(self.connection)
        # one request serves all entities of the chunk: the first entity's outcome has its cost
        first = next(iter(self._outcomes.values()))
        first.requests = client.usage.requests - requests
        first.operating_seconds = client.usage.operating_seconds - operating
        first.seconds = monotonic() - started
        if links:
            self._outcomes[links.entity] = links
        self._log_outcomes()

    def _names(self) -> list[str]:
        """The entities of the chunk, those of every portal before those that were chosen."""
        claimed = {claimed.entity_type for claimed in self.objects}
        return [*(name for name in BY_NAME if name in claimed), *sorted(claimed - BY_NAME.keys())]

    def _ids(self, name: str) -> list[int]:
        return [claimed.entity_id for claimed in self.objects if claimed.entity_type == name]

    def _starts(self, entity_copies: dict[str, EntityCopy]) -> dict[History, int | None]:
        """The id after which to read the moves of each history; None where moves are only inferred.

        A history that no sync has read completely is not read, and left out unless a sync has inferred moves in its
        stead: with only some moves nothing can be inferred.
        """
        own = histories_of(entity_copy.entity for entity_copy in entity_copies.values())
        starts: dict[History, int | None] = {}
        for history in own:
            if self._is_begun(history.cursor):
                starts[history] = first_unread(self.connection, self.job.portal.id, history)
            elif self._is_begun(inference_cursor(history)):
                starts[history] = None
        return starts

    def _is_begun(self, cursor: str) -> bool:
        return cursors.cursor_of(self.connection, self.job.portal.id, cursor).watermark is not None

    def _fetched(
        self,
        entity_copies: dict[str, EntityCopy],
        starts: dict[History, int | None],
        contacts: DrainedContacts,
    ) -> FetchedObjects:
        extra: dict[str, Command] = {}
        for history, start in starts.items():
            if start is None:
                continue
            extra |= moves_query(history, NEW_MOVES).chain(history.cursor, start, None, MOVES_PAGES)
        lists = sum(-(-len(self._ids(name)) // PAGE_ROWS) for name in entity_copies)
        links = contacts.commands()
        if lists + len(extra) + len(links) <= MAX_COMMANDS:
            extra |= links
        asked = [(claimed.entity_type, claimed.entity_id) for claimed in self.objects]
        deleted = [(claimed.entity_type, claimed.entity_id) for claimed in self.objects if claimed.is_deleted]
        return ObjectFetcher(self.job.client, entity_copies).fetch(asked, deleted, extra)

    def _store(self, entity_copy: EntityCopy, fetched: FetchedObjects, asked_at: datetime) -> None:
        name = entity_copy.entity.name
        outcome = self._outcomes[name] = Outcome(self.job.portal.name, name, EVENT)
        rows = entity_copy.unique(fetched.rows.get(name, []))
        merged, refused = merge_storable_rows(entity_copy, self.connection, rows, asked_at)
        gone = [number for kind, number in fetched.gone if kind == name]
        outcome.rows_deleted = backlog.bury(self.connection, entity_copy.target, name, gone)
        outcome.rows_read, outcome.rows_changed = len(rows), merged.rows_changed
        outcome.months = set(merged.months)
        outcome.take_decoded(entity_copy.decoder)
        self._failures |= {(name, number): reason for number, reason in refused.items()}
        self._failures |= {key: str(error) for key, error in fetched.failed.items() if key[0] == name}
        self.job.options.progress(self.job.portal.name, name, len(rows))

    def _store_moves(self, history: History, start: int | None, fetched: FetchedObjects) -> None:
        """Stores new moves, and infers those that the objects just stored still lack.

        A portal that refuses its history keeps no object from being stored.
        """
        account, ids = self.job.portal.id, self._ids(history.entity)
        outcome = Outcome(self.job.portal.name, history.cursor, EVENT)
        if start is not None:
            try:
                self._read_moves(history, start, fetched, outcome)
            except REFUSES_ENTITY as error:
                log.warning("moves are only inferred", portal=self.job.portal.name, error=str(error))
        outcome.rows_changed += moves_store.infer_of(self.connection, account, history.entity, ids)
        moves_store.link(self.connection, account, history.entity)
        if outcome.rows_changed:
            # stored since this transaction began
            outcome.months = table_facts.months_of_moves(
                self.connection, account, self.job.portal.time_zone, seconds=0
            )
            self._outcomes[history.cursor] = outcome

    def _read_moves(self, history: History, start: int, fetched: FetchedObjects, outcome: Outcome) -> None:
        """Stores the moves that the portal has after an id; a second request only where there may be more."""
        account = self.job.portal.id
        after = self._append_extra_moves(history, start, fetched, outcome)
        if after is not None and self._may_have_moved(history, start, after, self._ids(history.entity)):
            chunks = read_list(
                self.job.client,
                moves_query(history, NEW_MOVES),
                [IdRange(after, None)],
                concurrency=self.job.options.concurrency,
                first_pages=MAX_COMMANDS - 1,
            )
            for chunk in chunks:
                self._append(history, [row for piece in chunk.pieces for row in piece.rows], outcome)
        highest = moves_store.highest_id(self.connection, account, history.entity)
        cursors.advance(self.connection, account, history.cursor, last_id=highest)

    def _append_extra_moves(
        self, history: History, start: int, fetched: FetchedObjects, outcome: Outcome
    ) -> int | None:
        """Stores the moves that came with the objects; returns the id after which there are more, None for no more."""
        keys = [f"{history.cursor}_{page}" for page in range(MOVES_PAGES)]
        error = fetched.extra_answer.errors.get(keys[0])
        if isinstance(error, REFUSES_ENTITY):
            raise error
        if keys[0] not in fetched.extra_answer.results:
            return start
        found = walk(
            self.job.portal.name, moves_query(history, NEW_MOVES), fetched.extra_answer, keys, start, None
        )
        self._append(history, found.rows, outcome)
        return None if found.complete else found.covered

    def _may_have_moved(self, history: History, start: int, after: int, ids: Sequence[int]) -> bool:
        """Whether another request is worthwhile: more moves are known to come, or an object changed its stage."""
        if after > start:
            return True
        return backlog.has_moved(self.connection, self.job.portal.id, history.entity, ids)

    def _append(self, history: History, rows: Sequence[Any], outcome: Outcome) -> None:
        moves = decoded_moves(self.job, history, rows)
        outcome.rows_read += len(rows)
        outcome.rows_left_out += len(rows) - len(moves)
        outcome.rows_changed += moves_store.append(self.connection, self.job.portal.id, history.entity, moves)

    def _log_outcomes(self) -> None:
        for outcome in self._outcomes.values():
            sync_log.note(
                self.connection,
                self.job.portal.id,
                outcome.entity,
                EVENT,
                self.job.options.run_id,
                seconds=outcome.seconds,
                **outcome.figures(),
            )
