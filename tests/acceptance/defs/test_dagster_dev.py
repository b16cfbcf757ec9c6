"""Dagster as people start it: real processes, a real database, a backfill over GraphQL."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from cryptography.fernet import Fernet

from b24_pipeline.bitrix.auth.credentials import WebhookCredential
from b24_pipeline.runtime import opened
from b24_pipeline.sandbox import Sandbox, SandboxConfig
from b24_pipeline.settings import read_settings
from tests.support.installation import free_port, free_ports

ROOT = Path(__file__).parents[3]
PATIENCE_SECONDS = 150
COHORTS = [f"2026-{month:02}-01|acme" for month in (8, 9, 10)]

LAUNCH = """
mutation ($backfill: LaunchBackfillParams!) { launchPartitionBackfill(backfillParams: $backfill) {
    __typename ... on LaunchBackfillSuccess { backfillId } ... on PythonError { message } } }
"""
RUNS = """
query ($id: String!) { runsOrError(filter: {tags: [{key: "dagster/backfill", value: $id}]}) {
    ... on Runs { results { status assets { key { path } } } } ... on PythonError { message } } }
"""
PAINTED = """
{ assetNodes(assetKeys: [{path: ["raw", "deals"]}]) { partitionStats { numMaterialized }
    assetPartitionStatuses { ... on MultiPartitionStatuses { ranges { primaryDimStartKey primaryDimEndKey
        secondaryDim { ... on DefaultPartitionStatuses { materializedPartitions } } } } } } }
"""
LOADED = """
{ repositoriesOrError { ... on RepositoryConnection { nodes { location { name } jobs { name }
    schedules { name } sensors { name } assetNodes { assetKey { path } } } } }
  partitionKeys: assetNodes(assetKeys: [{path: ["raw", "changes"]}]) { partitionKeys } }
"""


@pytest.fixture(scope="module")
def portal() -> Iterator[Sandbox]:
    with Sandbox(SandboxConfig(leads=30, deals=90, seed=5)) as sandbox:
        yield sandbox


@pytest.fixture
def environment(database_url: str, portal: Sandbox, tmp_path: Path) -> dict[str, str]:
    """What a user sets; the sandbox is connected as `acme`."""
    given = {
        "DATABASE_URL": database_url,
        "B24_HOME": str(tmp_path / "home"),
        "B24_SECRET_KEYS": Fernet.generate_key().decode(),
        "B24_ALLOWED_PORTALS": "127.0.0.1",
    }
    credential = WebhookCredential.parse(portal.webhook_url, ["127.0.0.1"])
    domain = credential.address.origin.partition("://")[2]
    with opened(read_settings(**{name.lower(): value for name, value in given.items()})) as runtime:
        about: dict[str, Any] = {"entity_type": "both", "plan": "standard", "user_id": 1, "time_zone": "UTC"}
        runtime.portals.add_webhook("acme", domain, credential.base_url, **about)
    return {name: value for name, value in os.environ.items() if name != "DAGSTER_HOME"} | given


class Running:
    """A command in a session of its own, and the Dagster UI that it serves."""

    def __init__(self, command: list[str], port: int, environment: dict[str, str], log: Path) -> None:
        self.log = log
        self._port = port
        with log.open("wb") as output:
            self.process = subprocess.Popen(
                command, cwd=ROOT, env=environment, stdout=output, stderr=output, start_new_session=True
            )

    def ask(self, query: str, **variables: Any) -> dict[str, Any]:
        body = {"query": query, "variables": variables}
        answer = httpx.post(f"http://127.0.0.1:{self._port}/graphql", json=body, timeout=30, trust_env=False)
        found = answer.json()
        assert not found.get("errors"), found
        return dict(found["data"])

    def wait(self, what: str, done: Any) -> Any:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            assert self.process.poll() is None, self.log.read_text()[-3000:]
            with suppress(httpx.HTTPError, ValueError):
                found = done()
                if found:
                    return found
            time.sleep(0.3)
        raise AssertionError(f"{what} took longer than {PATIENCE_SECONDS} s: {self.log.read_text()[-3000:]}")

    def end(self, number: int, patience: float) -> float:
        """Seconds until it ended after the signal."""
        started = time.monotonic()
        self.process.send_signal(number)
        self.process.wait(patience)
        return time.monotonic() - started

    def kill(self) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


def mentioned(text: str) -> list[str]:
    """Command lines of running processes whose environment or command line has the text."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if text.encode() in (folder / "environ").read_bytes() and str(os.getpid()) != folder.name:
                found.append((folder / "cmdline").read_text().replace("\0", " "))
    return found


