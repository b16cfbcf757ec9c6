"""`b24 up`: Dagster's code server, daemon and UI, and `b24 serve`, until a person or a supervisor stops us.

They are child processes of our own, not of `dagster dev`: that takes five for
Dagster alone, one after the other, and twice the time to start.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from threading import Event
from types import FrameType
from typing import Any

import httpx
import yaml

from b24_pipeline.commands.socket_folder import SocketFolder
from b24_pipeline.commands.with_parent import end_with_parent
from b24_pipeline.errors import B24Error, UsageError
from b24_pipeline.paths import bundled
from b24_pipeline.runtime import database_url
from b24_pipeline.settings import Settings, child_environment
from b24_pipeline.store.database.locks import claims
from b24_pipeline.store.database.private_files import (
    PRIVATE_UMASK,
    home_folder,
    private_file,
    private_folder,
)
from b24_pipeline.store.database.warehouse import Warehouse

START_SECONDS = 120
STOP_SECONDS = 12
LOOK_SECONDS = 0.5
MOST_RESTARTS, RESTARTS_SECONDS = 5, 300.0
LOCATION = "b24"
WEB = "HTTP service"
DAGSTER_LOG, WEB_LOG = "dagster.log", "web.log"

_HEALTH = """
{ workspaceOrError { ... on Workspace { locationEntries { locationOrLoadError {
    __typename ... on PythonError { message } } } } }
  instance { daemonHealth { allDaemonStatuses { required healthy } } } }
"""


def run(
    settings: Settings,
    warehouse: Warehouse,
    *,
    host: str = "127.0.0.1",
    port: int = 3000,
    web_port: int = 8024,
    on_ready: Callable[[ServiceAddresses], None] = lambda addresses: None,
    on_restart: Callable[[str], None] = lambda line: None,
    on_look: Callable[[], None] = lambda: None,
) -> None:
    """Serves until SIGINT or SIGTERM; call it from the main thread.

    `on_ready` gets the addresses once the UI, the definitions, the daemon and
    the HTTP service are there. A process that ends by itself is started again, and `on_restart` gets a line
    about it; `on_look` is called twice a second. Raises UsageError where a port is taken or meant for both, or
    another `b24 up` uses this database, and B24Error where a process does not start, or ends again and again.
    """
    require_free_ports(host, port, web_port)
    database_url(settings)  # an embedded server is ours as well, so that it outlives Dagster's processes
    with _only_one(warehouse), _stop_signals() as stop:
        services = Services(settings, host, port, web_port)
        try:
            if services.start(stop):
                on_ready(services.addresses)
            while not stop.wait(LOOK_SECONDS):
                on_look()
                for line in services.restart_ended():
                    on_restart(line)
        finally:
            services.stop()


@dataclass(frozen=True, slots=True)
class ServiceAddresses:
    """The addresses at which a browser finds the services."""

    dagster: str
    web: str


class Services:
    """The HTTP service and the code server, then the webserver and the daemon, each in a session of its own."""

    def __init__(self, settings: Settings, host: str, port: int, web_port: int) -> None:
        self.addresses = ServiceAddresses(f"http://{host}:{port}", f"http://{host}:{web_port}")
        self._home = _home(settings)
        self._logs: dict[str, Path] = {}
        self._port = str(port)
        self._web_port = str(web_port)
        self._host = host
        self._environment = _environment(settings)
        for name in (DAGSTER_LOG, WEB_LOG):
            private_file(self._home / name, "w").close()
        self._folder = SocketFolder()
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._commands: dict[str, list[str]] = {}
        self._restarts: defaultdict[str, list[float]] = defaultdict(list)

    def start(self, stop: Event) -> bool:
        """Waits until everything answers: True then, False if a stop was asked for before."""
        deadline = time.monotonic() + START_SECONDS
        # first, so that events find it while Dagster is still starting
        self._run(WEB, "b24_pipeline", "serve", "--host", self._host, "--port", self._web_port)
        code = self._folder.path / "code.sock"
        served = ("--module-name", "b24_pipeline.definitions", "--location-name", LOCATION)
        self._run("code server", "dagster", "api", "grpc", "--socket", str(code), *served)
        if not self._wait(lambda: _answers(code), stop, deadline):
            return False
        workspace = str(self._workspace(code))
        self._run("daemon", "dagster._daemon", "run", "--workspace", workspace, "--log-level", "warning")
        self._run("webserver", "b24_pipeline.defs.ui", self._host, self._port, workspace)
        return self._wait(
            lambda: _serves(self.addresses.web) and healthy(self.addresses.dagster), stop, deadline
        )

    def raise_if_ended(self) -> None:
        """Raises B24Error where one of the processes has ended."""
        for name, process in self._processes.items():
            if process.poll() is not None:
                raise B24Error(f"the {name} ended by itself ({process.returncode}); see {self._logs[name]}")

    def restart_ended(self) -> list[str]:
        """Starts processes that ended by themselves again; returns a line for each of them.

        Raises B24Error where one ended MOST_RESTARTS times within RESTARTS_SECONDS: starting it again does not help.
        """
        lines = []
        for name, process in list(self._processes.items()):
            if process.poll() is None:
                continue
            recent = [at for at in self._restarts[name] if time.monotonic() - at < RESTARTS_SECONDS]
            if len(recent) >= MOST_RESTARTS:
                self.raise_if_ended()
            self._restarts[name] = [*recent, time.monotonic()]
            self._launch(name)
            lines.append(f"the {name} ended by itself ({process.returncode}) and was started again")
        return lines

    def stop(self) -> None:
        """Asks the processes to end, and kills those that do not."""
        deadline = time.monotonic() + STOP_SECONDS
        for process in self._processes.values():
            process.terminate()
        for process in self._processes.values():
            with suppress(subprocess.TimeoutExpired):
                process.wait(max(deadline - time.monotonic(), 0))
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        self._folder.remove()

    def _run(self, name: str, module: str, *options: str) -> None:
        self._logs[name] = self._home / (WEB_LOG if name == WEB else DAGSTER_LOG)
        self._commands[name] = [sys.executable, "-W", "ignore", "-m", module, *options]
        self._launch(name)

    def _launch(self, name: str) -> None:
        with self._logs[name].open("ab") as log:
            self._processes[name] = subprocess.Popen(
                self._commands[name],
                cwd=self._home,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                umask=PRIVATE_UMASK,
                preexec_fn=end_with_parent,  # noqa: PLW1509 - it only asks Linux for a signal
            )

    def _wait(self, ready: Callable[[], bool], stop: Event, deadline: float) -> bool:
        while not ready():
            if stop.wait(LOOK_SECONDS):
                return False
            self.raise_if_ended()
            if time.monotonic() > deadline:
                raise B24Error(f"not ready after {START_SECONDS} s; see the logs in {self._home}")
        return True

    def _workspace(self, code: Path) -> Path:
        path = self._folder.path / "workspace.yaml"
        server = {"grpc_server": {"socket": str(code), "location_name": LOCATION}}
        path.write_text(yaml.safe_dump({"load_from": [server]}))
        return path


def _answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        return probe.connect_ex(str(path)) == 0


def _home(settings: Settings) -> Path:
    """The folder of Dagster's step logs; dagster.yaml is copied there at each start."""
    home = private_folder(home_folder(settings.b24_home) / "dagster")
    with private_file(home / "dagster.yaml", "w") as file:
        file.write(bundled("dagster.yaml").read_text("utf-8"))
    return home


