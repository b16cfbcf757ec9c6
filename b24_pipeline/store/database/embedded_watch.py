"""Stops the embedded PostgreSQL when nobody uses it any more. Also a program of its own, on the standard library alone.

Every user holds a shared lock on one file while it lives. The kernel gives it back however the process ends, so the
watch, which waits for that file alone, sees the end of the last one even where nobody could clean up.

usage: embedded_watch.py USERS_FILE DATA_FOLDER DESCRIPTOR   (of the locked file that says that a watch is there)
"""

from __future__ import annotations

import fcntl
import os
import signal
import sys
import time
from pathlib import Path

FAST_SECONDS = 60.0
LOOK_SECONDS = 0.02


def stop_server(data: Path) -> None:
    """Stops the server of this data folder and waits for its end: fast, and at once where fast takes too long."""
    for number in (signal.SIGINT, signal.SIGQUIT):  # PostgreSQL's fast and immediate shutdown
        server = _server_of(data)
        if server is None:
            return
        os.kill(server, number)
        until = time.monotonic() + FAST_SECONDS
        while _works_in(server, data) and time.monotonic() < until:
            time.sleep(LOOK_SECONDS)


def _server_of(data: Path) -> int | None:
    """The number of the running server: a file that a crash has left behind may name a process of somebody else."""
    try:
        number = int((data / "postmaster.pid").read_text().split("\n", 1)[0])
    except (OSError, ValueError):
        return None
    return number if _works_in(number, data) else None


def _works_in(number: int, data: Path) -> bool:
    """Whether the process is there and its working folder is the data folder, as a server's is."""
    try:
        state = Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0]
        return state != "Z" and Path(f"/proc/{number}/cwd").readlink() == data
    except OSError:
        return False


def _watch(users: str, data: str, watching: int) -> None:
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(
            number, signal.SIG_IGN
        )  # a supervisor that ends us all: the server is still to be stopped
    file = os.open(users, os.O_RDWR)
    fcntl.flock(file, fcntl.LOCK_EX)  # granted when the last user is gone; the next one waits
    stop_server(Path(data))
    os.close(watching)  # first: whoever comes in next must see that no watch is there
    os.close(file)


if __name__ == "__main__":
    _watch(sys.argv[1], sys.argv[2], int(sys.argv[3]))
