"""The component `b24_pipeline.Portals` in somebody else's project, with an asset of theirs downstream of `fct_deal`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster import DagsterInstance

from b24_pipeline.defs.build import build_definitions
from b24_pipeline.defs.instance.runless import report_outcomes
from b24_pipeline.models import build, load_project
from b24_pipeline.runtime import Runtime
from b24_pipeline.settings import settings
from b24_pipeline.sync.run import SyncRequest, sync_portals
from tests.integration.defs.assets.test_crm import instance_ref
from tests.integration.defs.conftest import PORTAL

ROOT = Path(__file__).parents[3]

DEFS_YAML = """
type: b24_pipeline.Portals
attributes:
  translation:
    key_prefix: crm
    group_name: "crm_{{ spec.group_name }}"
    owners: ["team:sales"]
    tags: {team: sales}
"""
OF_THEIRS = """
import dagster as dg

from b24_pipeline import read


@dg.asset(deps=[dg.AssetKey(["crm", "fct_deal"])])
def deals_a_month() -> dg.MaterializeResult:
    return dg.MaterializeResult(metadata={"deals": len(read.deals())})
"""
PYPROJECT = """
[tool.dg]
directory_type = "project"

[tool.dg.project]
root_module = "theirs"
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project as `dg scaffold defs b24_pipeline.Portals crm` leaves it, with the translation filled in."""
    folder = tmp_path / "project"
    defs = folder / "theirs" / "defs"
    (defs / "crm").mkdir(parents=True)
    (folder / "pyproject.toml").write_text(PYPROJECT)
    for package in (folder / "theirs", defs):
        (package / "__init__.py").touch()
    (defs / "crm" / "defs.yaml").write_text(DEFS_YAML)
    (defs / "reports.py").write_text(OF_THEIRS)
    return folder


@pytest.fixture
def theirs(project: Path, monkeypatch: pytest.MonkeyPatch) -> dg.Definitions:
    """Its definitions, as Dagster loads them."""
    monkeypatch.syspath_prepend(str(project))
    return dg.load_from_defs_folder(path_within_project=project / "theirs" / "defs")


@pytest.fixture
def stored(installation: Runtime) -> Iterator[DagsterInstance]:
    """Dagster's storage in our database, which commands report to."""
    with DagsterInstance.from_ref(instance_ref(installation)) as instance:
        instance.add_dynamic_partitions("portals", [PORTAL])
        yield instance


def known(instance: DagsterInstance) -> set[str]:
    """The assets of which the instance has an event."""
    return {key.to_user_string() for key in instance.get_asset_keys()}


def checked(result: dg.ExecuteInProcessResult) -> set[str]:
    return {check.asset_key.to_user_string() for check in result.get_asset_check_evaluations()}


def test_it_runs_in_a_project_of_somebody_else(
    installation: Runtime, stored: DagsterInstance, theirs: dg.Definitions
) -> None:
    """Keys, groups, owners and tags are theirs, in runs, checks and what commands report; their asset follows ours."""
    graph = theirs.resolve_asset_graph()
    deals = graph.get(dg.AssetKey(["crm", "fct_deal"]))
    assert dg.AssetKey("deals_a_month") in deals.child_keys
    assert (deals.group_name, list(deals.owners), deals.tags["team"]) == (
        "crm_marts",
        ["team:sales"],
        "sales",
    )
    assert deals.tags["layer"] == "marts"

    changes = theirs.resolve_job_def("changes").execute_in_process(instance=stored)
    assert {"crm/raw/changes", "crm/raw/deals", "crm/fct_deal"} <= known(stored)
    assert {"crm/raw/changes", "crm/raw/deals", "crm/fct_deal"} <= checked(changes)
    everything = theirs.resolve_implicit_global_asset_job_def()
    built = everything.execute_in_process(
        instance=stored,
        asset_selection=[dg.AssetKey(["crm", "fct_deal"]), dg.AssetKey("deals_a_month")],
    )
    (report,) = built.asset_materializations_for_node("deals_a_month")
    assert report.metadata["deals"].value == 80
    read = everything.execute_in_process(
        instance=stored,
        asset_selection=[dg.AssetKey(["crm", "raw", "deals"])],
        partition_key=f"2026-10-01|{PORTAL}",
    )
    assert read.success
    assert checked(read) == {"crm/raw/deals"}

    sensor = theirs.resolve_sensor_def("new_portals")
    resources = {"b24": (theirs.resources or {})["b24"]}
    with dg.build_sensor_context(instance=stored, resources=resources) as context:
        sensor(context)
    portals = installation.portals.named()
    outcomes = sync_portals(installation.connections, portals, SyncRequest(), installation.options())
    assert report_outcomes(installation.settings, outcomes)
    assert all(name.startswith("crm/") for name in known(stored) - {"deals_a_month"})


