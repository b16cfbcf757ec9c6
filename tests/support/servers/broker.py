"""Debian's Redis as a broker, and `b24 worker` processes that take runs from it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.support.installation import free_port
from tests.support.servers.postgres import ordinary_user, own_folder

PROGRAM = Path("/usr/bin/redis-server")
PASSWORD = "c4n4ry-of-the-broker"
START_SECONDS = 90
ROOT = Path(__file__).parents[3]


@contextmanager
def redis() -> Iterator[str]:
    """The URL of an empty Redis that keeps nothing on disk, with a password."""
    port = free_port()
    command = [
        str(PROGRAM),
        "--port",
        str(port),
        "--bind",
        "127.0.0.1",
        "--requirepass",
        PASSWORD,
        "--save",
        "",
    ]
    with own_folder("b24redis") as folder:
        process = subprocess.Popen(
            command, cwd=folder, user=ordinary_user(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            _wait_for(process, port)
            yield f"redis://:{PASSWORD}@127.0.0.1:{port}/0"
        finally:
            process.terminate()
            process.wait(timeout=30)


def _wait_for(process: subprocess.Popen[bytes], port: int) -> None:
    until = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < until:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError("Redis does not listen")


class Worker:
    """`b24 worker` in a session of its own, as on a machine of its own."""

    def __init__(self, environment: Mapping[str, str], log: Path, runs: int = 1) -> None:
        self.log = log
        with log.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "b24_pipeline", "worker", "--runs", str(runs)],
                cwd=ROOT,
                env=dict(environment),
                stdout=output,
                stderr=output,
                start_new_session=True,
            )

    def wait(self) -> None:
        """Until it takes runs."""
        until = time.monotonic() + START_SECONDS
        while "waits for runs" not in self.log.read_text():
            assert self.process.poll() is None, self.log.read_text()[-3000:]
            assert time.monotonic() < until, self.log.read_text()[-3000:]
            time.sleep(0.1)

    @property
    def name(self) -> str:
        """What runs that it took say of it."""
        return f"b24-{self.process.pid}@{socket.gethostname()}"

    def stop(self) -> int:
        """As systemd and Docker stop it; its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(60)

    def kill(self) -> None:
        """As a machine that dies: it and the processes of its runs."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
