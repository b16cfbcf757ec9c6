"""The ops that delete old runs, inbound events, and rows of the sync log.

A run in which a partition of an asset was last materialized stays: without it the partition would look as if it
had never been materialized.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

import dagster as dg
from dagster import DagsterEventType, DagsterInstance, DagsterRunStatus, RunsFilter

from b24_pipeline.defs.assets.failures import errors_as_failures
from b24_pipeline.defs.resources import B24
from b24_pipeline.store.access.sessions import delete_ended as delete_ended_sessions
from b24_pipeline.store.crm import sync_log
from b24_pipeline.store.database.dagster_schema import delete_old_events, is_set_up
from b24_pipeline.store.database.warehouse import Connection
from b24_pipeline.store.events import backlog
from b24_pipeline.store.own_leads.uploads import delete_old as delete_old_uploads
from b24_pipeline.store.portals import run_requests

KEEP_DAYS = 7
KEEP_DRAINS_DAYS = 1
"""Drains are many, about one a minute, and the sync log says all that their runs do."""
KEEP_FAILED_DAYS = 14
"""Where one portal of many refuses, each run that asks it fails: they would fill the disk."""
KEEP_EVENTS_DAYS = 30
KEEP_IDLE_SYNCS_DAYS, KEEP_SYNCS_DAYS = 7, 180
ROWS_AT_ONCE = 10_000
MOST_A_NIGHT = 5000
MOST_SYNCS_A_NIGHT = 1_000_000
PAGE = 500
ENDED_WELL = (DagsterRunStatus.SUCCESS, DagsterRunStatus.CANCELED)
FAILED = (DagsterRunStatus.FAILURE,)

OUR_JOBS = (
    *("changes", "pipelines", "matches", "cohorts", "reconcile", "drain", "models", "maintenance"),
    *("checks", "model_tests"),
)


@dg.op
def prune_runs(context: dg.OpExecutionContext, b24: B24) -> None:
    """Deletes runs that ended well or were cancelled a week ago, drains a day ago, and failed runs two weeks ago.

    In a project of somebody else only those of our jobs.
    """
    jobs: Sequence[str | None] = OUR_JOBS if b24.is_embedded else [None]
    ended_well = [(job, KEEP_DAYS, ENDED_WELL) for job in jobs]
    failed = [(job, KEEP_FAILED_DAYS, FAILED) for job in jobs]
    for job, days, statuses in (*ended_well, ("drain", KEEP_DRAINS_DAYS, ENDED_WELL), *failed):
        before = _days_ago(days)
        deleted = prune(context.instance, before, job, statuses)
        kind = f"{'failed ' if statuses is FAILED else ''}runs{f' of {job}' if job else ''}"
        context.log.info(f"{deleted} {kind} from before {before:%Y-%m-%d} were deleted")


@dg.op
def prune_left_events(context: dg.OpExecutionContext, b24: B24) -> None:
    """Deletes what Dagster leaves of deleted runs, and what commands have reported without a run, after a week.

    Nothing where Dagster's storage is not in our database.
    """
    if b24.is_embedded:
        return
    with errors_as_failures(), b24.opened() as runtime:
        deleted = runtime.warehouse.transact(_delete_left_events)
    context.log.info(f"{deleted} results of checks and events without a run were deleted")


def _delete_left_events(connection: Connection) -> int:
    return delete_old_events(connection, _days_ago(KEEP_DAYS)) if is_set_up(connection) else 0


def _days_ago(days: float) -> datetime:
    return datetime.now(UTC) - timedelta(days=days)


@dg.op
def prune_events(context: dg.OpExecutionContext, b24: B24) -> None:
    """Deletes inbound events that were handled more than a month ago; failed ones stay for a person.

    With them go requests of the pages, and, where no service runs that does it, uploads that were not loaded and ended
    sessions.
    """
    total = 0
    with errors_as_failures(), b24.opened() as runtime:
        while deleted := runtime.warehouse.transact(backlog.prune, days=KEEP_EVENTS_DAYS, most=ROWS_AT_ONCE):
            total += deleted
        delete_old_uploads(runtime.warehouse)
        delete_ended_sessions(runtime.warehouse)
        runtime.warehouse.transact(run_requests.delete_old)
    context.log.info(f"{total} inbound events were deleted")


@dg.op
def prune_sync_log(context: dg.OpExecutionContext, b24: B24) -> None:
    """Deletes rows of the sync log that are older than a week and found nothing, and those of half a year ago."""
    with errors_as_failures(), b24.opened() as runtime:
        deleted = runtime.warehouse.transact(
            sync_log.prune, days=KEEP_IDLE_SYNCS_DAYS, kept_days=KEEP_SYNCS_DAYS, most=MOST_SYNCS_A_NIGHT
        )
    context.log.info(f"{deleted} rows of the sync log were deleted")


def prune(
    instance: DagsterInstance,
    before: datetime,
    job: str | None = None,
    statuses: Sequence[DagsterRunStatus] = ENDED_WELL,
) -> int:
    """Deletes runs that ended before a time and are not needed, of one job or of all, with the files of their output.

    Returns how many runs those were.
    """
    old = RunsFilter(job_name=job, statuses=statuses, updated_before=before)
    needed = set(_last_materializing_runs(instance)) | _last_of_each_job(instance)
    candidates = [run.run_id for run in instance.get_runs(old, limit=MOST_A_NIGHT, ascending=True)]
    superfluous = [run_id for run_id in candidates if run_id not in needed]
    for run_id in superfluous:
        instance.delete_run(run_id)
        instance.compute_log_manager.delete_logs(prefix=[run_id])  # files, which Dagster leaves
    return len(superfluous)


def _last_materializing_runs(instance: DagsterInstance) -> Iterator[str]:
    """The ids of the runs in which an asset or one of its partitions was last materialized."""
    for key in instance.get_asset_keys():
        latest = instance.event_log_storage.get_latest_storage_id_by_partition(
            key, DagsterEventType.ASSET_MATERIALIZATION
        )
        yield from _runs_of(instance, key, list(latest.values()))
        event = instance.get_latest_materialization_event(key)
        if event:
            yield event.run_id


def _runs_of(instance: DagsterInstance, key: dg.AssetKey, storage_ids: Sequence[int]) -> Iterator[str]:
    for start in range(0, len(storage_ids), PAGE):
        chosen = dg.AssetRecordsFilter(key, storage_ids=storage_ids[start : start + PAGE])
        for record in instance.fetch_materializations(chosen, limit=PAGE).records:
            yield record.run_id


def _last_of_each_job(instance: DagsterInstance) -> set[str]:
    """The id of the last run of each job, so that the UI shows when each ran last."""
    names = {record.dagster_run.job_name for record in instance.get_run_records(limit=PAGE)}
    last = [instance.get_runs(RunsFilter(job_name=name), limit=1) for name in names]
    return {run.run_id for runs in last for run in runs}
