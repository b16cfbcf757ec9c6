"""`b24 up`: Dagster's code server, daemon and UI, and `b24 serve`, until a person or a supervisor stops us.

They are child processes of our own, not of `dagster dev`: that takes five for
Dagster alone, one after the other, and twice the time to start.
"""

from __future__ import annotations

import os
import select
import signal
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

import yaml

from b24_pipeline.commands.dagster_home import dagster_home
from b24_pipeline.commands.model_files import ModelFiles
from b24_pipeline.commands.service_drains import cancel_drains
from b24_pipeline.commands.service_health import answers, healthy, serves
from b24_pipeline.commands.service_processes import ServiceProcesses
from b24_pipeline.commands.socket_folder import SocketFolder
from b24_pipeline.errors import B24Error, UsageError
from b24_pipeline.runtime import database_url
from b24_pipeline.settings import Settings, child_environment
from b24_pipeline.store.database.locks import claims
from b24_pipeline.store.database.private_files import private_file
from b24_pipeline.store.database.warehouse import Warehouse

START_SECONDS = 120
LOOK_SECONDS = 0.5
LOCATION = "b24"
WEB = "HTTP service"
CODE = "code server"
GRPC_TIMEOUT, GRPC_SECONDS = "DAGSTER_GRPC_TIMEOUT_SECONDS", "180"
"""How long Dagster waits for the code server; its own 60 s are too short where a busy machine starts a run."""

DAGSTER_LOG, WEB_LOG = "dagster.log", "web.log"


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
    on_stop: Callable[[], None] = lambda: None,
) -> None:
    """Serves until SIGINT or SIGTERM; call it from the main thread.

    `on_ready` gets the addresses once the UI, the definitions, the daemon and
    the HTTP service are there. A process that ends by itself is started again, the code server also where
    the files of own models have changed, and `on_restart` gets a line
    about it; `on_look` is called twice a second, `on_stop` once we were asked to stop, which takes a while;
    a second SIGINT shortens that. Raises UsageError where a port is taken or meant for both, or
    another `b24 up` uses this database, and B24Error where a process does not start, or ends again and again.
    """
    require_free_ports(host, port, web_port)
    database_url(settings)  # an embedded server is ours as well, so that it outlives Dagster's processes
    with _only_one(warehouse), _stop_signals() as signals:
        services = Services(settings, host, port, web_port)
        own_models = ModelFiles(settings.b24_models_path)
        try:
            if services.start(signals):
                on_ready(services.addresses)
            while not signals.wait(LOOK_SECONDS):
                on_look()
                for line in services.restart_ended():
                    on_restart(line)
                if own_models.have_changed():
                    on_restart(services.load_definitions(lambda: signals.is_hurried))
            on_stop()
            cancel_drains(services.addresses.dagster, lambda: signals.is_hurried)
        finally:
            services.stop(lambda: signals.is_hurried)


@dataclass(frozen=True, slots=True)
class ServiceAddresses:
    """The addresses at which a browser finds the services."""

    dagster: str
    web: str


