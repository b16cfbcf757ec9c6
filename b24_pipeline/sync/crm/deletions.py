"""Rows that a complete read did not show: they are fetched by id, and get a tombstone if they are really gone.

Lost rights look the same as deletions. If many rows vanish at once the load stops, and a person decides.
"""

from __future__ import annotations

from typing import Any

from b24_pipeline.bitrix.lists.read import read_ids
from b24_pipeline.entities.decode import row_id, unique
from b24_pipeline.errors import TooManyVanished
from b24_pipeline.store.crm import merge
from b24_pipeline.store.crm.merge import Merged
from b24_pipeline.store.database.warehouse import Connection
from b24_pipeline.sync.crm.reader import EntityReader
from b24_pipeline.sync.outcome import Outcome

FEW_ROWS = 20
SMALL_SHARE = 0.05


def confirm_deletions(reader: EntityReader, outcome: Outcome) -> None:
    """Fetches the rows noted as vanished by their ids; sets a tombstone for those that are really gone.

    Raises TooManyVanished where more than FEW_ROWS and SMALL_SHARE of the entity's rows are gone at once.
    """
    missed = reader.job.warehouse.transact(reader.vanished_ids)
    if not missed:
        return
    for rows in read_ids(reader.job.client, reader.query_by_id(), missed):
        store_fetched(reader, rows, outcome)
    _guard(reader)
    outcome.rows_deleted += reader.job.warehouse.transact(reader.set_tombstones)


def store_fetched(reader: EntityReader, raw_rows: list[dict[str, Any]], outcome: Outcome) -> None:
    """Stores rows that were fetched by their ids, takes them off the vanished ones, and counts them in `outcome`."""
    found = [row_id(row) for row in raw_rows]
    rows = reader.decoded(unique(raw_rows))

    def store(connection: Connection) -> Merged:
        reader.forget_vanished(connection, found)
        return reader.merge(connection, rows)

    merged = reader.job.warehouse.transact(store)
    outcome.rows_read += len(rows)
    outcome.rows_changed += merged.rows_changed
    outcome.months |= merged.months
    outcome.values_set_aside = reader.decoder.set_aside


def _guard(reader: EntityReader) -> None:
    gone, alive = reader.job.warehouse.transact(_gone_and_alive, reader)
    many = gone > FEW_ROWS and gone > SMALL_SHARE * alive
    if many and not reader.job.options.accept_deletions:
        raise TooManyVanished(
            reader.job.portal.name,
            f"{gone} of {alive} {reader.entity.name} rows are gone from the portal, more than "
            f"{SMALL_SHARE:.0%}: none was marked as deleted. Has the credential's owner lost rights? "
            "If they were really deleted, run it again with --accept-deletions",
        )


def _gone_and_alive(connection: Connection, reader: EntityReader) -> tuple[int, int]:
    return len(reader.vanished_ids(connection)), merge.count_alive(connection, reader.target)
