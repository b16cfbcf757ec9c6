"""Rows that a whole read did not show: looked for a second time, then tombstoned.

Lost rights make rows vanish exactly as deletions do, so that many at once stop
the load and ask a person.
"""

from __future__ import annotations

from typing import Any

from b24_pipeline.bitrix.lists.read import read_ids
from b24_pipeline.entities.decode import row_id, unique
from b24_pipeline.errors import TooManyVanished
from b24_pipeline.store.crm import merge
from b24_pipeline.store.crm.merge import Merged
from b24_pipeline.store.database.warehouse import Connection
from b24_pipeline.sync.crm.reader import Reading
from b24_pipeline.sync.outcome import Outcome

FEW_ROWS = 20
SMALL_SHARE = 0.05


def bury_vanished(reading: Reading, outcome: Outcome) -> None:
    """Asks the portal for the missed rows by id; those that are really gone get a tombstone."""
    missed = reading.job.warehouse.transact(reading.vanished)
    if not missed:
        return
    for rows in read_ids(reading.job.client, reading.query_by_id(), missed):
        keep(reading, rows, outcome)
    _guard(reading)
    outcome.rows_deleted += reading.job.warehouse.transact(reading.bury_vanished)


def keep(reading: Reading, raw_rows: list[dict[str, Any]], outcome: Outcome) -> None:
    """Stores rows that the portal shows after all: they are not missed any more."""
    found = [row_id(row) for row in raw_rows]
    rows = reading.decoded(unique(raw_rows))

    def store(connection: Connection) -> Merged:
        reading.forget_vanished(connection, found)
        return reading.merge(connection, rows)

    merged = reading.job.warehouse.transact(store)
    outcome.rows_read += len(rows)
    outcome.rows_changed += merged.rows_changed
    outcome.months |= merged.months
    outcome.values_set_aside = reading.decoder.set_aside


def _guard(reading: Reading) -> None:
    gone, alive = reading.job.warehouse.transact(_gone_and_alive, reading)
    many = gone > FEW_ROWS and gone > SMALL_SHARE * alive
    if many and not reading.job.options.accept_deletions:
        raise TooManyVanished(
            reading.job.portal.name,
            f"{gone} of {alive} {reading.entity.name} rows are gone from the portal, more than "
            f"{SMALL_SHARE:.0%}: none was marked as deleted. Has the credential's owner lost rights? "
            "If they were really deleted, run it again with --accept-deletions",
        )


def _gone_and_alive(connection: Connection, reading: Reading) -> tuple[int, int]:
    return len(reading.vanished(connection)), merge.count_alive(connection, reading.target)
