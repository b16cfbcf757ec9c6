"""What an instance of Dagster is asked of checks, and what an earlier version of ours may have left in it."""

from __future__ import annotations

import dagster as dg

from b24_pipeline.defs.known_assets import NO_RUN, AssetNames, KnownAssets

FUNNEL, COHORTS = dg.AssetKey("funnel_stats"), dg.AssetKey("funnel_cohort")
MOVED = "adds_up"


def test_a_check_that_moved_to_another_asset_is_not_taken_for_one_of_ours() -> None:
    """An upgrade moves a check; its old result stays where it was, and the new one begins without a result."""
    here = [dg.AssetCheckKey(COHORTS, MOVED), dg.AssetCheckKey(FUNNEL, "unique")]
    with dg.DagsterInstance.ephemeral() as instance:
        for asset, name in ((FUNNEL, MOVED), (FUNNEL, "unique")):
            instance.report_runless_asset_event(
                dg.AssetCheckEvaluation(asset_key=asset, check_name=name, passed=True)
            )
        known = KnownAssets(instance, AssetNames())
        assert known.results(here).keys() == {here[1]}
        assert known.runs_of_results(here) == {here[1]: NO_RUN}
