"""The jobs that schedules and sensors start. Steps run in the run's process: one of their own would take a second."""

from __future__ import annotations

from collections.abc import Sequence

import dagster as dg

# what define_asset_job returns has no public name
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

from b24_pipeline.defs.ops.drain import drain_events
from b24_pipeline.defs.ops.portal_ops import (
    build_changed_models,
    compare_with_portals,
    match_own_leads,
    read_all_directories,
    read_changes,
    read_recent_months,
)
from b24_pipeline.defs.ops.prune import (
    prune_events,
    prune_left_events,
    prune_runs,
    prune_sync_log,
)

CHECKS_JOB = "checks"
MODEL_TESTS_JOB = "model_tests"
IN_PROCESS = dg.in_process_executor


def asset_jobs(
    assets: Sequence[dg.AssetsDefinition | dg.AssetSpec], checks: Sequence[dg.AssetChecksDefinition]
) -> list[UnresolvedAssetJobDefinition]:
    """The jobs that evaluate these checks, and those of these assets' own steps: the tests of the models."""
    executable = [asset for asset in assets if isinstance(asset, dg.AssetsDefinition)]
    return [
        dg.define_asset_job(
            CHECKS_JOB,
            selection=dg.AssetSelection.checks(*checks),
            description="Checks the copy against the portals.",
            executor_def=IN_PROCESS,
        ),
        dg.define_asset_job(
            MODEL_TESTS_JOB,
            selection=dg.AssetSelection.checks_for_assets(*executable) - dg.AssetSelection.checks(*checks),
            description="Runs all tests of the SQL models on all rows; a build looks at what changed alone.",
            executor_def=IN_PROCESS,
        ),
    ]


@dg.job(
    executor_def=IN_PROCESS,
    name="changes",
    description="Reads what changed in the connected portals, checks their stages, and builds the models above it. "
    "`portals` in the Launchpad are the portals to read, none are all of them; `full` reads everything again, as "
    "`b24 sync --full` does.",
)
def changes_job() -> None:
    """Reads what changed, in the portals of its configuration or in all."""
    read_changes()


@dg.job(
    executor_def=IN_PROCESS,
    name="pipelines",
    description=(
        "Reads all pipelines, stages, directories, fields, departments, currencies and users of the connected portals."
    ),
)
def pipelines_job() -> None:
    """Reads what a portal has few of."""
    read_all_directories()


@dg.job(
    executor_def=IN_PROCESS,
    name="matches",
    description="Matches own ad leads of the connected portals; those not found in the copy are searched for there.",
)
def matches_job() -> None:
    """Matches own leads, and builds the models above them."""
    match_own_leads()


@dg.job(
    executor_def=IN_PROCESS,
    name="cohorts",
    description="Reads the last two months of the connected portals again.",
)
def cohorts_job() -> None:
    """Reads months again, and finds what events and watermarks missed."""
    read_recent_months()


@dg.job(
    executor_def=IN_PROCESS,
    name="reconcile",
    description="Compares the connected portals by counting, and finds rows that were missed or deleted.",
)
def reconcile_job() -> None:
    """Compares all rows of each portal in few requests."""
    compare_with_portals()


@dg.job(
    executor_def=IN_PROCESS,
    name="drain",
    description="Drains inbound events while they come, and builds the models above what they changed. A run ends by "
    "itself a minute after the last event; its tag says until when it takes events, then another goes on.",
    # events are to be seen within seconds, so the run goes before others; after a crash the sensor starts the next
    tags={"dagster/priority": "10", "dagster/max_retries": "0"},
)
def drain_job() -> None:
    """Drains the landing table of inbound events."""
    drain_events()


@dg.job(
    executor_def=IN_PROCESS,
    name="maintenance",
    description="Deletes what is old: runs that nothing refers to, inbound events, rows of the sync log.",
)
def maintenance_job() -> None:
    """Deletes old runs and events, which otherwise stay for ever."""
    prune_runs()
    prune_left_events()
    prune_events()
    prune_sync_log()


@dg.job(
    executor_def=IN_PROCESS,
    name="models",
    description="Builds the models above what changed, and reads no portal: somebody has changed on the pages what the "
    "figures rest on. To build chosen models, materialize their assets.",
)
def models_job() -> None:
    """Builds the models by what changed."""
    build_changed_models()


JOBS = [
    changes_job,
    pipelines_job,
    matches_job,
    cohorts_job,
    reconcile_job,
    drain_job,
    models_job,
    maintenance_job,
]
