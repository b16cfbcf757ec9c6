"""`b24 dump`: a backup that is whole or not there, and that the printed commands restore."""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from pathlib import Path

import pytest

from b24_pipeline.commands.postgres_programs import bundled, environment_for
from b24_pipeline.sandbox import Sandbox
from b24_pipeline.store.database.connecting.url import read_url
from tests.acceptance.conftest import B24, Result, environment, run_b24
from tests.acceptance.test_nothing_left import nothing_left_of
from tests.conftest import OLDEST_BINARIES, Server
from tests.support.installation import raw
from tests.support.printed import printed, run_in_shell

ROWS = (
    "select count(*), md5(string_agg(md5(deal::text), '' order by deal.id)) from bitrix24_deals deal",
    "select count(*), md5(string_agg(move::text, '' order by move.id)) from bitrix24_status_history move",
    "select name, bitrix24_domain from user_accounts",
)


def rows(folder: Path, env: dict[str, str]) -> list[str]:
    """What the embedded database holds, as text."""
    options = [word for query in ROWS for word in ("-c", query)]
    asked = run_b24("psql", "-tA", "-v", "ON_ERROR_STOP=1", *options, cwd=folder, env=env)
    assert asked.returncode == 0, asked.stderr
    found = asked.stdout.splitlines()
    assert len(found) == len(ROWS)
    return found


def test_an_embedded_database_is_restored_by_what_is_printed(tmp_path: Path, sandbox: Sandbox) -> None:
    """The printed commands make a new database with the same rows; the one that was there lies beside it.

    A demo in the same folder is not taken for it while it is empty.
    """
    env = environment(B24_ALLOWED_PORTALS="127.0.0.1")
    for words in (("portal", "add", "acme", "--webhook-url", sandbox.webhook_url), ("sync", "--no-models")):
        done = run_b24(*words, cwd=tmp_path, env=env)
        assert done.returncode == 0, done.stderr
    before = rows(tmp_path, env)
    assert int(before[0].split("|")[0]) > 200

    dumped = run_b24("dump", "my crm.dump", cwd=tmp_path, env=env)
    assert dumped.returncode == 0, dumped.stderr
    assert "my crm.dump: all of the database" in dumped.stdout
    file = tmp_path / "my crm.dump"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert nothing_left_of(tmp_path / ".b24")
    demo = tmp_path / ".b24" / "demo"
    (demo / "postgres").mkdir(parents=True)
    (demo / "settings.json").write_text("{}")
    commands = printed(dumped.stderr)
    assert commands[0].startswith("mv ")
    for command in commands:
        done = run_in_shell(command, tmp_path, env)
        assert (done.returncode, "error" in done.stderr) == (0, False), (command, done.stderr)
    assert rows(tmp_path, env) == before
    assert nothing_left_of(tmp_path / ".b24")
    assert (tmp_path / ".b24" / "postgres.before").is_dir()
    assert list((demo / "postgres").iterdir()) == []

    content = file.read_bytes()
    again = run_b24("dump", file.name, cwd=tmp_path, env=env)
    assert (again.returncode, "is there already" in again.stderr) == (2, True), again.stderr
    assert file.read_bytes() == content
    assert run_b24("dump", file.name, "--force", cwd=tmp_path, env=env).returncode == 0
    assert file.read_bytes() != content


@pytest.mark.usefixtures("older")
def test_an_embedded_database_goes_on_in_a_server_of_ones_own(
    tmp_path: Path, sandbox: Sandbox, oldest_server: Server | None
) -> None:
    """Also in one of an earlier version of PostgreSQL, by the pg_restore that came along; the key opens the portal."""
    assert oldest_server
    env = environment(B24_ALLOWED_PORTALS="127.0.0.1")
    commands = (
        ("portal", "add", "acme", "--webhook-url", sandbox.webhook_url),
        ("sync",),
        ("dump", "crm.dump"),
    )
    for words in commands:
        done = run_b24(*words, cwd=tmp_path, env=env)
        assert done.returncode == 0, done.stderr
    assert "a PostgreSQL of your own takes the file, too" in done.stderr
    keys = (tmp_path / ".b24" / "secret.keys").read_text()
    url = oldest_server.fresh("template0")
    try:
        program = bundled("pg_restore")
        restored = run_in_shell(f"{program} --no-owner --dbname '{url}' crm.dump", tmp_path, env)
        errors = [line for line in restored.stderr.splitlines() if "error:" in line]
        assert all("transaction_timeout" in line for line in errors), restored.stderr
        of_own = environment(
            B24_ALLOWED_PORTALS="127.0.0.1", DATABASE_URL=url, B24_SECRET_KEYS=keys, B24_HOME="elsewhere"
        )
        for words in (("migrate",), ("sync",), ("models", "--all-tests"), ("reconcile", "--whole")):
            done = run_b24(*words, cwd=tmp_path, env=of_own)
            assert done.returncode == 0, (words, done.stderr)
    finally:
        oldest_server.drop(url)


