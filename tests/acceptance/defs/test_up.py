"""`b24 up` as a user starts it: three processes that are restarted, and a UI that obeys its own pages only."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import httpx
import psycopg

from tests.support.installation import free_ports
from tests.support.servers.dagster_process import InTerminal, Running, kill, loaded, wait_until_gone

CROSS_SITE = {"origin": "https://evil.example.com", "sec-fetch-site": "cross-site"}
SHUT_DOWN = 'mutation { shutdownRepositoryLocation(repositoryLocationName: "b24") { __typename } }'

DRAINS = '{ runsOrError(filter: {pipelineName: "drain"}) { ... on Runs { results { runId status } } } }'
ENDED = "select status from dagster.runs where pipeline_name = 'drain' order by id desc limit 1"
LAUNCH_DRAIN = """
mutation { launchRun(executionParams: {mode: "default", selector: {
    repositoryLocationName: "b24", repositoryName: "__repository__", jobName: "drain"},
    runConfigData: {}}) { __typename ... on PythonError { message } } }
"""


def test_up_serves_until_it_is_told_to_stop(environment: dict[str, str], tmp_path: Path) -> None:
    """`b24 up`: ready, alone on its database, started again where it ends, gone within 15 seconds
    after its terminal is closed. A drain that waits for events is canceled, not killed. Own models that are
    written meanwhile become assets."""
    port, web_port = free_ports(2)
    models = tmp_path / "models"
    models.mkdir()
    environment = {**environment, "B24_MODELS_PATH": str(models)}
    up = InTerminal(b24_up(port, web_port), port, environment, tmp_path / "up.log")
    try:
        up.wait("start", lambda: f"http://127.0.0.1:{port}" in up.log.read_text())
        assert len(loaded(up)) == 1

        second = subprocess.run(
            b24_up(*free_ports(2)),
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert second.returncode == 2
        assert "another `b24 up` runs on this database" in second.stderr

        refuses_other_pages(port)
        assert len(loaded(up)) == 1

        kill(environment["B24_HOME"], "api grpc")
        up.wait("a restart", lambda: "code server ended by itself" in up.log.read_text())
        up.wait("the definitions", lambda: len(loaded(up)) == 1)
        kill(environment["B24_HOME"], "dagster._daemon")
        up.wait("a restart", lambda: "daemon ended by itself" in up.log.read_text())

        up.wait("a drain", lambda: started_drain(up))
        (models / "mine.sql").write_text("select 1 as one")
        up.wait("an own model", lambda: "own_models/mine" in assets(up))
        assert "files of your own models have changed" in up.log.read_text()
        up.wait("another drain", lambda: started_drain(up))
        assert up.close(20) < 15
        assert up.process.returncode == 0, up.log.read_text()
        assert wait_until_gone(environment["B24_HOME"]) == []
        with psycopg.connect(environment["DATABASE_URL"]) as connection:
            ended = connection.execute(ENDED).fetchall()
        assert ended == [("CANCELED",)]
    finally:
        up.kill()


def assets(up: Running) -> list[str]:
    """The keys of all assets; none while the code server is being started again."""
    nodes = up.ask("{ assetNodes { assetKey { path } } }")["assetNodes"]
    return ["/".join(node["assetKey"]["path"]) for node in nodes]


def started_drain(up: Running) -> bool:
    """Whether a drain runs, which waits a minute for events; asks for one if there is none.

    In vain while the code server is being started again.
    """
    runs = up.ask(DRAINS)["runsOrError"]["results"]
    if all(run["status"] in ("FAILURE", "CANCELED") for run in runs):
        up.ask(LAUNCH_DRAIN)
    return any(run["status"] == "STARTED" for run in runs)


def b24_up(port: int, web_port: int) -> list[str]:
    return [sys.executable, "-m", "b24_pipeline", "up", "--port", str(port), "--web-port", str(web_port)]


def refuses_other_pages(port: int) -> None:
    """What a page of another origin can have a browser send is refused, and does nothing."""
    address = f"http://127.0.0.1:{port}/graphql"
    with httpx.Client(trust_env=False, timeout=30) as client:
        by_get = client.get(address, params={"query": SHUT_DOWN}, headers=CROSS_SITE)
        by_form = client.post(address, params={"query": SHUT_DOWN}, headers=CROSS_SITE)
        by_json = client.post(address, json={"query": SHUT_DOWN}, headers=CROSS_SITE)
        by_name = client.post(
            address, json={"query": SHUT_DOWN}, headers={"host": f"evil.example.com:{port}"}
        )
    assert [answer.status_code for answer in (by_get, by_form, by_json, by_name)] == [405, 403, 403, 421]
