"""SIGKILL at any moment of a sync: the next run ends with the same tables, nothing lost, nothing doubled."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from b24_pipeline.sandbox import CostModel, Sandbox, SandboxConfig
from tests.acceptance.conftest import KEY, environment, run_b24
from tests.support.expected.funnel import assert_copy_is_true
from tests.support.expected.tables import rows

LATENCY = CostModel(
    request_seconds=0.02, command_seconds=0.002, row_seconds=0.0001, counted_row_seconds=0.0, workers=4
)


def kill_after(seconds: float, *arguments: str, cwd: Path, env: dict[str, str]) -> bool:
    """Starts the command, kills it after that time; whether it was still running."""
    with subprocess.Popen(
        [sys.executable, "-m", "b24_pipeline", *arguments],
        cwd=cwd,
        env=env,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            return True
    return False


def stored_rows(url: str) -> int:
    """Rows that the killed runs have left."""
    return int(rows(url, "select count(*) as n from bitrix24_leads")[0]["n"])


@pytest.mark.parametrize("kills", [3, pytest.param(20, marks=pytest.mark.slow)])
def test_sync_killed_at_random_moments_ends_with_the_same_tables(
    tmp_path: Path, database_url: str, kills: int
) -> None:
    """Killed again and again, each run goes on where the last one was; at the end the copy is true."""
    env = environment(DATABASE_URL=database_url, B24_SECRET_KEYS=KEY, B24_ALLOWED_PORTALS="127.0.0.1")
    chance = random.Random(11)
    config = SandboxConfig(leads=6_000, deals=6_000, cost=LATENCY)
    with Sandbox(config) as sandbox:
        added = run_b24("portal", "add", "acme", "--webhook-url", sandbox.webhook_url, cwd=tmp_path, env=env)
        assert added.returncode == 0, added.stderr
        started = time.monotonic()
        run_b24("status", cwd=tmp_path, env=env)
        start_up = time.monotonic() - started
        killed = 0
        for number in range(kills):
            if number % 2:
                sandbox.change(100, seed=number)
            full = ("--full",) if number % 3 == 2 else ()
            moment = start_up * 0.8 + chance.uniform(0.0, 3.0)
            killed += kill_after(moment, "sync", "acme", *full, cwd=tmp_path, env=env)
        assert killed > kills / 2
        assert run_b24("sync", "acme", cwd=tmp_path, env=env).returncode == 0
        assert_copy_is_true(database_url, sandbox, "acme")
        assert stored_rows(database_url) == len(sandbox.truth.entities("lead"))
