"""Stores rows in a table of the CRM: COPY into a staging table, then one merge.

Where a portal has none of them yet, they are copied straight into the table.
Everything here runs in the caller's transaction, so that a page of rows and its
cursor are stored together or not at all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

import psycopg
from psycopg import sql

from b24_pipeline.bitrix.lists.ranges import IdRange
from b24_pipeline.store.database import queries
from b24_pipeline.store.database.copying import Lines, copy_in

_sql = queries.load(__file__)

MANY_ROWS = 1000
"""A table in which so many rows have changed gets fresh statistics for the planner."""


@dataclass(frozen=True, slots=True)
class Merged:
    """What a merge did: rows that were new or different, and the months in which they were created."""

    rows_changed: int
    months: frozenset[date] = frozenset()


@dataclass(frozen=True, slots=True)
class Target:
    """A table of the CRM, and the portal whose rows go into it."""

    table: str
    account: UUID
    time_zone: str = "UTC"
    keep_custom_fields: bool = False  # the selection was narrowed: what was not asked for stays
    part: str | None = None  # the entity_type of the rows, where the table holds several entities

    @property
    def staging(self) -> str:
        """The temporary table that COPY fills."""
        return f"staging_{self.table}"


def insert(
    connection: psycopg.Connection,
    target: Target,
    names: Sequence[str],
    rows: Lines,
    ranges: Sequence[IdRange],
) -> Merged | None:
    """Copies rows, all there are in the id ranges (after, up to], straight into the table.

    None, and nothing done, where the portal has rows there already: those are to be merged.
    """
    places = {
        "account": target.account,
        "after": [ids.after for ids in ranges],
        "upto": [ids.upto for ids in ranges],
        "part": target.part,
    }
    if _sql.has_rows(connection, table=target.table, **places):
        return None
    try:
        with connection.transaction():
            copy_in(connection, sql.Identifier(target.table), names, rows)
    except psycopg.errors.UniqueViolation:
        return None  # an event brought one of them meanwhile
    months = _sql.months(connection, table=target.table, time_zone=target.time_zone, **places)
    return Merged(len(rows), frozenset(months or ()))


def stage(connection: psycopg.Connection, target: Target, names: Sequence[str], rows: Lines) -> None:
    """Copies rows, texts in the order of `names`, into the staging table, emptied first."""
    _sql.make_staging(connection, table=target.table, staging=target.staging)
    staging = sql.Identifier("pg_temp", target.staging)
    connection.execute(sql.SQL("truncate {}").format(staging))
    copy_in(connection, staging, names, rows)


def merge(
    connection: psycopg.Connection, target: Target, names: Sequence[str], asked_at: datetime | None = None
) -> Merged:
    """Merges what was staged; only rows that differ are touched.

    A row with an older `date_modify` is taken only if it was asked for after the stored row had been stored.
    `asked_at`: a moment before these rows were asked for, by the database's clock; None where it is not known.
    """
    changed, months = _sql.merge(
        connection,
        table=target.table,
        staging=f"pg_temp.{target.staging}",
        columns=["user_account_id", *names],
        time_zone=target.time_zone,
        keep_custom_fields=target.keep_custom_fields,
        asked_at=asked_at,
    )
    return Merged(changed, frozenset(months or ()))


def note_vanished(
    connection: psycopg.Connection,
    target: Target,
    entity: str,
    scope: str,
    ids: IdRange,
    created: tuple[datetime | None, datetime | None] = (None, None),
) -> int:
    """Notes the rows alive in the id range (after, up to] that were not among the rows just staged."""
    return int(
        _sql.note_vanished(
            connection,
            table=target.table,
            staging=f"pg_temp.{target.staging}",
            account=target.account,
            part=target.part,
            entity=entity,
            scope=scope,
            after=ids.after,
            upto=ids.upto,
            created_from=created[0],
            created_before=created[1],
        )
    )


def vanished(connection: psycopg.Connection, target: Target, entity: str, scope: str) -> list[int]:
    """The ids of rows that are stored alive and that the portal did not show in this load so far."""
    found = _sql.vanished(connection, account=target.account, entity=entity, scope=scope)
    return [number for (number,) in found]


def forget_vanished(
    connection: psycopg.Connection, target: Target, entity: str, scope: str, ids: Sequence[int] | None = None
) -> None:
    """Takes ids off the list of vanished rows: those that the portal shows after all, or all where `ids` is None."""
    _sql.forget_vanished(
        connection, account=target.account, entity=entity, scope=scope, ids=None if ids is None else list(ids)
    )


def set_tombstones(connection: psycopg.Connection, target: Target, entity: str, scope: str) -> int:
    """Marks the vanished rows of a load as deleted; returns how many."""
    return int(
        _sql.set_tombstones(
            connection,
            table=target.table,
            account=target.account,
            part=target.part,
            entity=entity,
            scope=scope,
        )
    )


def count_alive(connection: psycopg.Connection, target: Target) -> int:
    """How many rows of the portal are not deleted."""
    return int(_sql.count_alive(connection, table=target.table, account=target.account, part=target.part))


def analyze(connection: psycopg.Connection, table: str) -> None:
    """Gives the planner fresh statistics: it must not take a table that was just filled for an empty one."""
    _sql.analyze_table(connection, table=table)
