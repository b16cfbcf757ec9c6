"""Merges rows into a table except for those that the database refuses."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from b24_pipeline.bitrix.answers import Row
from b24_pipeline.store.crm.merge import Merged
from b24_pipeline.store.database.warehouse import Connection, StorageError
from b24_pipeline.sync.crm.entity_copy import EntityCopy

# classes of SQLSTATE that are the fault of a row: bad data, a constraint, an error that a trigger raised, its size
_ROW_ERRORS = ("22", "23", "P0", "54")


def merge_storable_rows(
    entity_copy: EntityCopy, connection: Connection, rows: Sequence[Row], asked_at: datetime
) -> tuple[Merged, dict[int, str]]:
    """Merges all rows that can be stored; returns what was merged, and the ids of the refused rows with the reason.

    `asked_at`: a moment before the rows were asked for, by the database's clock. Refused rows are found by halving; a
    reason has PostgreSQL's code and no text of the row. Raises StorageError for an error that is not a row's fault.
    """
    if not rows:
        return Merged(0), {}
    try:
        with connection.transaction():
            return entity_copy.merge(connection, entity_copy.decoded(list(rows)), asked_at), {}
    except StorageError as error:
        if not (error.sqlstate or "").startswith(_ROW_ERRORS):
            raise
        if len(rows) == 1:
            return Merged(0), {
                entity_copy.ids_of(rows)[0]: f"the row cannot be stored: PostgreSQL error {error.sqlstate}"
            }
    middle = len(rows) // 2
    first, refused = merge_storable_rows(entity_copy, connection, rows[:middle], asked_at)
    second, refused_too = merge_storable_rows(entity_copy, connection, rows[middle:], asked_at)
    merged = Merged(first.rows_changed + second.rows_changed, first.months | second.months)
    return merged, refused | refused_too
