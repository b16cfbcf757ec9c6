"""Models that Dagster would call "Unsynced" are told again, unless another run tells them at the same time."""

from __future__ import annotations

import dagster as dg
from dagster import DagsterInstance

from b24_pipeline.defs.assets.model_checks import model_key
from b24_pipeline.defs.assets.model_events import outdated_model_events
from b24_pipeline.defs.known_assets import AssetNames, KnownAssets

MODELS = ("dim_date", "funnel_cohort", "funnel_stats")


def tell(instance: DagsterInstance, name: str, description: str) -> None:
    """A materialization without versions, as one of an earlier release."""
    instance.report_runless_asset_event(dg.AssetMaterialization(model_key(name), description=description))


def test_what_another_run_tells_meanwhile_is_not_told_over(instance: DagsterInstance) -> None:
    """Two runs end together: the figures that the later one told stay, and are not replaced by older ones."""
    for name in MODELS:
        tell(instance, name, "older")
    known = KnownAssets(instance, AssetNames())
    for number, event in enumerate(outdated_model_events(known)):
        assert number or event.asset_key != model_key("funnel_stats")
        instance.report_runless_asset_event(event)
        if number == 0:
            tell(instance, "funnel_stats", "newer")
    last = known.last([model_key(name) for name in MODELS])
    assert {key.path[-1]: event.description for key, event in last.items()} == {
        "dim_date": "older",
        "funnel_cohort": "older",
        "funnel_stats": "newer",
    }
    again = [event for event in outdated_model_events(known) if event.asset_key == model_key("funnel_stats")]
    assert [event.description for event in again] == ["newer"]
