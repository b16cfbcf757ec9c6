"""Debian's PgBouncer in front of a test's PostgreSQL."""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from b24_pipeline.store.database.connecting.url import read_url
from tests.support.installation import free_port
from tests.support.servers.postgres import ordinary_user, own_folder

PROGRAM = Path("/usr/sbin/pgbouncer")
CONFIGURATION = """
[databases]
* = host={host} port={port} user={user}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {own_port}
unix_socket_dir =
auth_type = any
pool_mode = {mode}
default_pool_size = {size}
ignore_startup_parameters = {ignored}
server_round_robin = {round_robin}
query_wait_timeout = 60
logfile = {folder}/log
"""
START_SECONDS = 30


@contextmanager
def pooled(
    url: str, mode: str, *, size: int = 20, forgets_options: bool = False, round_robin: bool = False
) -> Iterator[str]:
    """The URL of the same database through a pooler. `forgets_options`: it would refuse them else."""
    server = read_url(url)
    with own_folder("b24bouncer") as folder:
        port = free_port()
        (folder / "ini").write_text(
            CONFIGURATION.format(
                host=server.resolved["host"],
                port=server.resolved["port"],
                user=server.resolved["user"],
                own_port=port,
                mode=mode,
                size=size,
                ignored="extra_float_digits" + (", options" if forgets_options else ""),
                round_robin=int(round_robin),
                folder=folder,
            )
        )
        process = subprocess.Popen([PROGRAM, "-q", folder / "ini"], user=ordinary_user(), cwd=folder)
        try:
            _wait_for(process, port, folder / "log")
            yield f"postgresql://{server.resolved['user']}@127.0.0.1:{port}/{server.database}"
        finally:
            process.terminate()
            process.wait(timeout=30)


def _wait_for(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError(f"PgBouncer does not listen: {log.read_text() if log.exists() else 'no log'}")
