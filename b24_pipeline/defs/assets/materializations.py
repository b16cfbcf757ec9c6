"""Reports what a sync did as events of the raw tables' partitions.

A sync is one asset but reads rows of many cohorts, and a sync from the command line is no asset at all. A cohort is
materialized by a read that proved it: all of its rows were compared with the portal. A change that merely
touched one is an observation, which shows what changed and paints nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any

import dagster as dg

from b24_pipeline.defs.assets.metadata import (
    outcome_metadata,
    outcome_table,
    partition_metadata,
    table_metadata,
)
from b24_pipeline.defs.assets.own_leads import MATCHES
from b24_pipeline.defs.assets.partitions import FIRST_MONTH, cohort_key
from b24_pipeline.defs.assets.proved_months import (
    earlier_proofs,
    failed_months,
    own_outcomes,
    proved_months,
    rows_of_months,
    worked_outcomes,
)
from b24_pipeline.defs.assets.raw_tables import CHANGES, COHORT_TABLES, ITEMS, PORTAL_TABLES, RawTable
from b24_pipeline.defs.known_assets import KnownAssets
from b24_pipeline.entities import CRM
from b24_pipeline.store.crm import table_facts
from b24_pipeline.store.database.warehouse import Warehouse
from b24_pipeline.store.own_leads import matches
from b24_pipeline.store.portals.portal import Portal
from b24_pipeline.sync.checks.rows import RECONCILE
from b24_pipeline.sync.outcome import Outcome

MonthEvent = dg.AssetMaterialization | dg.AssetObservation

SLACK_SECONDS = 30
SYNCS = ("full", "incremental")


def materializations(
    warehouse: Warehouse,
    portal: Portal,
    outcomes: Sequence[Outcome],
    known: KnownAssets,
    *,
    with_unchanged: bool = True,
) -> Iterator[MonthEvent]:
    """The events of one portal's sync: cohorts that it proved, others that it changed, and directories that it read.

    Without `with_unchanged`, directories that are as they were are left out. A comparison proves all months each
    night, so of these only those are reported that it repaired, or that Dagster shows as failed or does not know yet;
    months of moves, which it does not compare, are reported with it where an earlier read proved them.
    """
    for table in COHORT_TABLES:
        reads = [outcome for outcome in own_outcomes(table, outcomes) if outcome.proved]
        failed = failed_months(known, portal, table) if reads else {}
        proved = proved_months(warehouse, portal, table, outcomes, failed)
        changed = _months(warehouse, portal, table, outcomes)
        if proved and all(outcome.sync_type == RECONCILE.sync_type for outcome in reads):
            old = known.partitions(table.key)
            proved = {
                month: rows
                for month, rows in proved.items()
                if month in changed or month in failed or cohort_key(month, portal.name) not in old
            }
        yield from month_materializations(warehouse, portal, table, outcomes, proved)
        yield from _changes(warehouse, portal, table, sorted(changed - proved.keys()))
    if any(outcome.sync_type == RECONCILE.sync_type and outcome.worked for outcome in outcomes):
        # a comparison has no list of moves to count by
        moves = [table for table in COHORT_TABLES if table.table == table_facts.MOVES]
        yield from earlier_proofs(warehouse, portal, known, moves)
    for table in (*PORTAL_TABLES, ITEMS):
        done = worked_outcomes(table, outcomes)
        if done and (with_unchanged or changed_outcomes(table, done)):
            metadata = raw_table_metadata(warehouse, portal, table, done)
            yield dg.AssetMaterialization(table.key, partition=portal.name, metadata=metadata)


def read_changes_event(portal: Portal, outcomes: Sequence[Outcome]) -> Iterator[dg.AssetMaterialization]:
    """The materialization of `raw/changes` for a portal whose sync read all that has changed there, and worked."""
    read = {outcome.entity for outcome in outcomes if outcome.sync_type in SYNCS}
    if read >= {entity.name for entity in CRM} and all(outcome.worked for outcome in outcomes):
        metadata = outcome_metadata(outcomes) | {"entities": outcome_table(outcomes)}
        yield dg.AssetMaterialization(CHANGES, partition=portal.name, metadata=metadata)


def earlier_matches(
    warehouse: Warehouse, portal: Portal, known: KnownAssets
) -> Iterator[dg.AssetMaterialization]:
    """The matching of a portal's own leads that was done without Dagster knowing, by a sync or a command."""
    if portal.name in known.partitions(MATCHES):
        return
    with warehouse.connect() as connection:
        now = matches.standing(connection, portal.id)
    if now.matched or now.not_found:
        yield dg.AssetMaterialization(
            MATCHES,
            description="Own leads were matched before Dagster saw it.",
            partition=portal.name,
            metadata={"own_leads": now.own_leads, "matched": now.matched, "not_found": now.not_found},
        )


