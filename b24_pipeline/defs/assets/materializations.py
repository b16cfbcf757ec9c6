"""Reports what a sync has changed as materializations of the raw tables' partitions.

A sync by watermark is one asset but changes rows of many cohorts, and a sync from the
command line is no asset at all.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any

import dagster as dg

from b24_pipeline.defs.assets.metadata import outcome_metadata, table_metadata
from b24_pipeline.defs.assets.partitions import FIRST_MONTH, cohort_key
from b24_pipeline.defs.assets.raw_tables import COHORT_TABLES, PORTAL_TABLES, RawTable
from b24_pipeline.store.crm import table_facts
from b24_pipeline.store.database.warehouse import Warehouse
from b24_pipeline.store.portals.portal import Portal
from b24_pipeline.sync.outcome import Outcome

SLACK_SECONDS = 30


def materializations(
    warehouse: Warehouse, portal: Portal, outcomes: Sequence[Outcome], *, with_unchanged: bool = True
) -> Iterator[dg.AssetMaterialization]:
    """The materializations of one portal's sync: one for each cohort that changed, and each directory that was read.

    Without `with_unchanged`, directories that are as they were are left out.
    """
    for table in COHORT_TABLES:
        done = changed_outcomes(table, outcomes)
        if done:
            metadata = raw_table_metadata(warehouse, [portal], table, done)
            for month in sorted(_months(warehouse, portal, table, outcomes)):
                yield dg.AssetMaterialization(
                    table.key, partition=cohort_key(month, portal.name), metadata=metadata
                )
    for table in PORTAL_TABLES:
        done = worked_outcomes(table, outcomes)
        if done and (with_unchanged or changed_outcomes(table, done)):
            metadata = raw_table_metadata(warehouse, [portal], table, done)
            yield dg.AssetMaterialization(table.key, partition=portal.name, metadata=metadata)


def month_materializations(
    warehouse: Warehouse, portal: Portal, outcomes: Sequence[Outcome], months: Sequence[date]
) -> Iterator[dg.AssetMaterialization]:
    """The materializations of these months of one portal, which were read completely."""
    for table in COHORT_TABLES:
        done = worked_outcomes(table, outcomes)
        if done:
            metadata = raw_table_metadata(warehouse, [portal], table, done)
            for month in months:
                yield dg.AssetMaterialization(
                    table.key, partition=cohort_key(month, portal.name), metadata=metadata
                )


def worked_outcomes(table: RawTable, outcomes: Sequence[Outcome]) -> list[Outcome]:
    """The outcomes of this table if all of them worked, else none."""
    own = [outcome for outcome in outcomes if outcome.entity in table.outcomes]
    return own if all(outcome.worked for outcome in own) else []


def changed_outcomes(table: RawTable, outcomes: Sequence[Outcome]) -> list[Outcome]:
    """The outcomes that changed rows of this table, also those of a load that failed midway."""
    return [
        outcome
        for outcome in outcomes
        if outcome.entity in table.outcomes and (outcome.rows_changed or outcome.months)
    ]


def raw_table_metadata(
    warehouse: Warehouse, portals: Sequence[Portal], table: RawTable, outcomes: Sequence[Outcome]
) -> dict[str, Any]:
    """The metadata of a raw table after a sync: the sync's figures, the columns, and the rows of these portals."""
    with warehouse.connect() as connection:
        columns = table_facts.columns(connection, table.table)
        rows = sum(table_facts.count_rows(connection, table.table, portal.id) for portal in portals)
    return outcome_metadata(outcomes) | table_metadata(columns, rows)


def _months(warehouse: Warehouse, portal: Portal, table: RawTable, outcomes: Sequence[Outcome]) -> set[date]:
    """The months whose rows changed; those of moves are looked up, because a sync only counts moves."""
    months = {month for outcome in changed_outcomes(table, outcomes) for month in outcome.months}
    if table.table == table_facts.MOVES:
        seconds = sum(outcome.seconds for outcome in outcomes) + SLACK_SECONDS
        with warehouse.connect() as connection:
            months |= table_facts.months_of_moves(connection, portal.id, portal.time_zone, seconds=seconds)
    return {month for month in months if month >= FIRST_MONTH}
