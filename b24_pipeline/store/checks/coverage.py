"""The coverage ledger: what was compared with the portal as a whole, and when.

An empty table can mean two things. Where the ledger proves a range of days, there is
nothing; where it proves nothing, nobody has looked: "not synced".
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

import psycopg
from psycopg.rows import class_row

from b24_pipeline.entities import named
from b24_pipeline.store.database import queries

_sql = queries.load(__file__)

CreatedDays = tuple[date, date]
"""Days of creation in the portal's zone: the first, and the one after the last."""

ALWAYS: CreatedDays = (date.min, date.max)

PROOF_LASTS = timedelta(days=3)
"""The age from which a proof is old. Comparisons are nightly, so two in a row were missed or have failed."""


@dataclass(frozen=True, slots=True)
class Proof:
    """A range of days of one entity, how many rows were alive in it, what proved that, and when."""

    account: UUID
    entity_type: str
    created_from: date
    created_before: date
    proved_by: str
    rows_alive: int
    proved_at: datetime

    @property
    def is_whole(self) -> bool:
        """Whether the proof covers every row of the entity."""
        return (self.created_from, self.created_before) == ALWAYS


def prove(
    connection: psycopg.Connection,
    account: UUID,
    entity: str,
    proved_by: str,
    *,
    time_zone: str,
    days: CreatedDays = ALWAYS,
) -> None:
    """Notes that these days are complete, with the rows alive in them; `proved_by`: full, backfill or reconcile.

    Belongs into the transaction that ends the load.
    """
    range_ = {"account": account, "created_from": days[0], "created_before": days[1]}
    stored = named(entity)
    rows = int(
        _sql.rows_alive(connection, table=stored.table, part=stored.part, time_zone=time_zone, **range_)
    )
    _sql.supersede(connection, entity=entity, **range_)
    _sql.prove(connection, entity=entity, proved_by=proved_by, rows_alive=rows, **range_)


def coverage(connection: psycopg.Connection, account: UUID | None = None) -> list[Proof]:
    """The proofs of a portal, or of all portals, by entity and day."""
    with connection.cursor(row_factory=class_row(Proof)) as cursor:
        return cursor.execute(_sql.coverage.sql, {"account": account}).fetchall()
