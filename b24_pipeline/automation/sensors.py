"""Portals become partitions soon after they are connected."""

from __future__ import annotations

import dagster as dg

from b24_pipeline.assets.partitions import PORTALS
from b24_pipeline.resources import B24

EVERY_SECONDS = 30


@dg.sensor(minimum_interval_seconds=EVERY_SECONDS, default_status=dg.DefaultSensorStatus.RUNNING)
def new_portals(context: dg.SensorEvaluationContext, b24: B24) -> dg.SensorResult | dg.SkipReason:
    """Adds a partition for each portal that has none. Removed portals keep theirs, with their data."""
    known = PORTALS.get_partition_keys(dynamic_partitions_store=context.instance)
    new = [portal for portal in b24.connected_portals() if portal not in known]
    if not new:
        return dg.SkipReason("no new portal")
    return dg.SensorResult(dynamic_partitions_requests=[PORTALS.build_add_request(new)])


SENSORS = [new_portals]
