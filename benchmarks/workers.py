"""A fleet of portals that are waited for more than they cost: one `b24 worker` against two on this machine.

Run it by `python -m benchmarks.workers`; it needs Debian's redis-server and the extra `celery`. Groups of portals are
handed to the broker as Dagster's daemon hands them over, by the launcher that dagster.yaml names. Each worker takes a
group at a time. It is not among the benchmarks that run by default, because it takes some minutes.
"""

from __future__ import annotations

import argparse
import os
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from shutil import which
from typing import Any

from dagster import DagsterInstance, DagsterRunStatus, RunsFilter
from dagster._core.definitions.reconstruct import ReconstructableRepository
from dagster._core.launcher import LaunchRunContext

from b24_pipeline.commands.dagster_home import dagster_home
from b24_pipeline.runtime import opened
from b24_pipeline.sandbox import CostModel, Limits, Sandbox, SandboxConfig
from b24_pipeline.settings import read_settings
from benchmarks.setting import b24, database, environment, median

PATIENCE_SECONDS = 900
LOOK_SECONDS = 0.2
RATIO = 1.8


def main() -> None:
    """Prints the seconds of each measurement, and how many times as fast two workers are."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.workers", description=__doc__)
    parser.add_argument("--portals", type=int, default=40)
    parser.add_argument("--group", type=int, default=10, help="portals of a run")
    parser.add_argument("--deals", type=int, default=2000, help="of each portal; leads are 80")
    parser.add_argument(
        "--latency", type=float, default=0.06, help="seconds that a portal takes for a request"
    )
    parser.add_argument(
        "--changes", type=int, default=20, help="deals of each portal that change before each read"
    )
    parser.add_argument("--full", action="store_true", help="read everything again, not what changed alone")
    parser.add_argument(
        "--broker", help="URL of one that runs already, such as a RabbitMQ; else a Redis is started"
    )
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    cost = replace(CostModel(), request_seconds=given.latency)
    with ExitStack() as stack:
        settings = environment(stack.enter_context(database()))
        settings["B24_BROKER_URL"] = given.broker or stack.enter_context(redis())
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        sandboxes = [
            stack.enter_context(
                Sandbox(
                    SandboxConfig(
                        leads=80, deals=given.deals, seed=number, cost=cost, limits=Limits.standard()
                    )
                )
            )
            for number in range(given.portals)
        ]
        names = connected(settings | {"B24_HOME": str(folder)}, sandboxes)
        groups = [names[at : at + given.group] for at in range(0, len(names), given.group)]
        with workers(2, settings, folder):
            print(f"first read of {len(names)} portals: {read(groups, full=False):.1f} s", flush=True)
        seconds: dict[int, list[float]] = {1: [], 2: []}
        for number in range(given.rounds):
            for count, measured in seconds.items():
                for sandbox in sandboxes:
                    sandbox.change(given.changes, seed=1000 * number + count, kinds=("edit",))
                with workers(count, settings, folder):
                    measured.append(read(groups, full=given.full))
                print(f"{count} worker{'s' * (count > 1)}: {measured[-1]:.1f} s", flush=True)
        one, two = (median(measured) for measured in seconds.values())
        print(
            f"medians: one worker {one:.1f} s, two {two:.1f} s: {one / two:.2f} times as fast ({RATIO} wanted)"
        )


@contextmanager
def redis() -> Iterator[str]:
    """The URL of an empty Redis."""
    program = which("redis-server")
    if program is None:
        raise SystemExit("redis-server is not installed: sudo apt-get install redis-server")
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    process = subprocess.Popen(
        [program, "--port", str(port), "--bind", "127.0.0.1", "--save", ""], stdout=subprocess.DEVNULL
    )
    try:
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        process.terminate()
        process.wait(30)


def connected(settings: Mapping[str, str], sandboxes: Sequence[Sandbox]) -> list[str]:
    """Connects the sandboxes; their names. This process has the settings from now on, as Dagster's daemon has."""
    os.environ.update(settings)
    about: dict[str, Any] = {"entity_type": "both", "plan": "standard", "user_id": 1, "time_zone": "UTC"}
    ours = {name.lower(): value for name, value in settings.items() if name.startswith(("B24_", "DATABASE_"))}
    os.environ["DAGSTER_HOME"] = str(dagster_home(read_settings(**ours)))
    with opened(read_settings(**ours)) as runtime:
        for number, sandbox in enumerate(sandboxes):
            host = sandbox.webhook_url.split("/")[2]
            runtime.portals.add_webhook(f"portal-{number:03}", host, sandbox.webhook_url, **about)
    return [f"portal-{number:03}" for number in range(len(sandboxes))]


@contextmanager
def workers(count: int, settings: Mapping[str, str], folder: Path) -> Iterator[None]:
    """So many workers that take a run at a time, once they wait for runs; each has a home of its own."""
    logs = [folder / f"worker-{number}.log" for number in range(count)]
    started = []
    for number, log in enumerate(logs):
        own = dict(settings) | {"B24_HOME": str(folder / f"worker-{number}")}
        own.pop("DAGSTER_HOME", None)
        with log.open("wb") as output:
            command = b24("worker", "--runs", "1")
            started.append(subprocess.Popen(command, env=own, stdout=output, stderr=output))
    try:
        while not all("waits for runs" in log.read_text() for log in logs):
            if any(process.poll() is not None for process in started):
                raise SystemExit("\n".join(log.read_text() for log in logs))
            time.sleep(LOOK_SECONDS)
        yield
    finally:
        for process in started:
            process.terminate()
        for process in started:
            process.wait(120)


def read(groups: Sequence[Sequence[str]], *, full: bool) -> float:
    """Seconds from handing the groups to the broker until the last one is read."""
    repository = ReconstructableRepository.for_module("b24_pipeline.definitions", "defs", str(Path.cwd()))
    job = repository.get_reconstructable_job("changes")
    with DagsterInstance.get() as instance:
        runs = [
            instance.create_run_for_job(
                job.get_definition(),
                run_config={"ops": {"read_changes": {"config": {"portals": list(group), "full": full}}}},
                job_code_origin=job.get_python_origin(),
            )
            for group in groups
        ]
        began = time.monotonic()
        for run in runs:
            instance.run_launcher.launch_run(LaunchRunContext(dagster_run=run, workspace=None))
        ids = RunsFilter(run_ids=[run.run_id for run in runs])
        found = instance.get_runs(ids)
        while not all(run.is_finished for run in found):
            if time.monotonic() - began > PATIENCE_SECONDS:
                raise SystemExit(f"not read after {PATIENCE_SECONDS} s: {[run.status for run in found]}")
            time.sleep(LOOK_SECONDS)
            found = instance.get_runs(ids)
        seconds = time.monotonic() - began
        failed = [run.run_id for run in found if run.status != DagsterRunStatus.SUCCESS]
        if failed:
            raise SystemExit(f"{len(failed)} runs failed")
    return seconds


if __name__ == "__main__":
    main()
