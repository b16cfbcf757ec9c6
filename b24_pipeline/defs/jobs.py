"""The jobs that schedules and sensors start. Steps run in the run's process: one of their own would take a second."""

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
    description="Reads what changed in one portal, checks its stages, and builds the models.",
)

pipelines_job = dg.define_asset_job(
    "pipelines",
    selection=dg.AssetSelection.assets(directories).without_checks(),
    description="Reads all pipelines, stages, directories, fields and users of one portal.",
)

matches_job = dg.define_asset_job(
    "matches",
    selection=dg.AssetSelection.assets(lead_matches).downstream(),
    description="Matches own ad leads of one portal; those not found in the copy are searched for in the portal.",
)

cohorts_job = dg.define_asset_job(
    "cohorts",
    selection=dg.AssetSelection.assets(cohorts).without_checks(),
    description="Reads one month of one portal again, and finds what events and watermarks missed.",
)

checks_job = dg.define_asset_job(
    "checks",
    selection=dg.AssetSelection.checks(*CHECKS),
    description="Checks the copy against the portals.",
)


@dg.job(
    name="reconcile",
    partitions_def=PORTALS,
    description="Compares one portal by counting, and finds rows that were missed or deleted.",
)
def reconcile_job() -> None:
    """Compares all rows of one portal in few requests."""
    compare_with_portal()


@dg.job(
    name="drain",
    description="Drains inbound events while they come, and builds the models above what they changed.",
    # events are to be seen within seconds, so the run goes before others; after a crash the sensor starts the next
    tags={"dagster/priority": "10", "dagster/max_retries": "0"},
)
def drain_job() -> None:
    """Drains the landing table of inbound events."""
    drain_events()


@dg.job(
    name="maintenance",
    description="Deletes old runs of Dagster that nothing refers to, and inbound events handled long ago.",
)
def maintenance_job() -> None:
    """Deletes old runs and events, which otherwise stay for ever."""
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