@pytest.fixture
def own_folder(installation: Runtime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of own models, which the settings name, with ours built."""
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "by_portal.sql").write_text(
        "select portal, count(*) as n from {{ ref('fct_deal') }} group by 1"
    )
    (folder / "schema.yml").write_text(
        "models: [{name: by_portal, columns: [{name: portal, data_tests: [unique]}]}]"
    )
    monkeypatch.setenv("B24_MODELS_PATH", str(folder))
    settings.cache_clear()
    build(installation.warehouse.connect, load_project(), with_tests=False)
    return folder


def test_own_models_are_in_it_too(own_folder: Path, stored: DagsterInstance, theirs: dg.Definitions) -> None:
    """They have their keys, groups and upstream assets by the translation, run by these, and their sensor follows."""
    own = dg.AssetKey(["crm", "own_models", "by_portal"])
    graph = theirs.resolve_asset_graph()
    assert graph.get(own).group_name == "crm_own_models"
    assert graph.get(own).parent_keys == {dg.AssetKey(["crm", "fct_deal"])}
    sensor = theirs.resolve_sensor_def("own_models_follow")
    assert isinstance(sensor, dg.AutomationConditionSensorDefinition)
    assert sensor.asset_selection.resolve(graph) == {own}
    built = theirs.resolve_implicit_global_asset_job_def().execute_in_process(
        instance=stored, asset_selection=[own]
    )
    assert {event.asset_key for event in built.get_asset_materialization_events()} == {own}
    assert [(one.asset_key, one.passed) for one in built.get_asset_check_evaluations()] == [(own, True)]


def test_two_assets_do_not_get_one_key() -> None:
    """The error names both."""
    with pytest.raises(
        dg.DagsterInvalidDefinitionError, match="calls both raw/portals and raw/reconciliation all"
    ):
        build_definitions(lambda spec: spec.replace_attributes(key="all"))


def test_dg_lists_and_scaffolds_the_component(project: Path, tmp_path: Path) -> None:
    """The entry point of pyproject.toml is what `dg` goes by."""
    points: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["entry-points"]
    installed = tmp_path / "installed" / "b24_entry_points-0.dist-info"
    installed.mkdir(parents=True)
    (installed / "METADATA").write_text("Metadata-Version: 2.1\nName: b24-entry-points\nVersion: 0\n")
    (installed / "entry_points.txt").write_text(
        "".join(
            f"[{group}]\n" + "".join(f"{name} = {module}\n" for name, module in modules.items())
            for group, modules in points.items()
        )
    )
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(installed.parent), str(ROOT)])}
    listed = json.loads(dg_command("list", "components", "--json", cwd=project, env=environment))
    assert "b24_pipeline.Portals" in {entry["key"] for entry in listed["items"]}
    dg_command("scaffold", "defs", "b24_pipeline.Portals", "new", cwd=project, env=environment)
    assert "type: b24_pipeline.Portals" in (project / "theirs" / "defs" / "new" / "defs.yaml").read_text()


def dg_command(*arguments: str, cwd: Path, env: dict[str, str]) -> str:
    command = [str(Path(sys.executable).parent / "dg"), *arguments]
    done = subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
