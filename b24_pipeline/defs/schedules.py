"""The schedules: each starts a run of its job for every portal, unless the portal's last run of it is unfinished."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import dagster as dg
from dagster import DagsterRunStatus, RunsFilter

from b24_pipeline.defs.assets.partitions import PORTALS, cohort_key, last_months
from b24_pipeline.defs.jobs import (
    changes_job,
    checks_job,
    cohorts_job,
    maintenance_job,
    matches_job,
    pipelines_job,
    reconcile_job,
)
from b24_pipeline.defs.resources import B24

PORTAL_TAG = "b24/portal"  # dagster.yaml lets one run at a time through for each of its values
NIGHTLY_MONTHS = 2
RUNNING = dg.DefaultScheduleStatus.RUNNING
UNFINISHED = [
    DagsterRunStatus.QUEUED,
    DagsterRunStatus.NOT_STARTED,
    DagsterRunStatus.STARTING,
    DagsterRunStatus.STARTED,
    DagsterRunStatus.CANCELING,
]


@dg.schedule(job=changes_job, cron_schedule="*/10 * * * *", default_status=RUNNING)
def changes_every_10_minutes(context: dg.ScheduleEvaluationContext, b24: B24) -> Iterator[dg.RunRequest]:
    """Reads what changed in each portal, and builds the models."""
    for portal in _idle_portals(context, b24, changes_job.name):
        yield _request(context, portal, portal)


@dg.schedule(job=pipelines_job, cron_schedule="5 * * * *", default_status=RUNNING)
def pipelines_hourly(context: dg.ScheduleEvaluationContext, b24: B24) -> Iterator[dg.RunRequest]:
    """Reads the pipelines, stages, fields and users of each portal."""
    for portal in _idle_portals(context, b24, pipelines_job.name):
        yield _request(context, portal, portal)


@dg.schedule(job=matches_job, cron_schedule="20 * * * *", default_status=RUNNING)
def matches_hourly(context: dg.ScheduleEvaluationContext, b24: B24) -> Iterator[dg.RunRequest]:
    """Searches each portal for own ad leads that no sync could match in our copy."""
    for portal in _idle_portals(context, b24, matches_job.name):
        yield _request(context, portal, portal)


@dg.schedule(job=cohorts_job, cron_schedule="15 2 * * *", default_status=RUNNING)
def cohorts_nightly(context: dg.ScheduleEvaluationContext, b24: B24) -> Iterator[dg.RunRequest]:
    """Reads the last two months of each portal again."""
    for portal in _idle_portals(context, b24, cohorts_job.name):
        for month in last_months(_tick(context).date(), NIGHTLY_MONTHS):
            yield _request(context, portal, cohort_key(month, portal))


@dg.schedule(job=reconcile_job, cron_schedule="15 3 * * *", default_status=RUNNING)
def reconcile_nightly(context: dg.ScheduleEvaluationContext, b24: B24) -> Iterator[dg.RunRequest]:
    """Finds what events and watermarks missed in each portal, whenever it was created."""
    for portal in _idle_portals(context, b24, reconcile_job.name):
        yield _request(context, portal, portal)


@dg.schedule(job=checks_job, cron_schedule="30 * * * *", default_status=RUNNING)
def checks_hourly() -> dg.RunRequest:
    """Checks our copy against the portals."""
    return dg.RunRequest()


@dg.schedule(job=maintenance_job, cron_schedule="45 4 * * *", default_status=RUNNING)
def maintenance_nightly() -> dg.RunRequest:
    """Deletes old runs and inbound events."""
    return dg.RunRequest()


def _idle_portals(context: dg.ScheduleEvaluationContext, b24: B24, job: str) -> list[str]:
    """The connected portals without an unfinished run of this job; adds a partition for each connected portal."""
    portals = b24.connected_portals()
    if portals and PORTALS.name:
        context.instance.add_dynamic_partitions(PORTALS.name, portals)
    return [portal for portal in portals if not _goes_on(context, job, portal)]


def _goes_on(context: dg.ScheduleEvaluationContext, job: str, portal: str) -> bool:
    unfinished = RunsFilter(job_name=job, statuses=UNFINISHED, tags={PORTAL_TAG: portal})
    return bool(context.instance.get_run_records(unfinished, limit=1))


def _request(context: dg.ScheduleEvaluationContext, portal: str, partition: str) -> dg.RunRequest:
    """A request for a run; its key keeps a tick that is evaluated twice from starting two runs."""
    return dg.RunRequest(
        run_key=f"{partition}:{_tick(context):%Y-%m-%dT%H:%M}",
        partition_key=partition,
        tags={PORTAL_TAG: portal},
    )


def _tick(context: dg.ScheduleEvaluationContext) -> datetime:
    return context.scheduled_execution_time


SCHEDULES = [
    changes_every_10_minutes,
    pipelines_hourly,
    matches_hourly,
    cohorts_nightly,
    reconcile_nightly,
    checks_hourly,
    maintenance_nightly,
]
