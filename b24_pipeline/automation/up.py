"""`b24 up`: Dagster's UI and daemon as a child process, until a person or a supervisor stops us.

The child hears of its end through a pipe: closed by us, or by the system when
we are killed, so that nothing is left behind either way.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event
from types import FrameType

import httpx

from b24_pipeline.errors import B24Error, UsageError
from b24_pipeline.paths import bundled
from b24_pipeline.runtime import database_url
from b24_pipeline.settings import Settings, child_environment

START_SECONDS = 120
STOP_SECONDS = 12
LOOK_SECONDS = 0.5

_HEALTH = """
{ workspaceOrError { ... on Workspace { locationEntries { locationOrLoadError {
    __typename ... on PythonError { message } } } } }
  instance { daemonHealth { allDaemonStatuses { required healthy } } } }
"""


def run(
    settings: Settings,
    *,
    host: str = "127.0.0.1",
    port: int = 3000,
    on_ready: Callable[[str], None] = lambda address: None,
) -> None:
    """Serves until SIGINT or SIGTERM; call it from the main thread.

    `on_ready` gets the UI's address once it, the definitions and the daemon
    are there. Raises UsageError where the port is taken, and B24Error where
    Dagster does not start or ends by itself.
    """
    with _stop_signals() as stop, started(settings, host=host, port=port) as dagster:
        if dagster.wait_until_ready(stop):
            on_ready(dagster.address)
        while not stop.wait(LOOK_SECONDS):
            dagster.raise_if_ended()


@contextmanager
def started(settings: Settings, *, host: str = "127.0.0.1", port: int = 3000) -> Iterator[DagsterProcess]:
    """Dagster for the block; stopped at its end, with all of its processes."""
    _require_free(host, port)
    database_url(settings)  # an embedded server is ours as well, so that it outlives Dagster's processes
    dagster = DagsterProcess(settings, host, port)
    try:
        yield dagster
    finally:
        dagster.stop()
        database_url(settings)  # an embedded server forgets here those that were killed


class DagsterProcess:
    """`dagster dev` with a home of its own, in a session of its own."""

    def __init__(self, settings: Settings, host: str, port: int) -> None:
        self.address = f"http://{host}:{port}"
        self.log = _home(settings) / "dagster.log"
        ears, self._mouth = os.pipe()
        command = [sys.executable, "-W", "ignore", "-m", "dagster", "dev", "--workspace"]
        options = ["--host", host, "--port", str(port), "--shutdown-pipe", str(ears), "--log-level", "warning"]
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                [*command, str(bundled("workspace.yaml")), *options],
                cwd=self.log.parent,
                env=_environment(settings),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                pass_fds=[ears],
                start_new_session=True,
            )
        os.close(ears)

    def wait_until_ready(self, stop: Event) -> bool:
        """True once all of it answers; False if it was told to stop before."""
        deadline = time.monotonic() + START_SECONDS
        while not _healthy(self.address):
            if stop.wait(LOOK_SECONDS):
                return False
            self.raise_if_ended()
            if time.monotonic() > deadline:
                raise B24Error(f"Dagster was not ready after {START_SECONDS} s; look into {self.log}")
        return True

    def raise_if_ended(self) -> None:
        """Raises B24Error where the process is no more."""
        code = self._process.poll()
        if code is not None:
            raise B24Error(f"Dagster ended by itself (exit code {code}); look into {self.log}")

    def stop(self) -> None:
        """Asks it to end, and ends what is left of it."""
        os.close(self._mouth)
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(STOP_SECONDS)
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()


def _home(settings: Settings) -> Path:
    """Where Dagster keeps logs of steps; dagster.yaml is copied there at each start."""
    home = settings.b24_home.expanduser().resolve() / "dagster"
    home.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(bundled("dagster.yaml"), home / "dagster.yaml")
    return home


def _environment(settings: Settings) -> dict[str, str]:
    home = settings.b24_home.expanduser().resolve()
    return child_environment(settings, B24_HOME=str(home), DAGSTER_HOME=str(home / "dagster"))


def _require_free(host: str, port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            raise UsageError(f"{host}:{port} is taken already; choose another with --port") from None


def _healthy(address: str) -> bool:
    """Whether the definitions are loaded and the daemon's heart beats. Raises B24Error if they do not load."""
    try:
        answer = httpx.post(f"{address}/graphql", json={"query": _HEALTH}, timeout=5, trust_env=False).json()
    except (httpx.HTTPError, ValueError):
        return False
    data = answer.get("data") or {}
    loaded = [entry["locationOrLoadError"] for entry in data["workspaceOrError"].get("locationEntries", ())]
    for location in loaded:
        if location and "message" in location:
            raise B24Error(f"Dagster cannot load the definitions: {location['message'].splitlines()[0]}")
    daemons = data["instance"]["daemonHealth"]["allDaemonStatuses"]
    beating = all(daemon["healthy"] for daemon in daemons if daemon["required"])
    return bool(loaded) and all(loaded) and beating


@contextmanager
def _stop_signals() -> Iterator[Event]:
    """Set by Ctrl-C and by SIGTERM, within the block."""
    stop = Event()

    def told(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    before = {number: signal.signal(number, told) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
