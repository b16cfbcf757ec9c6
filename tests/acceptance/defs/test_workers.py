"""Runs of Dagster that workers take from a broker: they share the work, and one that dies loses nothing."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import psycopg
import pytest

from b24_pipeline.runtime import opened
from b24_pipeline.sandbox import Fault, Sandbox, SandboxConfig
from b24_pipeline.settings import read_settings
from tests.integration.defs.conftest import connect
from tests.support.installation import free_ports
from tests.support.servers.broker import PASSWORD, Worker, redis
from tests.support.servers.dagster_process import ROOT, Running, loaded

DEALS = 12_000
HELD_SECONDS = 40
KNOWN = """
from dagster import DagsterInstance
with DagsterInstance.get() as instance:
    instance.add_dynamic_partitions("portals", ["acme", "slow"])
"""
DEALS_OF_SLOW = """count(*) from bitrix24_deals
    where user_account_id = (select id from user_accounts where name = 'slow')"""
LAUNCH = """
mutation($config: RunConfigData) { launchRun(executionParams: {mode: "default", selector: {
    repositoryLocationName: "b24", repositoryName: "__repository__", jobName: "changes"},
    runConfigData: $config}) { __typename ... on LaunchRunSuccess { run { runId } } } }
"""
TERMINATE = "mutation($run: String!) { terminateRun(runId: $run) { __typename } }"
RUNS = """
select run_id, status, coalesce(max(value) filter (where key = 'b24/worker'), ''),
    coalesce(max(value) filter (where key = 'dagster/parent_run_id'), '')
from dagster.runs join dagster.run_tags using (run_id) where pipeline_name = 'changes' group by 1, 2
"""


@pytest.fixture
def slow() -> Iterator[Sandbox]:
    """A portal that takes a second for each batch."""
    with Sandbox(SandboxConfig(leads=5, deals=DEALS, seed=8)) as sandbox:
        sandbox.faults.add(Fault("delay", method="batch"))
        yield sandbox


@pytest.fixture
def settings(environment: dict[str, str], slow: Sandbox) -> Iterator[dict[str, str]]:
    """Those of all machines: the database, its keys, the broker; the portal `slow` is connected too."""
    ours = {name: value for name, value in environment.items() if name.startswith(("B24_", "DATABASE_"))}
    with opened(read_settings(**{name.lower(): value for name, value in ours.items()})) as runtime:
        connect(runtime, slow.webhook_url, "slow")
    with redis() as url:
        yield environment | {"B24_BROKER_URL": url, "B24_CONCURRENCY": "1"}


class Fleet:
    """`b24 up` with a broker, and two workers with a home each."""

    def __init__(self, settings: dict[str, str], folder: Path, stack: ExitStack) -> None:
        self._url = settings["DATABASE_URL"]
        # the sensor that reads new portals finds none, so that all runs are those of the test
        (folder / "dagster.yaml").write_text((ROOT / "dagster.yaml").read_text())
        known = settings | {"DAGSTER_HOME": str(folder)}
        subprocess.run([sys.executable, "-c", KNOWN], env=known, cwd=ROOT, check=True)
        port, web_port = free_ports(2)
        command = [sys.executable, "-m", "b24_pipeline", "up"]
        command += ["--port", str(port), "--web-port", str(web_port)]
        self.up = Running(command, port, settings, folder / "up.log")
        stack.callback(self.up.kill)
        self.workers = [
            Worker(settings | {"B24_HOME": str(folder / name)}, folder / f"{name}.log")
            for name in ("one", "other")
        ]
        for worker in self.workers:
            stack.callback(worker.kill)
        for worker in self.workers:
            worker.wait()
        self.up.wait("the definitions", lambda: loaded(self.up))

    def launch(self, *portals: str) -> str:
        config = {"ops": {"read_changes": {"config": {"portals": list(portals)}}}}
        return str(self.up.ask(LAUNCH, config=config)["launchRun"]["run"]["runId"])

    def in_mid_step(self, slow: Sandbox) -> str:
        """A run that has stored some deals, and waits for the next."""
        run = self.launch("slow")
        self.up.wait("first rows", lambda: self.count(DEALS_OF_SLOW) > 0)
        slow.faults.clear()
        slow.faults.add(Fault("delay", method="batch", seconds=HELD_SECONDS))
        return run

    def runs(self) -> dict[str, tuple[str, str, str]]:
        """By id: status, worker, the run of which it is another try."""
        with psycopg.connect(self._url) as connection:
            return {run: tuple(told) for run, *told in connection.execute(RUNS)}

    def wait_for(self, run: str, *statuses: str) -> str:
        """The worker of the run, once it has one of these statuses."""
        return str(
            self.up.wait(
                f"{run}: {statuses}",
                lambda: self.runs()[run][0] in statuses and (self.runs()[run][1] or "none"),
            )
        )

    def count(self, what: str) -> Any:
        with psycopg.connect(self._url) as connection:
            (found,) = connection.execute(f"select {what}").fetchone() or (None,)
        return found


@pytest.mark.timeout(600)
def test_two_workers_share_the_runs_and_one_that_is_killed_loses_nothing(
    settings: dict[str, str], slow: Sandbox, tmp_path: Path
) -> None:
    """Killed in mid-step, its run is begun again by the other, which reads what was not stored yet."""
    with ExitStack() as stack:
        fleet = Fleet(settings, tmp_path, stack)
        long = fleet.in_mid_step(slow)
        short = fleet.launch("acme")
        fleet.wait_for(short, "STARTED", "SUCCESS")
        used = [fleet.runs()[run][1] for run in (long, short)]
        assert sorted(used) == sorted(worker.name for worker in fleet.workers)

        dying, living = sorted(fleet.workers, key=lambda worker: worker.name != used[0])
        dying.kill()
        stored = fleet.count(DEALS_OF_SLOW)
        assert 0 < stored < DEALS, "it was killed too early or too late to show anything"
        slow.faults.clear()
        fleet.wait_for(long, "FAILURE")
        again = fleet.up.wait(
            "another try", lambda: next((run for run, told in fleet.runs().items() if told[2] == long), None)
        )
        assert fleet.wait_for(again, "SUCCESS") == living.name
        assert fleet.count(DEALS_OF_SLOW) == DEALS
        # what had been stored was not read again
        read = fleet.count(
            f"sum(rows_read) from bitrix24_sync_log where entity_type = 'deal' and run_id = '{again}'"
        )
        assert read <= DEALS - stored
        assert living.stop() == 0
        assert PASSWORD not in fleet.up.log.read_text() + living.log.read_text() + dying.log.read_text()


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_run_that_a_worker_has_taken_is_canceled_in_the_ui(
    settings: dict[str, str], slow: Sandbox, tmp_path: Path
) -> None:
    """It ends as canceled, its portal is free, and the worker goes on."""
    with ExitStack() as stack:
        fleet = Fleet(settings, tmp_path, stack)
        run = fleet.in_mid_step(slow)
        fleet.up.ask(TERMINATE, run=run)
        began = time.monotonic()
        fleet.wait_for(run, "CANCELED")
        assert time.monotonic() - began < 30
        slow.faults.clear()
        fleet.wait_for(fleet.launch("slow"), "SUCCESS")
        assert fleet.count(DEALS_OF_SLOW) == DEALS
