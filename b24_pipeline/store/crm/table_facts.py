"""Facts about a raw table for Dagster's catalogue: its columns, and how many rows of a portal it holds."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from uuid import UUID

import psycopg
from psycopg.rows import class_row

from b24_pipeline.store.database import queries

_sql = queries.load(__file__)
MOVES = "bitrix24_status_history"


@dataclass(frozen=True, slots=True)
class TableColumn:
    """A column, its SQL type and its comment."""

    name: str
    type: str
    comment: str | None
    is_never_null: bool


def columns(connection: psycopg.Connection, table: str) -> list[TableColumn]:
    """The columns of a table in order; empty where there is no such table."""
    with connection.cursor(row_factory=class_row(TableColumn)) as cursor:
        return cursor.execute(_sql.columns.sql, {"table": table}).fetchall()


def count_rows(connection: psycopg.Connection, table: str, account: UUID) -> int:
    """How many rows of the portal the table holds, deleted ones left out."""
    if table == MOVES:
        return int(_sql.count_moves(connection, account=account))
    return int(_sql.count_alive(connection, table=table, account=account, part=None))


def rows_by_month(
    connection: psycopg.Connection, table: str, account: UUID, time_zone: str, days: tuple[date, date]
) -> dict[date, int]:
    """How many rows of a portal each month of creation holds, deleted ones left out; empty months are not in it.

    `days` are the first day in the portal's zone and the day after the last.
    """
    first, before = days
    found = _sql.rows_by_month(
        connection, table=table, account=account, time_zone=time_zone, first=first, before=before
    )
    return dict(found)


def months_of_moves(
    connection: psycopg.Connection, account: UUID, time_zone: str, *, seconds: float
) -> set[date]:
    """The months in which the moves happened that were stored in the last so many seconds."""
    found = _sql.months_of_moves(connection, account=account, time_zone=time_zone, seconds=seconds)
    return {month for (month,) in found}
