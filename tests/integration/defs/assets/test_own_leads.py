"""Own ad leads as an asset."""

from __future__ import annotations

from dagster import DagsterInstance

from b24_pipeline.definitions import defs
from b24_pipeline.defs.jobs import matches_job
from b24_pipeline.runtime import Runtime
from b24_pipeline.sandbox import Sandbox
from tests.integration.defs.assets.conftest import materialized, run_changes
from tests.support.installation import execute


def test_the_job_searches_the_portal_and_builds_what_reads_it(
    installation: Runtime, instance: DagsterInstance, sandbox: Sandbox
) -> None:
    """The job searches the portal, and builds only the models above the matches."""
    assert run_changes(instance).success
    execute(
        installation.warehouse,
        "insert into leads (user_account_id, phone) select user_account_id, phones -> 0 ->> 'VALUE'"
        " from bitrix24_contacts where phones -> 0 ->> 'VALUE' is not null union all"
        " select id, '+79215550001' from user_accounts",
    )
    result = defs.resolve_job_def(matches_job.name).execute_in_process(instance=instance)
    assert result.success
    told = materialized(result)
    assert "lead_matches" in told
    assert "funnel_stats" not in told
    figures = told["own/lead_matches"]
    assert figures["own_leads"] == figures["matched"] + figures["not_found"]
    assert figures["newly_linked"] == figures["matched"] > 10
    assert (figures["not_found"], figures["requests"]) == (1, 1)
