"""The assets of the raw tables: cohorts that are read again, small tables that are read completely, and changes."""

from collections.abc import Callable, Iterator, Sequence
from time import monotonic

import dagster as dg

from b24_pipeline.defs.assets.catalogue import (
    BY_CHANGES,
    CHANGES_ARE_FRESH,
    described_table,
    layer_tags,
    refreshed,
)
from b24_pipeline.defs.assets.failures import RETRIES, errors_as_failures, raise_for
from b24_pipeline.defs.assets.materializations import (
    cohort_metadata,
    materializations,
    month_materializations,
    raw_table_metadata,
)
from b24_pipeline.defs.assets.metadata import outcome_metadata, outcome_table, partition_metadata
from b24_pipeline.defs.assets.partitions import (
    COHORTS,
    MONTHS_A_RUN,
    PORTALS,
    cohort_key,
    months_by_portal,
    ranges_by_portal,
)
from b24_pipeline.defs.assets.proved_months import earlier_proofs, rows_of_months, worked_outcomes
from b24_pipeline.defs.assets.raw_tables import (
    CHANGES,
    COHORT_TABLES,
    ITEMS,
    KINDS,
    PORTAL_TABLES,
    PORTALS_KEY,
    PUBLIC,
    RAW,
    RECONCILIATION,
    RawTable,
)
from b24_pipeline.defs.known_assets import UNVERSIONED, log_events
from b24_pipeline.defs.resources import B24
from b24_pipeline.errors import B24Error
from b24_pipeline.store.portals import entity_choice
from b24_pipeline.sync.crm.scope import Days
from b24_pipeline.sync.job import Job
from b24_pipeline.sync.outcome import Outcome
from b24_pipeline.sync.run import SyncRequest, backfill, sync_portal

PROGRESS_SECONDS = 10

portals = dg.AssetSpec(
    PORTALS_KEY,
    description=refreshed(
        "One row a connected portal. It is written without Dagster, so it has no materialization.",
        "`b24 portal add`",
    ),
    group_name=RAW,
    kinds={"postgres"},
    tags=layer_tags(RAW),
    metadata=described_table(PUBLIC, "user_accounts"),
)

reconciliation = dg.AssetSpec(
    RECONCILIATION,
    deps=[CHANGES],
    description=refreshed(
        "Our figures of each stage beside the live portal's; each sync ends with this comparison. It has no "
        "materialization: the check `agrees_with_portal` of `raw/changes` tells what was found.",
        BY_CHANGES,
    ),
    group_name=RAW,
    kinds=set(KINDS),
    tags=layer_tags(RAW),
    metadata=described_table(PUBLIC, "reconciliation"),
)


@dg.multi_asset(
    name="read_cohorts",
    specs=[table.spec() for table in COHORT_TABLES],
    partitions_def=COHORTS,
    backfill_policy=dg.BackfillPolicy.multi_run(MONTHS_A_RUN),
    can_subset=True,
    retry_policy=RETRIES,
    pool="b24_cohorts",
)
def cohorts(context: dg.AssetExecutionContext, b24: B24) -> Iterator[dg.MaterializeResult[None]]:
    """Reads again the rows that were created in these months, and finds those that were deleted since.

    A portal that fails stops no other; the months of the others are reported as read.
    """
    tables = _chosen(context, b24, COHORT_TABLES)
    ranges = ranges_by_portal(context.partition_keys)
    months = months_by_portal(context.partition_keys)
    outcomes = {portal: _read_again(context, b24, portal, ranges[portal], tables) for portal in ranges}
    with errors_as_failures(), b24.opened() as runtime:
        portals = [portal for portal in runtime.portals.all() if portal.name in ranges]
        for table in tables:
            done = {portal: worked_outcomes(table, outcomes[portal.name]) for portal in portals}
            if len(done) == len(ranges) and all(done.values()):
                together = [outcome for portal_outcomes in done.values() for outcome in portal_outcomes]
                for portal in portals:
                    for month, number in rows_of_months(
                        runtime.warehouse, portal, table, months[portal.name]
                    ).items():
                        context.add_asset_metadata(
                            partition_metadata(number),
                            b24.asset_names.key(table.key),
                            cohort_key(month, portal.name),
                        )
                yield dg.MaterializeResult(
                    asset_key=b24.asset_names.key(table.key),
                    metadata=cohort_metadata(runtime.warehouse, table, together),
                    data_version=dg.DataVersion(UNVERSIONED),
                )
                continue
            for portal in filter(done.get, portals):
                rows = rows_of_months(runtime.warehouse, portal, table, months[portal.name])
                events = month_materializations(runtime.warehouse, portal, table, done[portal], rows)
                log_events(context, b24.asset_names, events)
    raise_for([outcome for portal_outcomes in outcomes.values() for outcome in portal_outcomes], context.log)


def _read_again(
    context: dg.AssetExecutionContext,
    b24: B24,
    portal: str,
    ranges: Sequence[Days],
    tables: Sequence[RawTable],
) -> list[Outcome]:
    names = [table.entity for table in tables]
    try:
        with b24.job(portal, run_id=context.run_id, progress=_progress(context)) as job:
            return [outcome for days in ranges for outcome in backfill(job, days, names)]
    except B24Error as error:
        return [Outcome(portal, "portal", "backfill", error=error)]


