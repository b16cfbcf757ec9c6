"""The phones of leads, contacts and companies in E.164, following the copy; all in the caller's transaction."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from uuid import UUID

from b24_pipeline.store.database import queries
from b24_pipeline.store.database.warehouse import Connection

_sql = queries.load(__file__)

PhoneReader = Callable[[str | None], Sequence[str]]
"""A text with a phone a line -> the phones in E.164."""

ROWS_AT_ONCE = 20_000
MANY_ROWS = 500  # after so many the planner must not go by the figures of before: it joins row by row


def index_changed(connection: Connection, account: UUID, since: datetime, read: PhoneReader) -> int:
    """Reads again the phones of leads, contacts and companies stored since then; returns how many phones came or went.

    Those are in the temporary table `touched_phones` until the transaction ends.
    """
    _sql.make_staging(connection)
    rows = sum(
        _read_entity(connection, account, since, read, entity, statement)
        for entity, statement in (
            ("lead", _sql.changed_leads.sql),
            ("contact", _sql.changed_contacts.sql),
            ("company", _sql.changed_companies.sql),
        )
    )
    if not rows:
        return 0
    _sql.analyze_read(connection)
    touched = int(_sql.take_read(connection, account=account))
    if rows > MANY_ROWS:
        _sql.analyze_phones(connection)
    return touched


def _read_entity(
    connection: Connection, account: UUID, since: datetime, read: PhoneReader, entity: str, statement: str
) -> int:
    count = 0
    with connection.cursor("changed_phones") as changed:
        changed.execute(statement, {"account": account, "since": since})
        while rows := changed.fetchmany(ROWS_AT_ONCE):
            count += len(rows)
            with connection.cursor().copy(_sql.copy_read.sql) as copy:
                for number, written in rows:
                    for phone in read(written) or (None,):
                        copy.write_row((entity, number, phone))
    return count
