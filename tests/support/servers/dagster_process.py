"""Dagster as a process of its own with its UI, asked over GraphQL; and what is left of it when it has ended."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import subprocess
import termios
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx

ROOT = Path(__file__).parents[3]
PATIENCE_SECONDS = 150

LOADED = """
{ repositoriesOrError { ... on RepositoryConnection { nodes { location { name } jobs { name }
    schedules { name } sensors { name } assetNodes { assetKey { path } } } } }
  partitionKeys: assetNodes(assetKeys: [{path: ["raw", "changes"]}]) { partitionKeys } }
"""


class Running:
    """A command in a session of its own, and the Dagster UI that it serves."""

    def __init__(self, command: list[str], port: int, environment: dict[str, str], log: Path) -> None:
        self.log = log
        self._port = port
        self.process = self._started(command, environment)

    def _started(self, command: list[str], environment: dict[str, str]) -> subprocess.Popen[bytes]:
        with self.log.open("wb") as output:
            return subprocess.Popen(
                command, cwd=ROOT, env=environment, stdout=output, stderr=output, start_new_session=True
            )

    def ask(self, query: str, **variables: Any) -> dict[str, Any]:
        body = {"query": query, "variables": variables}
        answer = httpx.post(f"http://127.0.0.1:{self._port}/graphql", json=body, timeout=30, trust_env=False)
        found = answer.json()
        assert not found.get("errors"), found
        return dict(found["data"])

    def wait(self, what: str, done: Any) -> Any:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            assert self.process.poll() is None, self.log.read_text()[-3000:]
            with suppress(httpx.HTTPError, ValueError):
                found = done()
                if found:
                    return found
            time.sleep(0.3)
        raise AssertionError(f"{what} took longer than {PATIENCE_SECONDS} s: {self.log.read_text()[-3000:]}")

    def end(self, number: int, patience: float) -> float:
        """Seconds until it ended after the signal."""
        started = time.monotonic()
        self.process.send_signal(number)
        self.process.wait(patience)
        return time.monotonic() - started

    def interrupt(self, patience: float) -> None:
        """Ctrl-C, as a terminal sends it: to all processes of the session, of which each ends by itself.

        The first process alone would ask its code servers to end, and one that misses the question under load lives
        on until it misses heartbeats: 45 seconds for each of the two servers, one after the other.
        """
        os.killpg(self.process.pid, signal.SIGINT)
        self.process.wait(patience)

    def kill(self) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


class InTerminal(Running):
    """The same in a terminal, which can be closed; what it shows goes to the log, too."""

    def _started(self, command: list[str], environment: dict[str, str]) -> subprocess.Popen[bytes]:
        self.log.touch()
        self._ours, theirs = pty.openpty()
        started = subprocess.Popen(
            command,
            cwd=ROOT,
            env=environment,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # noqa: PLW1509  nothing else runs yet
        )
        os.close(theirs)
        self._end, self._closes = os.pipe()
        self._reader = threading.Thread(target=self._copy, daemon=True)
        self._reader.start()
        return started

    def _copy(self) -> None:
        with self.log.open("ab", buffering=0) as log, suppress(OSError):
            while self._end not in select.select([self._ours, self._end], [], [])[0]:
                log.write(os.read(self._ours, 65_536))

    def close(self, patience: float) -> float:
        """Closes the terminal, as a click on its window does; seconds until all ended."""
        started = time.monotonic()
        os.write(self._closes, b"!")
        self._reader.join()
        for one in (self._ours, self._end, self._closes):
            os.close(one)
        self.process.wait(patience)
        return time.monotonic() - started


def loaded(dagster: Running) -> list[dict[str, Any]]:
    """The code locations that are loaded, with their definitions."""
    return list(dagster.ask(LOADED)["repositoriesOrError"].get("nodes") or [])


def mentioned(text: str) -> list[str]:
    """Command lines of running processes whose environment or command line has the text."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if text.encode() in (folder / "environ").read_bytes() and str(os.getpid()) != folder.name:
                found.append((folder / "cmdline").read_text().replace("\0", " "))
    return found


def wait_until_gone(text: str) -> list[str]:
    deadline = time.monotonic() + 60
    while mentioned(text) and time.monotonic() < deadline:
        time.sleep(0.3)
    return mentioned(text)


def kill(home: str, words: str) -> None:
    """Kills the process of this installation whose command line has these words."""
    (process,) = [
        folder
        for folder in Path("/proc").glob("[0-9]*")
        if _is_of(folder, home) and words in (folder / "cmdline").read_text().replace("\0", " ")
    ]
    os.kill(int(process.name), signal.SIGKILL)


def _is_of(folder: Path, home: str) -> bool:
    with suppress(OSError):
        return home.encode() in (folder / "environ").read_bytes()
    return False