def test_there_is_nothing_to_dump(tmp_path: Path) -> None:
    """An empty database is not begun, and a folder that is not there is named."""
    done = run_b24("dump", "crm.dump", cwd=tmp_path, env=environment())
    assert (done.returncode, "there is no database in .b24" in done.stderr) == (2, True), done.stderr
    assert list(tmp_path.iterdir()) == []


def with_first_on_path(*folders: Path) -> dict[str, str]:
    return {"PATH": os.pathsep.join([*map(str, folders), os.environ["PATH"]])}


@pytest.fixture
def older() -> Path:
    """A folder with the pg_dump of an older PostgreSQL, as Debian has it."""
    if not (OLDEST_BINARIES / "pg_dump").is_file():
        pytest.skip("needs Debian's postgresql of version 15")
    return OLDEST_BINARIES


def one_line(result: Result, files: Sequence[Path]) -> str:
    """The error of a dump that has left no file."""
    assert result.returncode != 0
    assert [file for file in files if "dump" in file.name] == []
    return result.stderr


def test_of_another_server_the_systems_own_dumps(
    b24_here: B24, database_url: str, tmp_path: Path, older: Path
) -> None:
    """One that is missing, or older than the server, is said; a role that may not read all leaves no file."""
    nowhere = b24_here("dump", "crm.dump", env={"PATH": str(tmp_path)})
    assert "pg_dump is not installed: sudo apt-get install postgresql-client-" in one_line(
        nowhere, list(tmp_path.iterdir())
    )
    old = b24_here("dump", "crm.dump", env=with_first_on_path(older))
    said = one_line(old, list(tmp_path.iterdir()))
    assert f"{older}/pg_dump is of PostgreSQL 15 and cannot dump a server of PostgreSQL " in said

    program = bundled("pg_dump")
    assert program
    fitting = with_first_on_path(Path(program).parent)
    with raw(database_url) as connection:
        connection.execute("create role reads_little login")
    try:
        little = database_url.replace("postgres@", "reads_little@")
        refused = b24_here("dump", "crm.dump", env=fitting | {"DATABASE_URL": little})
        assert "permission denied" in one_line(refused, list(tmp_path.iterdir()))
    finally:
        with raw(database_url) as connection:
            connection.execute("drop role reads_little")
    done = b24_here("dump", "crm.dump", env=fitting)
    assert done.returncode == 0, done.stderr
    assert printed(done.stderr)[1].startswith("pg_restore --no-owner --role postgres --dbname b24_new ")
    assert [path.name for path in tmp_path.iterdir()] == ["crm.dump"]


def test_what_an_administrator_restores_is_the_owners(server: Server, b24_here: B24, tmp_path: Path) -> None:
    """By the printed commands, as in an emergency: the role that owned the old database goes on in the new one."""
    old = server.fresh("template0")
    program = bundled("pg_dump")
    assert program
    env = with_first_on_path(Path(program).parent)
    of_admin = environment_for(read_url(old)) | env | {"PGDATABASE": "postgres"}
    with raw(old) as connection:
        connection.execute("create role owns_the_old login")
        connection.execute(f"alter database {connection.info.dbname} owner to owns_the_old")
        name = connection.info.dbname
    urls = [old.replace("postgres@", "owns_the_old@")]
    urls.append(urls[0].replace(name, "b24_new"))
    try:
        assert b24_here("migrate", env={"DATABASE_URL": urls[0]}).returncode == 0
        done = b24_here("dump", "crm.dump", env=env | {"DATABASE_URL": urls[0]})
        assert done.returncode == 0, done.stderr
        assert "a new, empty database that is owns_the_old's" in done.stderr
        for command in printed(done.stderr):
            restored = run_in_shell(command, tmp_path, of_admin)
            assert restored.returncode == 0, restored.stderr
        migrated = b24_here("migrate", env={"DATABASE_URL": urls[1]})
        assert migrated.returncode == 0, migrated.stderr
        assert "the database is up to date" in migrated.stdout + migrated.stderr
        assert b24_here("portal", "list", env={"DATABASE_URL": urls[1]}).returncode == 0
        run_in_shell("dropdb b24_new; createdb b24_new", tmp_path, of_admin)
        run_in_shell(f"pg_restore --no-owner --dbname b24_new {tmp_path / 'crm.dump'}", tmp_path, of_admin)
        refused = b24_here("migrate", env={"DATABASE_URL": urls[1]})
        assert refused.returncode == 1
        assert "docs/operations.md" in refused.stderr
    finally:
        run_in_shell("dropdb --if-exists b24_new", tmp_path, of_admin)
        server.drop(old)
        with raw(server.url) as connection:
            connection.execute("drop role owns_the_old")
