"""Portals become partitions soon after they are connected; inbound events are drained soon after they land."""

from __future__ import annotations

import dagster as dg
from dagster import RunsFilter

from b24_pipeline.assets.partitions import PORTALS
from b24_pipeline.automation.jobs import drain_job
from b24_pipeline.automation.schedules import UNFINISHED
from b24_pipeline.resources import B24

EVERY_SECONDS = 30
LOOK_SECONDS = 5


@dg.sensor(minimum_interval_seconds=EVERY_SECONDS, default_status=dg.DefaultSensorStatus.RUNNING)
def new_portals(context: dg.SensorEvaluationContext, b24: B24) -> dg.SensorResult | dg.SkipReason:
    """Adds a partition for each portal that has none. Removed portals keep theirs, with their data."""
    known = PORTALS.get_partition_keys(dynamic_partitions_store=context.instance)
    new = [portal for portal in b24.connected_portals() if portal not in known]
    if not new:
        return dg.SkipReason("no new portal")
    return dg.SensorResult(dynamic_partitions_requests=[PORTALS.build_add_request(new)])


@dg.sensor(
    job=drain_job, minimum_interval_seconds=LOOK_SECONDS, default_status=dg.DefaultSensorStatus.RUNNING
)
def inbound_events(context: dg.SensorEvaluationContext, b24: B24) -> dg.RunRequest | dg.SkipReason:
    """Starts a drain where events are due and none goes on.

    No cursor: it would move on even if the run fails. No run key: it would be
    remembered for ever. The landing table knows what is to be done.
    """
    if not b24.has_due_events():
        return dg.SkipReason("no event is due")
    if context.instance.get_run_records(RunsFilter(job_name=drain_job.name, statuses=UNFINISHED), limit=1):
        return dg.SkipReason("a drain goes on, and takes them")
    return dg.RunRequest()


SENSORS = [new_portals, inbound_events]