def _environment(settings: Settings) -> dict[str, str]:
    home = settings.b24_home.expanduser().resolve()
    return child_environment(settings, B24_HOME=str(home), DAGSTER_HOME=str(home / "dagster"))


def require_free_ports(host: str, port: int, web_port: int) -> None:
    """Raises UsageError where a port is taken or meant for both services."""
    if port == web_port:
        raise UsageError(f"--port and --web-port are both {port}; the UI and the HTTP service need one each")
    _require_free(host, port, "--port")
    _require_free(host, web_port, "--web-port")


def _require_free(host: str, port: int, option: str) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            raise UsageError(f"{host}:{port} is taken already; choose another with {option}") from None


def _serves(address: str) -> bool:
    try:
        return httpx.get(f"{address}/healthz", timeout=5, trust_env=False).status_code == HTTPStatus.OK
    except httpx.HTTPError:
        return False


def healthy(address: str) -> bool:
    """Whether the definitions are loaded and the daemon's heart beats. Raises B24Error if they do not load."""
    state = _state_of_dagster(address)
    if state is None:
        return False
    loaded = [entry["locationOrLoadError"] for entry in state["workspaceOrError"].get("locationEntries", ())]
    for location in loaded:
        if location and "message" in location:
            raise B24Error(f"Dagster cannot load the definitions: {location['message'].splitlines()[0]}")
    daemons = state["instance"]["daemonHealth"]["allDaemonStatuses"]
    beating = all(daemon["healthy"] for daemon in daemons if daemon["required"])
    return bool(loaded) and all(loaded) and beating


def _state_of_dagster(address: str) -> dict[str, Any] | None:
    """What the UI answers to _HEALTH; None while it does not, or where another program has taken its port."""
    try:
        answer = httpx.post(f"{address}/graphql", json={"query": _HEALTH}, timeout=5, trust_env=False).json()
    except (httpx.HTTPError, ValueError):
        return None
    state = answer.get("data") if isinstance(answer, dict) else None
    return state if isinstance(state, dict) and {"workspaceOrError", "instance"} <= state.keys() else None


@contextmanager
def _only_one(warehouse: Warehouse) -> Iterator[None]:
    """Keeps a second `b24 up` from this database. Raises UsageError where one runs."""
    with claims(warehouse) as claimed:
        if not claimed.take("up"):
            raise UsageError(
                "another `b24 up` runs on this database; stop it first, or set another DATABASE_URL or B24_HOME"
            )
        yield


@contextmanager
def _stop_signals() -> Iterator[Event]:
    """An event that Ctrl-C and SIGTERM set while the block runs."""
    stop = Event()

    def ask_to_stop(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    before = {number: signal.signal(number, ask_to_stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