@dg.multi_asset(
    name="read_directories",
    specs=[table.spec() for table in PORTAL_TABLES],
    partitions_def=PORTALS,
    can_subset=True,
    retry_policy=RETRIES,
)
def directories(context: dg.AssetExecutionContext, b24: B24) -> Iterator[dg.MaterializeResult[None]]:
    """Reads all pipelines, stages, directories, fields and users of a portal, mostly in two requests."""
    tables = _chosen(context, b24, PORTAL_TABLES)
    wanted = SyncRequest(tuple(dict.fromkeys(table.entity for table in tables)))
    with errors_as_failures(context.log), b24.job(context.partition_key, run_id=context.run_id) as job:
        outcomes = sync_portal(job, wanted)
        yield from _results(b24, job, tables, outcomes)
        for table in tables:
            if not any(table.has(outcome.entity) for outcome in outcomes):
                context.log.info(
                    f"raw/{table.name} was not asked for: nothing was chosen by `b24 portal entities`"
                )
    raise_for(outcomes, context.log)


@dg.multi_asset(name="read_items", specs=[ITEMS.spec()], partitions_def=PORTALS, retry_policy=RETRIES)
def items(context: dg.AssetExecutionContext, b24: B24) -> Iterator[dg.MaterializeResult[None]]:
    """Reads what has changed in the invoices, quotes and smart processes that were chosen for a portal."""
    with errors_as_failures(context.log), b24.job(context.partition_key, run_id=context.run_id) as job:
        chosen = job.transact(entity_choice.chosen)
        outcomes = sync_portal(job, SyncRequest(chosen)) if chosen else []
        if all(outcome.worked for outcome in outcomes):
            yield dg.MaterializeResult(
                asset_key=b24.asset_names.key(ITEMS.key),
                metadata=raw_table_metadata(job.warehouse, job.portal, ITEMS, outcomes)
                | {"chosen": ", ".join(chosen) or "none: `b24 portal entities` shows what there is"},
                data_version=dg.DataVersion(UNVERSIONED),
            )
    raise_for(outcomes, context.log)


@dg.asset(
    key=CHANGES,
    description=refreshed(
        "What has changed in a portal since its last sync; the first time, everything.",
        "the job `changes`, every 10 minutes, for all portals in one run",
    ),
    group_name=RAW,
    kinds=set(KINDS),
    tags=layer_tags(RAW),
    freshness_policy=CHANGES_ARE_FRESH,
    partitions_def=PORTALS,
    retry_policy=RETRIES,
)
def changes(context: dg.AssetExecutionContext, b24: B24) -> dg.MaterializeResult[None]:
    """Reads what has changed in a portal since its last sync; the first time, everything.

    The cohorts that it read completely are reported as materialized, others that it changed as observed.
    """
    progress = _progress(context)
    with (
        errors_as_failures(context.log),
        b24.job(context.partition_key, run_id=context.run_id, progress=progress) as job,
    ):
        outcomes = sync_portal(job, SyncRequest())
        known = b24.known(context.instance)
        log_events(context, b24.asset_names, materializations(job.warehouse, job.portal, outcomes, known))
        mended = earlier_proofs(job.warehouse, job.portal, known, only_failed=True)
        log_events(context, b24.asset_names, mended)
    raise_for(outcomes, context.log)
    return dg.MaterializeResult(
        metadata=outcome_metadata(outcomes) | {"entities": outcome_table(outcomes)},
        data_version=dg.DataVersion(UNVERSIONED),
    )


def _chosen(context: dg.AssetExecutionContext, b24: B24, tables: Sequence[RawTable]) -> list[RawTable]:
    return [table for table in tables if b24.asset_names.key(table.key) in context.selected_asset_keys]


def _results(
    b24: B24, job: Job, tables: Sequence[RawTable], outcomes: Sequence[Outcome]
) -> Iterator[dg.MaterializeResult[None]]:
    for table in tables:
        done = worked_outcomes(table, outcomes)
        if done:
            yield dg.MaterializeResult(
                asset_key=b24.asset_names.key(table.key),
                metadata=raw_table_metadata(job.warehouse, job.portal, table, done),
                data_version=dg.DataVersion(UNVERSIONED),
            )


def _progress(context: dg.AssetExecutionContext) -> Callable[[str, str, int], None]:
    """A function that logs the progress in the run's log, at most once in PROGRESS_SECONDS."""
    seen: dict[str, int] = {}
    logged_at = monotonic()

    def log_progress(portal: str, entity: str, rows: int) -> None:
        nonlocal logged_at
        seen[entity] = seen.get(entity, 0) + rows
        if monotonic() - logged_at > PROGRESS_SECONDS:
            logged_at = monotonic()
            context.log.info(f"{portal}: {entity}, {seen[entity]:,} rows so far")

    return log_progress


QUALIFICATION = dg.AssetKey([RAW, "qualification"])

qualification = dg.AssetSpec(
    QUALIFICATION,
    deps=[CHANGES],
    description=refreshed(
        "Leads and deals that fulfil a condition of the portal, or did once (`b24 portal qualification`). It is "
        "reported when its rows change, so never where no portal has a condition.",
        BY_CHANGES,
    ),
    group_name=RAW,
    kinds={"postgres"},
    tags=layer_tags(RAW),
    metadata=described_table(PUBLIC, "bitrix24_qualification"),
)
