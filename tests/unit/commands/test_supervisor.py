"""The environment of the processes of `b24 up`."""

from __future__ import annotations

import errno
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from b24_pipeline.commands.supervisor import (
    GRPC_SECONDS,
    GRPC_TIMEOUT,
    process_environment,
    require_free_ports,
)
from b24_pipeline.errors import UsageError
from b24_pipeline.settings import read_settings


@pytest.mark.parametrize(
    ("given", "found"),
    [(None, GRPC_SECONDS), ("", GRPC_SECONDS), ("30", "30")],
    ids=["unset", "empty", "set"],
)
def test_the_code_server_is_waited_for(
    given: str | None, found: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three minutes, as a busy machine needs them, or as long as the environment says."""
    if given is None:
        monkeypatch.delenv(GRPC_TIMEOUT, raising=False)
    else:
        monkeypatch.setenv(GRPC_TIMEOUT, given)
    environment = process_environment(read_settings(b24_home=tmp_path))
    assert environment[GRPC_TIMEOUT] == found
    assert environment["DAGSTER_HOME"] == str(tmp_path / "dagster")


WAITING = """
import os, signal, time
from b24_pipeline.commands.supervisor import _stop_signals

with _stop_signals() as signals:
    signal.signal(signal.SIGHUP, lambda *_: signal.raise_signal(signal.SIGTERM))
    print("ready", flush=True)
    ends = time.monotonic() + 1
    while time.monotonic() < ends:
        signals.wait(0.001)
    print(f"stopping: {signals.is_stopping}, in a hurry: {signals.is_hurried}", flush=True)
    os._exit(0)
"""


def test_signals_that_interrupt_one_another_stop_it() -> None:
    """A closed terminal sends several at once: the handler of one begins within that of another."""
    waiting = subprocess.Popen([sys.executable, "-c", WAITING], stdout=subprocess.PIPE, text=True)
    assert waiting.stdout
    assert waiting.stdout.readline() == "ready\n"
    while waiting.poll() is None:
        waiting.send_signal(signal.SIGHUP)
        waiting.send_signal(signal.SIGTERM)
        time.sleep(0.00005)
    assert (waiting.returncode, waiting.stdout.read()) == (0, "stopping: True, in a hurry: False\n")


def test_a_port_that_may_not_be_taken_is_not_called_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ports below 1024 are for root alone: choosing another one of them would not help."""

    def refuse(*_: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr("socket.socket.bind", refuse)
    with pytest.raises(UsageError, match=r"127.0.0.1:80 cannot be listened on \(Permission denied\).*--port"):
        require_free_ports("127.0.0.1", 80, 8024)
