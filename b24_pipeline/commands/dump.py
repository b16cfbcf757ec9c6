"""`b24 dump`: a backup of the database by PostgreSQL's own pg_dump, and how it is restored."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Annotated, Any

import typer

from b24_pipeline import runtime
from b24_pipeline.commands.called_as import b24_as_called
from b24_pipeline.commands.opening import chosen_settings, note_misspelt_settings
from b24_pipeline.commands.postgres_programs import bundled, database_option, environment_for, of_system
from b24_pipeline.commands.screen import output, say
from b24_pipeline.commands.whole_file import whole_file
from b24_pipeline.commands.with_parent import end_with_parent
from b24_pipeline.demo_home import lacks_database
from b24_pipeline.errors import DatabaseError, UsageError
from b24_pipeline.settings import Settings, settings
from b24_pipeline.store.database.connecting.url import read_url
from b24_pipeline.store.database.private_files import private_file
from b24_pipeline.store.database.rights import owner_of_tables
from b24_pipeline.store.database.warehouse import Connection, Warehouse

_PROGRAM = "pg_dump"
_MAJOR = re.compile(r"\(PostgreSQL\) (\d+)")


def dump(
    file: Annotated[Path, typer.Argument(help="The file to write, in pg_dump's custom format.")],
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there.")] = False,
) -> None:
    """Write a backup of the whole database into a file, and say how it is restored."""
    note_misspelt_settings()
    _require_embedded(settings())
    chosen = chosen_settings()
    _refuse_to_replace(file, force=force)
    url = runtime.database_url(chosen)  # nothing is migrated: a backup is made before that
    is_embedded = chosen.database_url is None
    program, environment = _program(url, is_embedded=is_embedded), environment_for(read_url(url))
    command = [program, "--format", "custom", "--no-password", *database_option(read_url(url))]
    with whole_file(file, lambda path: private_file(path, "x")) as out:
        warnings = _dumped(command, environment, out, read_url(url).place)
        _refuse_to_replace(file, force=force)  # another dump may have been made meanwhile
    for warning in warnings:
        say(f"note: {warning}")
    size = file.stat().st_size / 2**20
    output.print(f"{file}: all of the database, {size:.1f} MB; you alone may read it", markup=False)
    _show_how_to_restore(file, chosen, url)


def _require_embedded(chosen: Settings) -> None:
    """Raises UsageError where an embedded database is meant and there is none: an empty one would be begun."""
    home = chosen.b24_home
    if chosen.database_url is None and lacks_database(home):
        raise UsageError(
            f"there is no database in {home}: run it in the folder of the installation, or set B24_HOME "
            "or DATABASE_URL"
        )


def _refuse_to_replace(file: Path, *, force: bool) -> None:
    if file.exists() and not force:
        raise UsageError(f"{file} is there already and stays as it is; choose another name, or add --force")


def _program(url: str, *, is_embedded: bool) -> str:
    """The pg_dump that fits the server. Raises UsageError where none does, and DatabaseError."""
    ours = bundled(_PROGRAM)
    if is_embedded and ours:
        return ours
    found, server = of_system(_PROGRAM), _server_major(url)
    install = f"sudo apt-get install postgresql-client-{server}"
    came = _major(ours, url) if ours else 0
    if ours and came >= server:
        install += (
            f", or put the one that came along (of PostgreSQL {came}) first: PATH={Path(ours).parent}:$PATH"
        )
    if not found:
        raise UsageError(f"{_PROGRAM} is not installed: {install}")
    major = _major(found, url)
    if major < server:
        raise UsageError(
            f"{found} is of PostgreSQL {major} and cannot dump a server of PostgreSQL {server}: {install}"
        )
    return found


def _server_major(url: str) -> int:
    with _looked_at(url) as connection:
        return connection.info.server_version // 10_000


def _owner(url: str) -> str:
    """The role whose the tables are; with roles another one may have made the dump."""
    with _looked_at(url) as connection:
        return owner_of_tables(connection)


@contextmanager
def _looked_at(url: str) -> Iterator[Connection]:
    warehouse = Warehouse(url, looks_once=True)
    try:
        with warehouse.connect() as connection:
            yield connection
    finally:
        warehouse.close()


def _major(program: str, url: str) -> int:
    """The major version of a program. Debian's own chooses it by the server that the environment names."""
    environment = environment_for(read_url(url))
    told = subprocess.run(
        [program, "--version"], env=environment, capture_output=True, text=True, check=False
    )
    match = _MAJOR.search(told.stdout)
    return int(match[1]) if match else 0


def _dumped(
    command: Sequence[str], environment: Mapping[str, str], out: IO[Any], place: str
) -> Sequence[str]:
    """Dumps into the open file; returns what pg_dump warned of. Raises DatabaseError."""
    done = subprocess.run(
        command,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=out,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
        preexec_fn=end_with_parent,
    )
    lines = [line.removeprefix(f"{_PROGRAM}: ") for line in done.stderr.splitlines() if line.strip()]
    if done.returncode != 0:
        reason = next((line for line in lines if line.startswith("error: ")), f"exit code {done.returncode}")
        raise DatabaseError(
            f"{_PROGRAM} could not dump {place}: {reason.removeprefix('error: ')}; "
            "only a role that may read all of the database can, such as its owner"
        )
    os.fsync(out.fileno())
    return lines


def _show_how_to_restore(file: Path, chosen: Settings, url: str) -> None:
    """Prints the commands that make a new database of the dump."""
    at = shlex.quote(str(file.absolute()))
    if chosen.database_url is not None:
        owner = shlex.quote(_owner(url))
        say(
            "keep B24_SECRET_KEYS apart from it; restored by an administrator of the server into a new, empty database "
            f"that is {owner}'s as this one is, and which DATABASE_URL then names:"
        )
        say(f"    createdb --owner {owner} b24_new")
        say(f"    pg_restore --no-owner --role {owner} --dbname b24_new {at}")
        return
    from b24_pipeline.store.database.embedded import DATABASE

    home = chosen.b24_home
    # named, so that no command takes the database of a demo in the same folder for the new, empty one
    b24 = f"B24_HOME={shlex.quote(str(home))} {b24_as_called()}"
    keys = "B24_SECRET_KEYS" if chosen.b24_secret_keys else home / "secret.keys"
    restore = f"\\! {shlex.quote(bundled('pg_restore') or 'pg_restore')} --no-owner --dbname {DATABASE} {at}"
    say(
        f"keep a copy of {keys} apart from it: the credentials in it are opened by these keys; "
        "restored, once nothing of the installation runs, into a new database in the place of this one, "
        "which stays beside it:"
    )
    postgres = home / "postgres"
    say(f"    mv {shlex.quote(str(postgres))} {shlex.quote(str(postgres.with_name('postgres.before')))}")
    say(f"    {b24} migrate")
    say(
        f"    {b24} psql -d postgres -c 'drop database {DATABASE} with (force)' -c 'create database {DATABASE}' "
        f"-c {shlex.quote(restore)}"
    )
    say(f"    {b24} migrate")
    say(
        "a PostgreSQL of your own takes the file, too: docs/databases.md, From the embedded PostgreSQL to your own"
    )
