"""`dagster dev` and `dg` as people start them: real processes, a real database, a backfill over GraphQL."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import psycopg

from b24_pipeline.sandbox import Sandbox
from tests.support.installation import free_port
from tests.support.servers.dagster_process import LOADED, ROOT, Running, loaded, wait_until_gone

COHORTS = [f"2026-{month:02}-01|acme" for month in (8, 9, 10)]

LAUNCH = """
mutation ($backfill: LaunchBackfillParams!) { launchPartitionBackfill(backfillParams: $backfill) {
    __typename ... on LaunchBackfillSuccess { backfillId } ... on PythonError { message } } }
"""
RUNS = """
query ($id: String!) { runsOrError(filter: {tags: [{key: "dagster/backfill", value: $id}]}) {
    ... on Runs { results { status assets { key { path } } } } ... on PythonError { message } } }
"""


def test_dg_finds_nothing_wrong(environment: dict[str, str]) -> None:
    """`dg check defs` loads everything as Dagster does."""
    command = [str(Path(sys.executable).parent / "dg"), "check", "defs"]
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "validated successfully" in done.stdout + done.stderr


def test_a_backfill_launched_over_graphql_fills_the_table(
    environment: dict[str, str], portal: Sandbox, database_url: str, tmp_path: Path
) -> None:
    """`dagster dev -w workspace.yaml` with DATABASE_URL: all is listed, three cohorts are read, nothing stays."""
    port = free_port()
    command = [str(Path(sys.executable).parent / "dagster"), "dev", "-w", "workspace.yaml", "-p", str(port)]
    dagster = Running(command, port, environment, tmp_path / "dagster.log")
    try:
        (repository,) = dagster.wait("start", lambda: loaded(dagster))
        assert repository["location"]["name"] == "b24"
        assert {one["name"] for one in repository["jobs"]} >= {"changes", "pipelines", "cohorts", "checks"}
        assert ["raw", "deals"] in [one["assetKey"]["path"] for one in repository["assetNodes"]]
        dagster.wait("the portal's partition", lambda: "acme" in known_portals(dagster))
        started = dagster.ask(
            LAUNCH,
            backfill={
                "assetSelection": [{"path": ["raw", "deals"]}],
                "partitionNames": COHORTS,
                "tags": [],
                "fromFailure": False,
            },
        )["launchPartitionBackfill"]
        assert started["__typename"] == "LaunchBackfillSuccess", started
        dagster.wait("backfill", lambda: succeeded(dagster, started["backfillId"]))
        dagster.interrupt(60)
        assert wait_until_gone(environment["B24_HOME"]) == []
    finally:
        dagster.kill()
    created = portal.truth.entities("deal")[["ID", "DATE_CREATE"]]
    within = (created["DATE_CREATE"] >= "2026-08-01") & (created["DATE_CREATE"] < "2026-11-01")
    with psycopg.connect(database_url) as connection:
        found = connection.execute("select id from bitrix24_deals order by id").fetchall()
        schemas = connection.execute(
            "select distinct table_schema from information_schema.tables where table_name = 'event_logs'"
        ).fetchall()
    # the schedule may have brought more meanwhile
    assert within.any()
    assert {number for (number,) in found} >= set(created[within]["ID"])
    assert schemas == [("dagster",)]


def known_portals(dagster: Running) -> list[str]:
    (node,) = dagster.ask(LOADED)["partitionKeys"]
    return list(node["partitionKeys"])


def succeeded(dagster: Running, backfill: str) -> bool:
    """Whether the one run of the backfill is over; the daemon notices up to 30 s later."""
    runs = dagster.ask(RUNS, id=backfill)["runsOrError"]["results"]
    assert all(run["status"] not in ("FAILURE", "CANCELED") for run in runs), runs
    return [run["status"] for run in runs] == ["SUCCESS"]
