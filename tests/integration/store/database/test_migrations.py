"""Migrations: twice harmless, two at once wait, killed halfway nothing is half done."""

from __future__ import annotations

import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from b24_pipeline.errors import DatabaseBusy, DatabaseNotMigrated, DatabaseTooNew
from b24_pipeline.store.database import migrations
from b24_pipeline.store.database.locks import held
from b24_pipeline.store.database.migrations import check_migrated, known, migrate
from b24_pipeline.store.database.warehouse import Warehouse
from tests.support.installation import execute, fetch

MIGRATE = (
    "import sys; from b24_pipeline.store.database.migrations import migrate; "
    "from b24_pipeline.store.database.warehouse import Warehouse; "
    "print(len(migrate(Warehouse(sys.argv[1]))))"
)


@pytest.fixture
def empty(empty_database_url: str) -> Warehouse:
    return Warehouse(empty_database_url)


def test_migrating_twice_is_harmless(each_warehouse: Warehouse | None) -> None:
    """The second time there is nothing to do, on every supported server."""
    if each_warehouse is None:
        return
    assert migrate(each_warehouse) == []
    check_migrated(each_warehouse)
    applied = fetch(each_warehouse, "select migration_id from _yoyo_migration order by migration_id")
    assert [row["migration_id"] for row in applied] == known()


def test_database_without_tables_is_told_apart(empty: Warehouse) -> None:
    """The message says which command is missing."""
    with pytest.raises(DatabaseNotMigrated, match="b24 migrate"):
        check_migrated(empty)
    assert migrate(empty) == known()
    check_migrated(empty)
    empty.close()


def test_database_of_a_newer_version_is_refused(warehouse: Warehouse) -> None:
    """Old code must not write into tables that it does not know."""
    execute(
        warehouse,
        "insert into _yoyo_migration (migration_hash, migration_id, applied_at_utc) values ('x', '9999_later', now())",
    )
    with pytest.raises(DatabaseTooNew, match="9999_later"):
        migrate(warehouse)
    with pytest.raises(DatabaseTooNew):
        check_migrated(warehouse)


def test_two_processes_at_once_wait_for_one_another(empty_database_url: str) -> None:
    """One does the work, the other finds it done."""

    def run(_: int) -> str:
        command = [sys.executable, "-c", MIGRATE, empty_database_url]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    with ThreadPoolExecutor(2) as both:
        assert sorted(both.map(run, range(2))) == ["0", str(len(known()))]


def test_a_migration_from_nothing_keeps_others_away_to_its_end(empty: Warehouse) -> None:
    """Also after it has made the table of locks, which it has begun without."""
    with held(empty, "migrations", wait_seconds=0) as ours:
        assert ours
        assert migrations._apply(empty)
        with held(empty, "migrations", wait_seconds=0) as others:
            assert not others
    with held(empty, "migrations", wait_seconds=0) as others:
        assert others


def test_wait_for_another_migration_is_bounded(warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever holds the lock for too long is told of, instead of waited for."""
    monkeypatch.setattr(migrations, "PATIENCE_SECONDS", 1)
    with (
        held(warehouse, "migrations", wait_seconds=0),
        pytest.raises(DatabaseBusy, match="another migration"),
    ):
        migrate(warehouse)


def test_migration_that_fails_leaves_nothing(
    empty: Warehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its tables and its note are of one transaction; mended, it is applied from the beginning."""
    (tmp_path / "0001_a.sql").write_text("create table a (id int);\n")
    broken = tmp_path / "0002_b.sql"
    broken.write_text(
        "-- depends: 0001_a\ncreate table b (id int);\ncreate table c (id int);\nselect 1 / 0;\n"
    )
    monkeypatch.setattr(migrations, "bundled", lambda _name: tmp_path)
    with pytest.raises(Exception, match="division by zero"):
        migrate(empty)
    tables = "select relname from pg_class where relname in ('a', 'b', 'c')"
    assert [row["relname"] for row in fetch(empty, tables)] == ["a"]
    broken.write_text(broken.read_text().replace("1 / 0", "1"))
    assert migrate(empty) == ["0002_b"]
    empty.close()


def test_killed_migration_leaves_nothing_half_done(
    empty: Warehouse, empty_database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SIGKILL in the middle, and between the statements and the note of them: the next one finishes."""
    slow = tmp_path / "0001_slow.sql"
    slow.write_text("create table a (id int);\nselect pg_sleep(30);\n")
    script = (
        "import sys, pathlib; from b24_pipeline.store.database import migrations; "
        "migrations.bundled = lambda name: pathlib.Path(sys.argv[2]); " + MIGRATE
    )
    command = [sys.executable, "-c", script, empty_database_url, str(tmp_path)]
    sleeping = (
        "select 1 from pg_stat_activity where query like '%%pg_sleep(30)%%' and pid <> pg_backend_pid()"
    )
    with subprocess.Popen(command) as process:
        until = time.monotonic() + 60
        while not fetch(empty, sleeping):
            assert process.poll() is None and time.monotonic() < until
            time.sleep(0.1)
        process.kill()
    execute(
        empty,
        "select pg_terminate_backend(pid) from pg_stat_activity "
        "where datname = current_database() and pid <> pg_backend_pid()",
    )
    slow.write_text("create table a (id int);\n")
    monkeypatch.setattr(migrations, "bundled", lambda _name: tmp_path)
    assert migrate(empty) == ["0001_slow"]
    assert fetch(empty, "select * from a") == []
    empty.close()


def test_lock_row_of_a_killed_process_is_no_obstacle(warehouse: Warehouse) -> None:
    """The library's own lock is a row that nobody takes away; ours is held, so it is stale."""
    execute(warehouse, "delete from _yoyo_migration where migration_id = '0004_comments'")
    execute(warehouse, "insert into yoyo_lock (locked, ctime, pid) values (1, now(), 1)")
    assert migrate(warehouse) == ["0004_comments"]
