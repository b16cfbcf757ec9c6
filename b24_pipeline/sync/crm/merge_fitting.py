"""Rows into a table, but for those that the database refuses."""

from __future__ import annotations

from collections.abc import Sequence

from b24_pipeline.bitrix.answers import Row
from b24_pipeline.entities.decode import row_id
from b24_pipeline.store.crm.merge import Merged
from b24_pipeline.store.database.warehouse import Connection, StorageError
from b24_pipeline.sync.crm.reader import Reading

# classes of SQLSTATE that are one row's fault: data, constraints, a trigger's own, size
_OF_A_ROW = ("22", "23", "P0", "54")


def merge_what_fits(
    reading: Reading, connection: Connection, rows: Sequence[Row]
) -> tuple[Merged, dict[int, str]]:
    """Merges all rows but those that cannot be stored, found by halving: their ids, and why, without their text."""
    if not rows:
        return Merged(0), {}
    try:
        with connection.transaction():
            return reading.merge(connection, reading.decoded(list(rows))), {}
    except StorageError as error:
        if not (error.sqlstate or "").startswith(_OF_A_ROW):
            raise
        if len(rows) == 1:
            return Merged(0), {
                row_id(rows[0]): f"the row cannot be stored: PostgreSQL error {error.sqlstate}"
            }
    middle = len(rows) // 2
    one, refused = merge_what_fits(reading, connection, rows[:middle])
    other, too = merge_what_fits(reading, connection, rows[middle:])
    return Merged(one.rows_changed + other.rows_changed, one.months | other.months), refused | too
