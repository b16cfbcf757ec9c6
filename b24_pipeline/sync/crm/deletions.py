"""Rows that a complete read did not show: they are fetched by id, and get a tombstone if they are really gone.

Lost rights look the same as deletions. If many rows vanish at once the load stops, and a person decides.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from b24_pipeline.bitrix.answers import Row
from b24_pipeline.bitrix.batch import MAX_COMMANDS
from b24_pipeline.bitrix.lists.ranges import PAGE_ROWS
from b24_pipeline.bitrix.lists.read import read_ids
from b24_pipeline.errors import TooManyVanished
from b24_pipeline.store.crm import merge
from b24_pipeline.store.crm.history import now
from b24_pipeline.store.crm.merge import Merged
from b24_pipeline.store.database.warehouse import Connection
from b24_pipeline.sync.crm.entity_copy import EntityCopy
from b24_pipeline.sync.outcome import Outcome

FEW_ROWS = 20
SMALL_SHARE = 0.05

MOST_IDS = MAX_COMMANDS * PAGE_ROWS
"""Ids that one request asks for."""


def confirm_deletions(entity_copy: EntityCopy, outcome: Outcome) -> None:
    """Fetches the rows noted as vanished by their ids; sets a tombstone for those that are really gone.

    Raises TooManyVanished where more than FEW_ROWS and SMALL_SHARE of the entity's rows are gone at once.
    """
    missed = entity_copy.job.warehouse.transact(entity_copy.vanished_ids)
    if not missed:
        return
    for asked_at, rows in fetched_by_id(entity_copy, missed):
        store_fetched(entity_copy, rows, asked_at, outcome)
    mark_deleted(entity_copy, outcome)


def mark_deleted(entity_copy: EntityCopy, outcome: Outcome) -> None:
    """Sets a tombstone for each row noted as vanished, which a second look by id has not found.

    Raises TooManyVanished where more than FEW_ROWS and SMALL_SHARE of the entity's rows are gone at once.
    """
    _guard(entity_copy)
    outcome.rows_deleted += entity_copy.job.warehouse.transact(entity_copy.set_tombstones)


def fetched_by_id(entity_copy: EntityCopy, ids: Sequence[int]) -> Iterator[tuple[datetime, list[Row]]]:
    """Fetches rows by their ids, as far as they exist: a moment before each request, by the database's clock, and
    the rows of its answer.

    Raises what the portal answers instead.
    """
    for start in range(0, len(ids), MOST_IDS):
        asked_at = entity_copy.job.warehouse.transact(now)
        part = ids[start : start + MOST_IDS]
        for rows in read_ids(entity_copy.job.client, entity_copy.query_by_id(), part):
            yield asked_at, rows


def store_fetched(entity_copy: EntityCopy, raw_rows: list[Row], asked_at: datetime, outcome: Outcome) -> None:
    """Stores rows that were fetched by their ids, takes them off the vanished ones, and counts them in `outcome`.

    A row that was stored before `asked_at` is older than what was fetched, whatever its date of modification says.
    """
    found = entity_copy.ids_of(raw_rows)
    rows = entity_copy.decoded(entity_copy.unique(raw_rows))

    def store(connection: Connection) -> Merged:
        entity_copy.forget_vanished(connection, found)
        return entity_copy.merge(connection, rows, asked_at)

    merged = entity_copy.job.warehouse.transact(store)
    outcome.rows_read += len(rows)
    outcome.rows_changed += merged.rows_changed
    outcome.months |= merged.months
    outcome.take_decoded(entity_copy.decoder)


def _guard(entity_copy: EntityCopy) -> None:
    gone, alive = entity_copy.job.warehouse.transact(_gone_and_alive, entity_copy)
    question = too_many_vanished(entity_copy, gone, alive)
    if question:
        raise question


def too_many_vanished(entity_copy: EntityCopy, gone: int, alive: int) -> TooManyVanished | None:
    """The question to a person where more than FEW_ROWS and SMALL_SHARE of the rows are gone at once; else None."""
    many = gone > FEW_ROWS and gone > SMALL_SHARE * alive
    if not many or entity_copy.job.options.accept_deletions:
        return None
    return TooManyVanished(
        entity_copy.job.portal.name,
        f"{gone} of {alive} {entity_copy.entity.name} rows are gone from the portal, more than "
        f"{SMALL_SHARE:.0%}: none was marked as deleted. Has the credential's owner lost rights? "
        "If they were really deleted, run it again with --accept-deletions",
    )


def _gone_and_alive(connection: Connection, entity_copy: EntityCopy) -> tuple[int, int]:
    return len(entity_copy.vanished_ids(connection)), merge.count_alive(connection, entity_copy.target)
