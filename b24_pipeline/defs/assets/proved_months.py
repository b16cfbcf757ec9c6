"""Which months of a raw table are proved, with the number of their rows: by a read, or by one before it.

A read of everything reports the months that hold rows: the empty ones are many and say nothing. A month without rows is
reported where somebody asked for it: by a backfill of its days, or by a run in the UI that failed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime

import dagster as dg

from b24_pipeline.defs.assets.metadata import partition_metadata
from b24_pipeline.defs.assets.partitions import (
    FIRST_MONTH,
    cohort_key,
    days_of_months,
    months_between,
    months_by_portal,
    months_within,
)
from b24_pipeline.defs.assets.raw_tables import COHORT_TABLES, RawTable
from b24_pipeline.defs.known_assets import KnownAssets
from b24_pipeline.entities import HISTORIES
from b24_pipeline.store.checks.coverage import CreatedDays, coverage
from b24_pipeline.store.crm import table_facts
from b24_pipeline.store.crm.cursors import cursor_of
from b24_pipeline.store.database.warehouse import Connection, Warehouse
from b24_pipeline.store.portals.portal import Portal
from b24_pipeline.sync.outcome import Outcome


def proved_months(
    warehouse: Warehouse,
    portal: Portal,
    table: RawTable,
    outcomes: Sequence[Outcome],
    failed: Collection[date] = (),
) -> dict[date, int]:
    """The months of this table whose reading proved them, and how many rows each holds.

    Of a range of days these are all its months. Of a read of everything they are those with rows, and those that have
    `failed` in Dagster.
    """
    done = worked_outcomes(table, outcomes)
    ranges = [
        [outcome.proved for outcome in done if outcome.entity == name and outcome.proved]
        for name in {outcome.entity for outcome in done}
    ]
    if not ranges or not all(ranges):
        return {}
    rows: dict[date, int] = {}
    with warehouse.connect() as connection:
        for days in map(months_within, ranges[0]):
            found = table_facts.rows_by_month(connection, table.table, portal.id, portal.time_zone, days)
            rows |= _with_empty(found, failed, days)
    return {
        month: number
        for month, number in sorted(rows.items())
        if all(any(_holds(days, month) for days in each) for each in ranges)
    }


def failed_months(known: KnownAssets, portal: Portal, table: RawTable) -> dict[date, datetime]:
    """The months of a portal that Dagster shows as failed, each with the moment at which its run had."""
    return {
        month: moment
        for key, moment in known.failed(table.key).items()
        for month in months_by_portal([key]).get(portal.name, ())
    }


def earlier_proofs(
    warehouse: Warehouse,
    portal: Portal,
    known: KnownAssets,
    tables: Sequence[RawTable] = COHORT_TABLES,
    *,
    only_failed: bool = False,
) -> Iterator[dg.AssetMaterialization]:
    """The months of a portal that were proved without Dagster knowing: by a command, or with another storage.

    Of leads, deals, contacts and companies the ledger of proofs tells; moves were all read where the portal's history
    has a watermark. A month whose run in the UI failed later than that is not proved. `only_failed`: of those months
    alone that Dagster shows as failed.
    """
    for table in tables:
        failed = failed_months(known, portal, table)
        if only_failed and not failed:
            continue
        with warehouse.connect() as connection:
            proved_at = _proved_at(connection, portal, table)
            if proved_at is None:
                continue
            days = (FIRST_MONTH, date.max)
            found = table_facts.rows_by_month(connection, table.table, portal.id, portal.time_zone, days)
        rows = _with_empty(found, failed, days)
        old = rows.keys() if only_failed else _known_months(known, portal, table)
        mended = {month for month, moment in failed.items() if moment < proved_at}
        for month in sorted(mended | (rows.keys() - old - failed.keys())):
            yield dg.AssetMaterialization(
                table.key,
                description="This month was proved by an earlier read.",
                partition=cohort_key(month, portal.name),
                metadata={"proved_at": dg.MetadataValue.timestamp(proved_at)}
                | partition_metadata(rows[month]),
            )


def _known_months(known: KnownAssets, portal: Portal, table: RawTable) -> set[date]:
    return set(months_by_portal(known.partitions(table.key)).get(portal.name, ()))


def _with_empty(rows: Mapping[date, int], failed: Collection[date], days: CreatedDays) -> dict[date, int]:
    """The rows of each month that there is something to say of, where `days` were read."""
    found = {month: number for month, number in rows.items() if month >= FIRST_MONTH}
    first, before = days
    now = datetime.now(UTC).date()
    chosen = (
        {*months_between(max(first, FIRST_MONTH), min(before, now))} if before < date.max else set(failed)
    )
    return {month: found.get(month, 0) for month in sorted(found.keys() | chosen)}


def _proved_at(connection: Connection, portal: Portal, table: RawTable) -> datetime | None:
    """Since when all rows of a table are known to be as in the portal; None where that was never so."""
    if table.table == table_facts.MOVES:
        read = [cursor_of(connection, portal.id, history.cursor).watermark for history in HISTORIES]
        return min(filter(None, read)) if all(read) else None
    proofs = (proof for proof in coverage(connection, portal.id) if proof.entity_type == table.entity)
    return next((proof.proved_at for proof in proofs if proof.is_whole), None)


def rows_of_months(
    warehouse: Warehouse, portal: Portal, table: RawTable, months: Sequence[date]
) -> dict[date, int]:
    """How many rows of a portal each of these months holds."""
    rows = dict.fromkeys(months, 0)
    with warehouse.connect() as connection:
        for days in days_of_months(months):
            rows |= table_facts.rows_by_month(connection, table.table, portal.id, portal.time_zone, days)
    return rows


def worked_outcomes(table: RawTable, outcomes: Sequence[Outcome]) -> list[Outcome]:
    """The outcomes of this table if all of them worked, else none."""
    own = own_outcomes(table, outcomes)
    return own if all(outcome.worked for outcome in own) else []


def own_outcomes(table: RawTable, outcomes: Sequence[Outcome]) -> list[Outcome]:
    """The outcomes of this table."""
    return [outcome for outcome in outcomes if table.has(outcome.entity)]


def _holds(days: tuple[date, date], month: date) -> bool:
    first, before = months_within(days)
    return first <= month < before
