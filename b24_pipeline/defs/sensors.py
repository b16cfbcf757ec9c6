"""The sensors: they add new portals, start drains and what people ask for, and end runs whose process was killed."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import dagster as dg
from dagster import DagsterRunStatus, RunsFilter

from b24_pipeline.defs.assets.partitions import PORTALS
from b24_pipeline.defs.jobs import changes_job, drain_job, models_job
from b24_pipeline.defs.ops.drain import MOST_SECONDS
from b24_pipeline.defs.resources import B24, HOLDS_LOCK
from b24_pipeline.defs.schedules import UNFINISHED, group_run, groups_of

EVERY_SECONDS = 30
LOOK_SECONDS = 5
MISSED_SECONDS = 15
MOST_DRAINS = 3


@dg.sensor(
    job=changes_job,
    minimum_interval_seconds=EVERY_SECONDS,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Adds a partition for each portal that was connected, and has it read; deletes those of no portal.",
)
def new_portals(context: dg.SensorEvaluationContext, b24: B24) -> dg.SensorResult | dg.SkipReason:
    """Adds a partition for each portal that has none, and has it read at once.

    Removed portals keep theirs, as their data stays. One that no portal was ever called by is deleted: "Add a
    partition" in the UI takes any name.
    """
    b24.known(context.instance).store_names()
    known = PORTALS.get_partition_keys(dynamic_partitions_store=context.instance)
    new = [portal for portal in b24.connected_portals() if portal not in known]
    if not new:
        return _without_strangers(sorted(set(known) - b24.known_portals()))
    return dg.SensorResult(
        run_requests=[group_run(changes_job, group) for group in groups_of(new)],
        dynamic_partitions_requests=[PORTALS.build_add_request(new)],
    )


def _without_strangers(names: Sequence[str]) -> dg.SensorResult | dg.SkipReason:
    if not names:
        return dg.SkipReason("no new portal")
    return dg.SensorResult(
        skip_reason=f"no portal is called {', '.join(names)}: deleted from the partitions",
        dynamic_partitions_requests=[PORTALS.build_delete_request(names)],
    )


@dg.sensor(
    job=drain_job,
    minimum_interval_seconds=LOOK_SECONDS,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Starts a drain when events of the portals have landed and no drain takes them.",
)
def inbound_events(context: dg.SensorEvaluationContext, b24: B24) -> dg.RunRequest | dg.SkipReason:
    """Starts a drain if events are due and no drain takes them.

    A drain that is older than MOST_SECONDS takes no more events: it only waits for portals that do not answer.

    It has no cursor, which would move on even if the run fails, and no run key, which Dagster keeps for ever: the
    landing table knows which events are due.
    """
    waiting = b24.waiting_events()
    if not waiting.is_due:
        return dg.SkipReason(_why_none_is_due(waiting.of_paused))
    unfinished = context.instance.get_run_records(RunsFilter(job_name=drain_job.name, statuses=UNFINISHED))
    oldest = datetime.now(UTC).timestamp() - MOST_SECONDS
    if any(record.start_time is None or record.start_time > oldest for record in unfinished):
        return dg.SkipReason("a drain is running and takes the events")
    if len(unfinished) >= MOST_DRAINS:
        return dg.SkipReason(f"{len(unfinished)} drains wait for portals that do not answer")
    return dg.RunRequest()


def _why_none_is_due(of_paused: Mapping[str, int]) -> str:
    if not of_paused:
        return "no event is due"
    return f"{sum(of_paused.values()):,} events wait for paused portals: {', '.join(of_paused)}"


@dg.sensor(
    jobs=[changes_job, models_job],
    minimum_interval_seconds=LOOK_SECONDS,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Starts what people asked for on the pages: a read of a portal, or a build of the models.",
)
def requested_runs(context: dg.SensorEvaluationContext, b24: B24) -> dg.SensorResult | dg.SkipReason:
    """Reads the portals that the service could not read itself, or builds the models where no portal was named.

    The cursor is the number of the last request; the run key keeps one that is evaluated twice from two runs.
    """
    last_seen = int(context.cursor or 0)
    found = b24.run_requests(last_seen)
    if not found:
        return dg.SkipReason("nobody has asked for anything")
    last = found[-1].id
    portals = sorted({request.portal for request in found if request.portal})
    runs = [
        group_run(changes_job, group, run_key=f"{number}:requested {last}")
        for number, group in enumerate(groups_of(portals))
    ]
    if any(request.portal is None for request in found):  # they need not wait for a portal to be read
        runs.append(dg.RunRequest(job_name=models_job.name, run_key=f"requested {last}"))
    return dg.SensorResult(run_requests=runs, cursor=str(last))


@dg.sensor(
    minimum_interval_seconds=MISSED_SECONDS,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Ends runs whose process was killed, so that others need not wait for them.",
)
def abandoned_runs(context: dg.SensorEvaluationContext, b24: B24) -> dg.SkipReason:
    """Reports runs as failed whose process was killed, or whose machine was stopped.

    Dagster itself would count such a run as running for hours, and no other run of its portal, and no drain, would
    start meanwhile. A run that is seen twice without its lock was killed; if it is seen once, it may be just ending.
    """
    going_on = RunsFilter(statuses=[DagsterRunStatus.STARTED, DagsterRunStatus.CANCELING], tags=HOLDS_LOCK)
    runs = {run.run_id: run for run in context.instance.get_runs(going_on)}
    gone = b24.gone(runs) if runs else set()
    seen_before = gone & set(json.loads(context.cursor or "[]"))
    for run_id in seen_before:
        context.instance.report_run_failed(
            runs[run_id], "its process is gone: it was killed, or its machine switched off"
        )
    context.update_cursor(json.dumps(sorted(gone - seen_before)))
    return dg.SkipReason(f"{len(seen_before)} of {len(runs)} runs were abandoned")


SENSORS = [new_portals, inbound_events, requested_runs, abandoned_runs]