def wait_until_gone(text: str) -> list[str]:
    deadline = time.monotonic() + 60
    while mentioned(text) and time.monotonic() < deadline:
        time.sleep(0.3)
    return mentioned(text)


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
        assert dagster.end(signal.SIGINT, 60) < 60
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


def test_the_ui_shows_the_months_that_a_full_sync_by_command_read(
    environment: dict[str, str], portal: Sandbox, tmp_path: Path
) -> None:
    """Each month with deals is materialized in the UI, and no other, although no row has changed."""
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
    finally:
        dagster.kill()
    created = portal.truth.entities("deal")["DATE_CREATE"].dt.tz_convert("UTC")
    months = {f"{moment:%Y-%m}-01" for moment in created}
    painted: set[str] = set()
    for span in node["assetPartitionStatuses"]["ranges"]:
        if span["secondaryDim"]["materializedPartitions"] == ["acme"]:
            painted |= months_between(span["primaryDimStartKey"], span["primaryDimEndKey"])
    assert painted == months
    assert node["partitionStats"]["numMaterialized"] == len(months) > 3


def sync_fully(environment: dict[str, str]) -> None:
    command = [sys.executable, "-m", "b24_pipeline", "sync", "--full", "--no-models"]
    subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True, timeout=120)


def months_between(first: str, last: str) -> set[str]:
    """The months of a range, both ends included."""
    years = range(int(first[:4]), int(last[:4]) + 1)
    every = [f"{year}-{month:02}-01" for year in years for month in range(1, 13)]
    return {month for month in every if first <= month <= last}


def loaded(dagster: Running) -> list[dict[str, Any]]:
    return list(dagster.ask(LOADED)["repositoriesOrError"].get("nodes") or [])


def known_portals(dagster: Running) -> list[str]:
    (node,) = dagster.ask(LOADED)["partitionKeys"]
    return list(node["partitionKeys"])


def succeeded(dagster: Running, backfill: str) -> bool:
    """Whether the one run of the backfill is over; the daemon notices up to 30 s later."""
    runs = dagster.ask(RUNS, id=backfill)["runsOrError"]["results"]
    assert all(run["status"] not in ("FAILURE", "CANCELED") for run in runs), runs
    return [run["status"] for run in runs] == ["SUCCESS"]


def readable_by_others(folder: Path) -> list[Path]:
    return [path for path in (folder, *folder.rglob("*")) if path.stat().st_mode & 0o077]


CROSS_SITE = {"origin": "https://evil.example.com", "sec-fetch-site": "cross-site"}
SHUT_DOWN = 'mutation { shutdownRepositoryLocation(repositoryLocationName: "b24") { __typename } }'


def test_up_serves_until_it_is_told_to_stop(environment: dict[str, str], tmp_path: Path) -> None:
    """`b24 up`: ready, alone on its database, started again where it ends, gone within 15 seconds of SIGTERM."""
    port, web_port = free_ports(2)
    up = Running(b24_up(port, web_port), port, environment, tmp_path / "up.log")
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

        assert up.end(signal.SIGTERM, 20) < 15
        assert up.process.returncode == 0, up.log.read_text()
        assert wait_until_gone(environment["B24_HOME"]) == []
    finally:
        up.kill()


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


def kill(home: str, words: str) -> None:
    """Kills the process of this installation whose command line has these words."""
    (process,) = [
        folder
        for folder in Path("/proc").glob("[0-9]*")
        if _is_of(folder, home) and words in (folder / "cmdline").read_text().replace("\0", " ")
    ]
    os.kill(int(process.name), signal.SIGKILL)


def _is_of(folder: Path, home: str) -> bool:
    with suppress(OSError):
        return home.encode() in (folder / "environ").read_bytes()
    return False
