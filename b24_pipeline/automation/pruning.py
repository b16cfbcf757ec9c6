"""Old runs go; those that hold the last word on an asset's partition stay, or it would look never made."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

import dagster as dg
from dagster import DagsterEventType, DagsterInstance, DagsterRunStatus, RunsFilter

KEEP_DAYS = 7
MOST_A_NIGHT = 5000
PAGE = 500


@dg.op
def prune_runs(context: dg.OpExecutionContext) -> None:
    """Deletes successful and cancelled runs that are older than a week."""
    before = datetime.now(UTC) - timedelta(days=KEEP_DAYS)
    deleted = prune(context.instance, before)
    context.log.info(f"{deleted} runs from before {before:%Y-%m-%d} were deleted")


def prune(instance: DagsterInstance, before: datetime) -> int:
    """Deletes what has ended before that moment and is not needed; returns how many runs."""
    old = RunsFilter(statuses=[DagsterRunStatus.SUCCESS, DagsterRunStatus.CANCELED], updated_before=before)
    needed = set(last_words(instance)) | _last_of_each_job(instance)
    candidates = [run.run_id for run in instance.get_runs(old, limit=MOST_A_NIGHT, ascending=True)]
    superfluous = [run_id for run_id in candidates if run_id not in needed]
    for run_id in superfluous:
        instance.delete_run(run_id)
    return len(superfluous)


def last_words(instance: DagsterInstance) -> Iterator[str]:
    """The runs in which an asset, or one of its partitions, was last materialized."""
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
    """So that the UI tells when each ran last."""
    names = {record.dagster_run.job_name for record in instance.get_run_records(limit=PAGE)}
    last = [instance.get_runs(RunsFilter(job_name=name), limit=1) for name in names]
    return {run.run_id for runs in last for run in runs}
