"""Compares every field of every row of one entity with the portal, and stores what differs.

This alone finds a change that left `DATE_MODIFY` as it was. It reads the entity as a full load does.
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from datetime import datetime

from b24_pipeline.bitrix.batch import MAX_COMMANDS
from b24_pipeline.bitrix.lists.pages import Chunk
from b24_pipeline.bitrix.lists.ranges import IdRange
from b24_pipeline.bitrix.lists.read import read_list
from b24_pipeline.store.checks import rows as stored_rows
from b24_pipeline.store.crm.merge import Merged
from b24_pipeline.store.database.copying import Lines
from b24_pipeline.store.database.warehouse import Connection
from b24_pipeline.sync.crm.deletions import confirm_deletions
from b24_pipeline.sync.crm.entity_copy import EntityCopy
from b24_pipeline.sync.crm.prefetch import prefetch
from b24_pipeline.sync.outcome import Outcome


@dataclass(frozen=True, slots=True)
class _Page:
    """Rows ready for COPY with their ids; `done` are the id ranges that they cover completely."""

    ids: list[int]
    rows: Lines
    done: tuple[IdRange, ...]


def compare_all_rows(entity_copy: EntityCopy, asked_at: datetime, outcome: Outcome) -> None:
    """Reads all rows of an entity, stores those that differ, and marks those that are gone as deleted.

    `asked_at`: a moment before the reading, by the database's clock; see `merge.merge`. The outcome counts the rows
    that were missing, outdated and gone. Raises TooManyVanished, and what the portal answers instead.
    """
    job, highest = entity_copy.job, 0
    chunks = read_list(
        job.client,
        entity_copy.query(),
        concurrency=job.options.concurrency,
        first_pages=MAX_COMMANDS - 1,
    )

    def decoded(chunk: Chunk) -> _Page:
        rows = [row for piece in chunk.pieces for row in piece.rows]
        done = tuple(piece.done for piece in chunk.pieces)
        return _Page(entity_copy.ids_of(rows), entity_copy.decoded(rows), done)

    with closing(prefetch(chunks, decoded)) as pages:
        for page in pages:
            known, merged = job.warehouse.transact(_merge, entity_copy, page, asked_at)
            missing = len(page.ids) - known
            outcome.rows_read += len(page.ids)
            outcome.missing += missing
            outcome.outdated += merged.rows_changed - missing
            outcome.rows_changed += merged.rows_changed
            outcome.months |= merged.months
            highest = max([highest, *(ids.upto or 0 for ids in page.done)])
    outcome.take_decoded(entity_copy.decoder)
    job.warehouse.transact(entity_copy.note_vanished_beyond, highest)
    confirm_deletions(entity_copy, outcome)


def _merge(
    connection: Connection, entity_copy: EntityCopy, page: _Page, asked_at: datetime
) -> tuple[int, Merged]:
    """Merges a page and notes the rows that it lacks; returns also how many of its rows were alive in our copy."""
    account, entity = entity_copy.job.portal.id, entity_copy.entity.name
    known = stored_rows.known(connection, account, entity, page.ids)
    merged = entity_copy.merge(connection, page.rows, asked_at)
    for ids in page.done:
        entity_copy.note_vanished(connection, ids)
    return known, merged
