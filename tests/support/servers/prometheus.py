"""Debian's Prometheus and promtool, on files of the repository."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from tests.support.installation import free_port

PROMETHEUS = Path("/usr/bin/prometheus")
PROMTOOL = Path("/usr/bin/promtool")
PATIENCE_SECONDS = 60


def promtool(*words: str | Path) -> subprocess.CompletedProcess[str]:
    """What promtool says."""
    return subprocess.run([PROMTOOL, *words], capture_output=True, text=True, check=False)


class Watching:
    """A running Prometheus that is asked by its API."""

    def __init__(self, address: str) -> None:
        self._client = httpx.Client(base_url=address, trust_env=False, timeout=20)

    def query(self, expression: str) -> list[dict[str, Any]]:
        """What an expression gives now: the labels of each series, and its value."""
        answer = self._client.get("/api/v1/query", params={"query": expression}).json()
        assert answer["status"] == "success", (expression, answer)
        return list(answer["data"]["result"])

    def rules(self) -> list[dict[str, Any]]:
        """All rules, with what their last evaluation said."""
        groups = self._client.get("/api/v1/rules").json()["data"]["groups"]
        return [rule for group in groups for rule in group["rules"]]

    def wait_until(self, holds: Callable[[Watching], object], why: str) -> None:
        """Waits until something holds; fails after PATIENCE_SECONDS."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not holds(self):
            assert time.monotonic() < deadline, why
            time.sleep(0.2)

    def close(self) -> None:
        """Ends the connection."""
        self._client.close()


@contextmanager
def watching(configuration: Path, folder: Path) -> Iterator[Watching]:
    """Prometheus with this configuration, ready; its data and its log are in the folder."""
    port = free_port()
    command = [
        str(PROMETHEUS),
        f"--config.file={configuration}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
    ]
    with (folder / "prometheus.log").open("wb") as log:
        process = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log)
    asked = Watching(f"http://127.0.0.1:{port}")
    try:
        _wait_for(process, f"http://127.0.0.1:{port}/-/ready", folder / "prometheus.log")
        yield asked
    finally:
        asked.close()
        process.terminate()
        process.wait(timeout=30)


def _wait_for(process: subprocess.Popen[bytes], address: str, log: Path) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        try:
            if httpx.get(address, trust_env=False).status_code == 200:
                return
        except httpx.HTTPError:
            pass
        time.sleep(0.1)
    raise AssertionError(f"Prometheus is not ready: {log.read_text()}")
