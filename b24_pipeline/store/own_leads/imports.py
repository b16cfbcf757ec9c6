"""Own ad leads from a file: COPY into a staging table, then one merge."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from b24_pipeline.store.database import queries
from b24_pipeline.store.database.warehouse import Connection

_sql = queries.load(__file__)

ImportRow = tuple[str | None, ...]
"""line, import_key, name, phone, email, creative, direction, utm_source to utm_term, created_at (ISO)."""


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import did to so many leads. `repeated`: rows beside them that a later one of the file stands for."""

    rows: int
    added: int
    changed: int
    repeated: int


def import_rows(
    connection: Connection, account: UUID, rows: Iterable[ImportRow], columns: Sequence[str]
) -> Imported:
    """Adds new leads and changes known ones, in the caller's transaction.

    `columns`: those that the file has; what it lacks stays as it is stored.
    """
    _sql.make_staging(connection)
    with connection.cursor().copy(_sql.copy_rows.sql) as copy:
        for row in rows:
            copy.write_row(row)
    read, repeated = _sql.drop_repeated(connection)
    _sql.analyze_staging(connection)
    _sql.add_directions(connection, account=account)
    _sql.add_creatives(connection, account=account)
    changed = _sql.change(connection, account=account, columns=list(columns))
    added = _sql.add(connection, account=account)
    return Imported(read - repeated, added, changed, repeated)
