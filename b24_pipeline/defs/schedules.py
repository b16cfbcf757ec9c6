"""The schedules: each starts runs of its job for groups of portals, unless runs of it still wait to begin."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import dagster as dg
from dagster import DagsterRunStatus, RunsFilter

from b24_pipeline.defs.assets.partitions import PORTALS
from b24_pipeline.defs.jobs import (
    CHECKS_JOB,
    MODEL_TESTS_JOB,
    changes_job,
    cohorts_job,
    maintenance_job,
    matches_job,
    pipelines_job,
    reconcile_job,
)
from b24_pipeline.defs.resources import B24

PORTALS_A_RUN = 25
"""A run takes seconds of a core to start; a group is small enough that one run of several may fail."""

MOST_UNFINISHED = 4
"""Runs of a job that may go on, held up by portals that hang or are read for the first time, while more begin."""

RUNNING = dg.DefaultScheduleStatus.RUNNING
UNFINISHED = [
    DagsterRunStatus.QUEUED,
    DagsterRunStatus.NOT_STARTED,
    DagsterRunStatus.STARTING,
    DagsterRunStatus.STARTED,
    DagsterRunStatus.CANCELING,
]
WAITING = [DagsterRunStatus.QUEUED, DagsterRunStatus.NOT_STARTED]


@dg.schedule(
    job=changes_job,
    cron_schedule="*/10 * * * *",
    default_status=RUNNING,
    description="Reads what changed in each portal since its last sync, then builds the models above it.",
)
def changes_every_10_minutes(context: dg.ScheduleEvaluationContext, b24: B24) -> Iterator[dg.RunRequest]:
    """Reads what changed in each portal, and builds the models."""
    yield from _groups(context, b24, changes_job)


@dg.schedule(
    job=pipelines_job,
    cron_schedule="5 * * * *",
    default_status=RUNNING,
    description="Reads all pipelines, stages, directories, fields and users of each portal.",
)
def pipelines_hourly(context: dg.ScheduleEvaluationContext, b24: B24) -> Iterator[dg.RunRequest]:
    """Reads the pipelines, stages, fields and users of each portal."""
    yield from _groups(context, b24, pipelines_job)


@dg.schedule(
    job=matches_job,
    cron_schedule="20 * * * *",
    default_status=RUNNING,
    description="Searches each portal for own ad leads that no sync could match in the copy.",
)
def matches_hourly(context: dg.ScheduleEvaluationContext, b24: B24) -> Iterator[dg.RunRequest]:
    """Searches each portal for own ad leads that no sync could match in our copy."""
    yield from _groups(context, b24, matches_job)


@dg.schedule(
    job=cohorts_job,
    cron_schedule="15 2 * * *",
    default_status=RUNNING,
    description="Reads again what was created in this and the last month, and finds what was deleted.",
)
def cohorts_nightly(context: dg.ScheduleEvaluationContext, b24: B24) -> Iterator[dg.RunRequest]:
    """Reads the last two months of each portal again."""
    yield from _groups(context, b24, cohorts_job)


@dg.schedule(
    job=reconcile_job,
    cron_schedule="15 3 * * *",
    default_status=RUNNING,
    description="Compares all rows with each portal by counting, and repairs what events and syncs missed.",
)
def reconcile_nightly(context: dg.ScheduleEvaluationContext, b24: B24) -> Iterator[dg.RunRequest]:
    """Finds what events and watermarks missed in each portal, whenever it was created."""
    yield from _groups(context, b24, reconcile_job)


@dg.schedule(
    job_name=CHECKS_JOB,
    cron_schedule="30 * * * *",
    default_status=RUNNING,
    description="Counts the rows in the portals, and evaluates all checks of the copy.",
)
def checks_hourly() -> dg.RunRequest:
    """Checks our copy against the portals."""
    return dg.RunRequest()


@dg.schedule(
    job_name=MODEL_TESTS_JOB,
    cron_schedule="15 4 * * *",
    default_status=RUNNING,
    description="Tests all rows of the models; a build tests those that changed.",
)
def model_tests_nightly() -> dg.RunRequest:
    """Tests all rows of the models: a build by change tests those that changed."""
    return dg.RunRequest()


@dg.schedule(
    job=maintenance_job,
    cron_schedule="45 4 * * *",
    default_status=RUNNING,
    description="Deletes old runs, inbound events and rows of the sync log.",
)
def maintenance_nightly() -> dg.RunRequest:
    """Deletes old runs and inbound events."""
    return dg.RunRequest()


def _groups(
    context: dg.ScheduleEvaluationContext, b24: B24, job: dg.JobDefinition
) -> Iterator[dg.RunRequest]:
    """A run for each group of connected portals; adds a partition for each portal.

    No run while others of the job wait: a queue would grow. A portal that a run still works on is left out by the
    next one, which finds it claimed in the database.
    """
    portals = b24.connected_portals()
    if portals and PORTALS.name:
        context.instance.add_dynamic_partitions(PORTALS.name, portals)
    groups = groups_of(portals)
    unfinished = context.instance.get_run_records(RunsFilter(job_name=job.name, statuses=UNFINISHED))
    waiting = [record for record in unfinished if record.dagster_run.status in WAITING]
    if waiting or len(unfinished) + len(groups) > max(MOST_UNFINISHED, 2 * len(groups)):
        context.log.info(f"{len(unfinished)} runs of {job.name} are unfinished, {len(waiting)} of them wait")
        return
    for number, group in enumerate(groups):
        # the key keeps a tick that is evaluated twice from starting a run twice
        yield group_run(job, group, run_key=f"{number}:{context.scheduled_execution_time:%Y-%m-%dT%H:%M}")


def groups_of(portals: Sequence[str]) -> list[list[str]]:
    """The portals of each run."""
    return [list(portals[start : start + PORTALS_A_RUN]) for start in range(0, len(portals), PORTALS_A_RUN)]


def group_run(job: dg.JobDefinition, portals: Sequence[str], *, run_key: str | None = None) -> dg.RunRequest:
    """A run of the job for these portals."""
    (op,) = job.graph.node_names()
    return dg.RunRequest(
        job_name=job.name,
        run_key=run_key,
        run_config={"ops": {op: {"config": {"portals": list(portals)}}}},
        tags={"b24/portals": str(len(portals))},
    )


SCHEDULES = [
    changes_every_10_minutes,
    pipelines_hourly,
    matches_hourly,
    cohorts_nightly,
    reconcile_nightly,
    checks_hourly,
    model_tests_nightly,
    maintenance_nightly,
]