def read_months(
    warehouse: Warehouse, portal: Portal, outcomes: Sequence[Outcome], months: Sequence[date]
) -> Iterator[MonthEvent]:
    """The materializations of these months of one portal, which were read completely; also of empty ones."""
    for table in COHORT_TABLES:
        if worked_outcomes(table, outcomes):
            rows = rows_of_months(warehouse, portal, table, months)
            yield from month_materializations(warehouse, portal, table, outcomes, rows)


def month_materializations(
    warehouse: Warehouse,
    portal: Portal,
    table: RawTable,
    outcomes: Sequence[Outcome],
    rows: Mapping[date, int],
) -> Iterator[MonthEvent]:
    """The materializations of these months of a table, each with the number of its own rows."""
    metadata = cohort_metadata(warehouse, table, own_outcomes(table, outcomes)) if rows else {}
    for month, number in rows.items():
        yield dg.AssetMaterialization(
            table.key,
            partition=cohort_key(month, portal.name),
            metadata=metadata | partition_metadata(number),
        )


def changed_outcomes(table: RawTable, outcomes: Sequence[Outcome]) -> list[Outcome]:
    """The outcomes that changed rows of this table, also those of a load that failed midway."""
    return [outcome for outcome in own_outcomes(table, outcomes) if outcome.rows_changed or outcome.months]


def cohort_metadata(warehouse: Warehouse, table: RawTable, outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """What is true of each month that was read: the columns, and up to when the portal's changes are known."""
    watermarks = [outcome.watermark for outcome in outcomes if outcome.watermark]
    known_until = {"watermark": dg.MetadataValue.timestamp(min(watermarks))} if watermarks else {}
    with warehouse.connect() as connection:
        return table_metadata(table_facts.columns(connection, table.table)) | known_until


def raw_table_metadata(
    warehouse: Warehouse, portal: Portal, table: RawTable, outcomes: Sequence[Outcome]
) -> dict[str, Any]:
    """The metadata of a portal's partition of a raw table: the sync's figures, the columns, and its rows."""
    with warehouse.connect() as connection:
        columns = table_facts.columns(connection, table.table)
        rows = table_facts.count_rows(connection, table.table, portal.id)
    return outcome_metadata(outcomes) | table_metadata(columns) | partition_metadata(rows)


def _changes(
    warehouse: Warehouse,
    portal: Portal,
    table: RawTable,
    months: Sequence[date],
) -> Iterator[dg.AssetObservation]:
    for month, number in rows_of_months(warehouse, portal, table, months).items():
        yield dg.AssetObservation(
            table.key,
            description="Rows of this month changed; no read has proved the month since.",
            partition=cohort_key(month, portal.name),
            metadata=partition_metadata(number),
        )


def _months(warehouse: Warehouse, portal: Portal, table: RawTable, outcomes: Sequence[Outcome]) -> set[date]:
    """The months whose rows changed; those of moves are looked up, because a sync only counts moves."""
    changed = changed_outcomes(table, outcomes)
    months = {month for outcome in changed for month in outcome.months}
    if changed and table.table == table_facts.MOVES:
        seconds = sum(outcome.seconds for outcome in outcomes) + SLACK_SECONDS
        with warehouse.connect() as connection:
            months |= table_facts.months_of_moves(connection, portal.id, portal.time_zone, seconds=seconds)
    return {month for month in months if month >= FIRST_MONTH}
