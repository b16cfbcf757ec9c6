"""What the processes of `b24 up` have started ends with it, however it ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

PATIENCE_SECONDS = 30.0
# like Dagster's code server with a run: a child of the leader, which is not told that its parent is gone
SERVICE = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
print("started", child.pid, flush=True)
time.sleep(600)
"""
USER = """
import os, sys, time
from pathlib import Path
from b24_pipeline.commands.service_processes import ServiceProcesses
folder = Path(sys.argv[1])
processes = ServiceProcesses(folder, {**os.environ, "PYTHONPATH": str(folder)})
processes.run("service", folder / "log", "service_of_test")
while sys.stdin.readline() == "look\\n":
    print(processes.restart_ended(), flush=True)
processes.stop(lambda: False)
"""


def started(folder: Path, number: int) -> list[int]:
    """The process ids that the services have told, once there are so many."""
    until = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < until:
        lines = (folder / "log").read_text().splitlines() if (folder / "log").exists() else []
        if len(lines) == number:
            return [int(line.split()[1]) for line in lines]
        time.sleep(0.05)
    raise AssertionError("the service did not start")


def are_gone(numbers: list[int]) -> bool:
    until = time.monotonic() + PATIENCE_SECONDS
    while any(_runs(number) for number in numbers):
        if time.monotonic() > until:
            return False
        time.sleep(0.05)
    return True


def _runs(number: int) -> bool:
    try:
        return psutil.Process(number).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@pytest.mark.parametrize("end", ["killed", "stopped"])
def test_a_child_of_a_service_ends_with_us(tmp_path: Path, end: str) -> None:
    """Also that of a service that had ended before: Linux ends our own children alone."""
    (tmp_path / "service_of_test.py").write_text(SERVICE)
    user = subprocess.Popen(
        [sys.executable, "-c", USER, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert user.stdin and user.stdout
    (first,) = started(tmp_path, 1)
    os.kill(os.getpgid(first), signal.SIGKILL)
    while user.poll() is None:
        user.stdin.write("look\n")
        user.stdin.flush()
        if "was started again" in user.stdout.readline():
            break
    children = started(tmp_path, 2)
    assert all(map(_runs, children))
    if end == "killed":
        user.kill()
    user.communicate()
    assert are_gone(children)
