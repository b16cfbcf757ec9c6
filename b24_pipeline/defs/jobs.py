"""The jobs that schedules start. Steps run in the run's own process: a process each would cost a second."""

from __future__ import annotations

import dagster as dg
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

from b24_pipeline.defs.assets.crm import changes, cohorts, directories
from b24_pipeline.defs.assets.models import models
from b24_pipeline.defs.assets.own_leads import lead_matches
from b24_pipeline.defs.assets.partitions import PORTALS
from b24_pipeline.defs.checks import CHECKS, agrees_with_portal
from b24_pipeline.defs.ops.drain import drain_events
from b24_pipeline.defs.ops.prune import prune_events, prune_runs
from b24_pipeline.defs.ops.reconcile import compare_with_portal

changes_job = dg.define_asset_job(
    "changes",
    selection=dg.AssetSelection.assets(changes).without_checks()
    | dg.AssetSelection.checks(agrees_with_portal)
    | dg.AssetSelection.assets(models),
    description="What changed in one portal, whether its stages agree now, and the models above it.",
)

pipelines_job = dg.define_asset_job(
    "pipelines",
    selection=dg.AssetSelection.assets(directories).without_checks(),
    description="Pipelines, stages, directories, fields and users of one portal.",
)

matches_job = dg.define_asset_job(
    "matches",
    selection=dg.AssetSelection.assets(lead_matches).downstream(),
    description="Own ad leads of one portal that the copy does not know, searched for in the portal.",
)

cohorts_job = dg.define_asset_job(
    "cohorts",
    selection=dg.AssetSelection.assets(cohorts).without_checks(),
    description="One month of one portal, read again: finds what events and watermarks missed.",
)

checks_job = dg.define_asset_job(
    "checks",
    selection=dg.AssetSelection.checks(*CHECKS),
    description="The copy against the portals.",
)


@dg.job(
    name="reconcile",
    partitions_def=PORTALS,
    description="One portal compared by counting: finds what events and watermarks missed, and what is gone.",
)
def reconcile_job() -> None:
    """Everything that was ever created, in few requests."""
    compare_with_portal()


@dg.job(
    name="drain",
    description="Inbound events, while they come, and the models above what they changed.",
    # whatever waits in the queue, an event is to be seen within seconds; after a crash the sensor starts the next
    tags={"dagster/priority": "10", "dagster/max_retries": "0"},
)
def drain_job() -> None:
    """The landing table is the queue."""
    drain_events()


@dg.job(
    name="maintenance",
    description="Deletes old runs of Dagster that nothing refers to, and inbound events handled long ago.",
)
def maintenance_job() -> None:
    """Dagster keeps every run for ever, and we every event."""
    prune_runs()
    prune_events()


JOBS: list[dg.JobDefinition | UnresolvedAssetJobDefinition] = [
    changes_job,
    pipelines_job,
    matches_job,
    cohorts_job,
    reconcile_job,
    checks_job,
    drain_job,
    maintenance_job,
]
