"""The child processes of `b24 up`: started, started again where they end, and ended with all that they began."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from b24_pipeline.commands import service_guard
from b24_pipeline.commands.service_guard import end_groups, is_there
from b24_pipeline.commands.with_parent import end_with_parent
from b24_pipeline.errors import B24Error
from b24_pipeline.store.database.private_files import PRIVATE_UMASK

STOP_SECONDS = 12
MOST_RESTARTS, RESTARTS_SECONDS = 5, 300.0


class ServiceProcesses:
    """Processes of Python modules, each in a session of its own, so that Ctrl-C reaches us alone."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self._folder = folder
        self._environment = environment
        self._logs: dict[str, Path] = {}
        self._commands: dict[str, list[str]] = {}
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._groups: list[int] = []
        """Also of a process that ended, while something that it has started runs."""
        self._restarts: defaultdict[str, list[float]] = defaultdict(list)
        self._guard = _start_guard()

    def run(self, name: str, log: Path, module: str, *options: str) -> None:
        """Starts a process of this module; what it prints goes to the log."""
        self._logs[name] = log
        self._commands[name] = [sys.executable, "-W", "ignore", "-m", module, *options]
        self._launch(name)

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
        if not all(map(is_there, self._groups)):  # another process may get the number of one that is gone
            self._groups = list(filter(is_there, self._groups))
            self._tell_guard()
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

    def replace(self, name: str) -> None:
        """Ends a process at once and starts it again; what it has started goes on."""
        self._processes[name].kill()
        self._processes[name].wait()
        self._launch(name)

    def stop(self, is_hurried: Callable[[], bool]) -> None:
        """Asks the processes to end, and kills what has not ended in time, or at once where it is hurried."""
        for process in self._processes.values():
            process.terminate()

        end_groups(self._groups, STOP_SECONDS, lambda: self._reaped(is_hurried))
        for process in self._processes.values():
            process.wait()
        self._guard.communicate()

    def _launch(self, name: str) -> None:
        with self._logs[name].open("ab") as log:
            self._processes[name] = subprocess.Popen(
                self._commands[name],
                cwd=self._folder,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                umask=PRIVATE_UMASK,
                preexec_fn=end_with_parent,  # noqa: PLW1509 - it only asks Linux for a signal
            )
        self._groups.append(self._processes[name].pid)
        self._tell_guard()

    def _tell_guard(self) -> None:
        line = " ".join(map(str, self._groups)) + "\n"
        if self._guard.stdin:
            with suppress(BrokenPipeError):  # it was killed: without it we still end all ourselves
                os.write(self._guard.stdin.fileno(), line.encode())

    def _reaped(self, is_hurried: Callable[[], bool]) -> bool:
        for process in self._processes.values():
            process.poll()  # a child that has ended is there until somebody asks for it
        return is_hurried()


def _start_guard() -> subprocess.Popen[bytes]:
    """In a session of its own, so that a signal for all of ours leaves it."""
    command = [sys.executable, "-I", "-S", service_guard.__file__, str(STOP_SECONDS)]
    quiet = subprocess.DEVNULL
    return subprocess.Popen(
        command, cwd="/", stdin=subprocess.PIPE, stdout=quiet, stderr=quiet, start_new_session=True
    )