class Services:
    """The HTTP service and the code server, then the webserver and the daemon, each in a session of its own."""

    def __init__(self, settings: Settings, host: str, port: int, web_port: int) -> None:
        self.addresses = ServiceAddresses(f"http://{host}:{port}", f"http://{host}:{web_port}")
        self._home = dagster_home(settings)
        self._port = str(port)
        self._web_port = str(web_port)
        self._host = host
        for name in (DAGSTER_LOG, WEB_LOG):
            private_file(self._home / name, "w").close()
        self._folder = SocketFolder()
        self._processes = ServiceProcesses(self._home, process_environment(settings))

    def start(self, signals: StopSignals) -> bool:
        """Waits until everything answers: True then, False if a stop was asked for before."""
        deadline = time.monotonic() + START_SECONDS
        # first, so that events find it while Dagster is still starting
        self._run(WEB, WEB_LOG, "b24_pipeline", "serve", "--host", self._host, "--port", self._web_port)
        code = self._folder.path / "code.sock"
        served = ("--module-name", "b24_pipeline.definitions", "--location-name", LOCATION)
        self._run(CODE, DAGSTER_LOG, "dagster", "api", "grpc", "--socket", str(code), *served)
        if not self._wait(lambda: answers(code), signals, deadline):
            return False
        workspace = str(self._workspace(code))
        asked = ("run", "--workspace", workspace, "--log-level", "warning")
        self._run("daemon", DAGSTER_LOG, "dagster._daemon", *asked)
        self._run("webserver", DAGSTER_LOG, "b24_pipeline.defs.ui", self._host, self._port, workspace)
        return self._wait(
            lambda: serves(self.addresses.web) and healthy(self.addresses.dagster), signals, deadline
        )

    def restart_ended(self) -> list[str]:
        """Starts processes that ended by themselves again; returns a line for each of them."""
        return self._processes.restart_ended()

    def load_definitions(self, is_hurried: Callable[[], bool]) -> str:
        """Starts the code server anew, so that it reads the files of own models; returns a line about it.

        Dagster's own "Reload" asks a server of this kind for what it knows already. Runs go on, but no new server
        could cancel them: drains, which last for minutes, are ended before, and the sensor starts others.
        """
        cancel_drains(self.addresses.dagster, is_hurried)
        self._processes.replace(CODE)
        return "the files of your own models have changed: Dagster knows them in some seconds"

    def stop(self, is_hurried: Callable[[], bool]) -> None:
        """Asks the processes to end, and kills those that do not, or all at once where it is hurried."""
        self._processes.stop(is_hurried)
        self._folder.remove()

    def _run(self, name: str, log: str, module: str, *options: str) -> None:
        self._processes.run(name, self._home / log, module, *options)

    def _wait(self, ready: Callable[[], bool], signals: StopSignals, deadline: float) -> bool:
        while not ready():
            if signals.wait(LOOK_SECONDS):
                return False
            self._processes.raise_if_ended()
            if time.monotonic() > deadline:
                raise B24Error(f"not ready after {START_SECONDS} s; see the logs in {self._home}")
        return True

    def _workspace(self, code: Path) -> Path:
        path = self._folder.path / "workspace.yaml"
        server = {"grpc_server": {"socket": str(code), "location_name": LOCATION}}
        path.write_text(yaml.safe_dump({"load_from": [server]}))
        return path


def process_environment(settings: Settings) -> dict[str, str]:
    """The environment of the processes: the settings, Dagster's home, and patience with the code server."""
    home = settings.b24_home.expanduser().resolve()
    ours = child_environment(settings, B24_HOME=str(home), DAGSTER_HOME=str(home / "dagster"))
    return ours | {GRPC_TIMEOUT: ours.get(GRPC_TIMEOUT) or GRPC_SECONDS}


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
        except OSError as error:
            from b24_pipeline.web.server import unusable  # not needed where the port is free

            raise unusable(host, port, error, option) from None


@contextmanager
def _only_one(warehouse: Warehouse) -> Iterator[None]:
    """Keeps a second `b24 up` from this database. Raises UsageError where one runs."""
    with claims(warehouse) as claimed:
        if not claimed.take("up"):
            raise UsageError(
                "another `b24 up` runs on this database; stop it first, or set another DATABASE_URL or B24_HOME"
            )
        yield


class StopSignals:
    """`is_stopping` after Ctrl-C or SIGTERM, `is_hurried` after another Ctrl-C.

    A closed terminal sends several signals at once, and the handler of one may begin within that of another: it sets
    flags and writes a byte, and takes no lock.
    """

    def __init__(self) -> None:
        self.is_stopping = False
        self.is_hurried = False
        self._woken, self._wakes = os.pipe()
        os.set_blocking(self._wakes, False)

    def receive(self, number: int, _frame: FrameType | None) -> None:
        """Handles a signal."""
        if self.is_stopping and number == signal.SIGINT:
            self.is_hurried = True
        self.is_stopping = True
        with suppress(BlockingIOError):  # full: whoever waits is awake
            os.write(self._wakes, b"!")

    def wait(self, seconds: float) -> bool:
        """Waits until a stop is asked for, at most so long; returns whether it was."""
        if not self.is_stopping:
            select.select([self._woken], [], [], seconds)
        return self.is_stopping

    def close(self) -> None:
        """Closes the pipe, once no signal is received any more."""
        os.close(self._woken)
        os.close(self._wakes)


@contextmanager
def _stop_signals() -> Iterator[StopSignals]:
    """Receives SIGINT and SIGTERM while the block runs."""
    signals = StopSignals()
    before = {number: signal.signal(number, signals.receive) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield signals
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        signals.close()
