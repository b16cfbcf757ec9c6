"""The op of the nightly reconciliation of one portal."""

import dagster as dg

from b24_pipeline.defs.assets.failures import RETRIES, errors_as_failures, raise_for
from b24_pipeline.defs.assets.materializations import materializations
from b24_pipeline.defs.assets.metadata import outcome_metadata, outcome_table
from b24_pipeline.defs.resources import B24
from b24_pipeline.sync.run import reconcile


@dg.op(retry_policy=RETRIES)
def compare_with_portal(context: dg.OpExecutionContext, b24: B24) -> None:
    """Compares one portal by counting, repairs what differs, and reports the cohorts that it changed.

    The models above them are built by the next run of `changes`, minutes later.
    """
    with errors_as_failures(), b24.job(context.partition_key, run_id=context.run_id) as job:
        outcomes = reconcile(job)
        for event in materializations(job.warehouse, job.portal, outcomes):
            context.log_event(event)
    context.add_output_metadata(
        outcome_metadata(outcomes)
        | {
            "missing": sum(outcome.missing for outcome in outcomes),
            "outdated": sum(outcome.outdated for outcome in outcomes),
            "entities": outcome_table(outcomes),
        }
    )
    raise_for(outcomes)
