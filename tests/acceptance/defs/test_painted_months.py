"""Dagster's UI shows as materialized what was read, also by a command."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from b24_pipeline.sandbox import Sandbox
from tests.support.installation import free_port
from tests.support.servers.dagster_process import ROOT, Running, loaded

UNSYNCED = """
{ assetNodes { assetKey { path } staleStatus staleCauses { key { path } reason } } }
"""
PAINTED = """
{ assetNodes(assetKeys: [{path: ["raw", "deals"]}]) { partitionStats { numMaterialized }
    assetPartitionStatuses { ... on MultiPartitionStatuses { ranges { primaryDimStartKey primaryDimEndKey
        secondaryDim { ... on DefaultPartitionStatuses { materializedPartitions } } } } } } }
"""


@pytest.mark.slow
def test_the_ui_shows_the_months_that_a_full_sync_by_command_read(
    environment: dict[str, str], portal: Sandbox, tmp_path: Path
) -> None:
    """Each month with deals is materialized, although no row has changed, and none other.

    And no asset is "Unsynced" after that.
    """
    port = free_port()
    program = str(Path(sys.executable).parent / "dagster-webserver")
    command = [program, "-w", str(ROOT / "workspace.yaml"), "-p", str(port)]
    home = {"DAGSTER_HOME": str(tmp_path)}
    (tmp_path / "dagster.yaml").write_text((ROOT / "dagster.yaml").read_text())
    sync_fully(environment)
    dagster = Running(command, port, environment | home, tmp_path / "dagster.log")
    try:
        dagster.wait("start", lambda: loaded(dagster))
        sync_fully(environment)
        (node,) = dagster.ask(PAINTED)["assetNodes"]
        nodes = dagster.ask(UNSYNCED)["assetNodes"]
    finally:
        dagster.kill()
    created = portal.truth.entities("deal")["DATE_CREATE"].dt.tz_convert("UTC")
    months = {f"{moment:%Y-%m}-01" for moment in created}
    painted: set[str] = set()
    for span in node["assetPartitionStatuses"]["ranges"]:
        if span["secondaryDim"]["materializedPartitions"] == ["acme"]:
            painted |= months_between(span["primaryDimStartKey"], span["primaryDimEndKey"])
    stale = {
        one["assetKey"]["path"][-1]: {
            f"{cause['key']['path']} {cause['reason']}" for cause in one["staleCauses"]
        }
        for one in nodes
        if one["staleStatus"] == "STALE"
    }
    assert stale == {}
    assert painted == months
    assert node["partitionStats"]["numMaterialized"] == len(months) > 3


def sync_fully(environment: dict[str, str]) -> None:
    command = [sys.executable, "-m", "b24_pipeline", "sync", "--full"]
    subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True, timeout=120)


def months_between(first: str, last: str) -> set[str]:
    """The months of a range, both ends included."""
    years = range(int(first[:4]), int(last[:4]) + 1)
    every = [f"{year}-{month:02}-01" for year in years for month in range(1, 13)]
    return {month for month in every if first <= month <= last}
