"""The operator's own models as assets."""

from __future__ import annotations

from pathlib import Path

import dagster as dg
import pytest
from dagster import DagsterInstance

from b24_pipeline.defs.assets.own_models import own_assets, own_key
from b24_pipeline.defs.resources import B24
from b24_pipeline.models import build, load_project
from b24_pipeline.runtime import Runtime
from b24_pipeline.settings import settings

SCHEMA_YML = """
models: [{name: by_portal, description: Deals by portal., columns: [{name: portal, data_tests: [unique]}]}]
"""


@pytest.fixture
def folder(installation: Runtime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of own models, which the settings name, with ours built."""
    made = tmp_path / "mine"
    made.mkdir()
    (made / "by_portal.sql").write_text("select portal, count(*) as n from {{ ref('fct_deal') }} group by 1")
    (made / "top.sql").write_text("select max(n) as most from {{ ref('by_portal') }}")
    (made / "schema.yml").write_text(SCHEMA_YML)
    monkeypatch.setenv("B24_MODELS_PATH", str(made))
    settings.cache_clear()
    build(installation.warehouse.connect, load_project(), with_tests=False)
    return made


def run(instance: DagsterInstance) -> dg.ExecuteInProcessResult:
    """Builds them in a run of their own."""
    return dg.materialize(own_assets(), instance=instance, resources={"b24": B24()}, raise_on_error=False)


def test_they_are_built_below_the_marts_with_their_checks(folder: Path, instance: DagsterInstance) -> None:
    """A mart is upstream; a model that fails is the failure of the step, with what was built reported."""
    graph = dg.Definitions(assets=own_assets(), resources={"b24": B24()}).resolve_asset_graph()
    assert graph.get(own_key("by_portal")).parent_keys == {dg.AssetKey(["fct_deal"])}
    assert graph.get(own_key("top")).parent_keys == {own_key("by_portal")}
    done = run(instance)
    assert done.success
    assert {event.asset_key for event in done.get_asset_materialization_events()} == {
        own_key("by_portal"),
        own_key("top"),
    }
    assert [check.passed for check in done.get_asset_check_evaluations()] == [True]
    (folder / "top.sql").write_text("select nothing from {{ ref('by_portal') }}")
    failed = run(instance)
    assert not failed.success
    assert [event.asset_key for event in failed.get_asset_materialization_events()] == [own_key("by_portal")]


def test_a_folder_that_cannot_be_read_leaves_the_definitions_without_them(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The code location loads all the same."""
    (folder / "top.sql").write_text("select * from {{ ref('nowhere') }}")
    assert own_assets() == []
    monkeypatch.delenv("B24_MODELS_PATH")
    settings.cache_clear()
    assert own_assets() == []


def test_a_snapshot_keeps_its_rows_when_a_column_comes(
    folder: Path, instance: DagsterInstance, installation: Runtime
) -> None:
    """A run goes on with the table as every other build does; what would lose something fails the step."""
    config = "{{ config(materialized='incremental', unique_key='day') }} "
    for query in ("select 1 as day", "select 2 as day, 'new' as note"):
        (folder / "daily.sql").write_text(config + query)
        assert run(instance).success
    (folder / "daily.sql").write_text(config + "select 3 as day")
    assert not run(instance).success
    with installation.warehouse.connect() as connection:
        rows = connection.execute("select * from own_models.daily order by day").fetchall()
    assert rows == [(1, None), (2, "new")]
