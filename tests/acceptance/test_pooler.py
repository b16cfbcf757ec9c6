"""The commands through Debian's PgBouncer: of sessions, where all of them work, and of transactions, where some do."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
import yaml
from dagster import DagsterInstance
from dagster._core.instance.ref import InstanceRef

from b24_pipeline import read
from b24_pipeline.commands.psql import psql_of
from b24_pipeline.sandbox import Sandbox
from tests.acceptance.conftest import B24, KEY, call_b24, connect, environment
from tests.support.servers.pgbouncer import pooled

STORAGE = {"custom": {"module": "b24_pipeline.defs.instance.storage", "class": "OurStorage", "config": {}}}


def through(url: str) -> dict[str, str]:
    return environment(DATABASE_URL=url, B24_SECRET_KEYS=KEY, B24_ALLOWED_PORTALS="127.0.0.1")


@pytest.fixture
def calling(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], B24]:
    """The command on a database."""
    return lambda url: lambda *words, **_: call_b24(monkeypatch, tmp_path, through(url), words)


def instance(tmp_path: Path) -> DagsterInstance:
    ref = InstanceRef.from_dir(str(tmp_path), overrides={"storage": STORAGE})
    return DagsterInstance.from_ref(ref)


def test_an_installation_behind_a_pool_of_sessions(
    empty_database_url: str,
    sandbox: Sandbox,
    calling: Callable[[str], B24],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Everything from nothing, Dagster's tables included; then what only looks, through a pool of transactions."""
    with pooled(empty_database_url, "session") as url:
        b24 = calling(url)
        assert b24("migrate").returncode == 0
        connect(b24, sandbox)
        for name, value in through(url).items():
            monkeypatch.setenv(name, value)
        with instance(tmp_path) as dagster:
            assert dagster.get_runs() == []
        for words in (("sync",), ("reconcile",), ("drain",), ("models", "--full-refresh"), ("doctor",)):
            done = b24(*words)
            assert done.returncode == 0, (words, done.stderr)
        with instance(tmp_path) as dagster:
            assert dagster.all_asset_keys()
    direct = calling(empty_database_url)
    with pooled(empty_database_url, "transaction", size=2, round_robin=True) as url:
        b24 = calling(url)
        for looking in ("funnel acme", "export fct_deal acme", "portal list"):
            told = b24(*looking.split())
            assert (told.returncode, told.stdout) == (0, direct(*looking.split()).stdout), (
                looking,
                told.stderr,
            )
        assert b24("status").returncode == 0
        assert b24("access", "add", "Ann", "--role", "viewer").returncode == 0
        found, expected = (read.deals(portal="acme", url=each) for each in (url, empty_database_url))
        pd.testing.assert_frame_equal(found, expected)
        command, env = psql_of(url)
        assert command[0].endswith("psql")
        assert env["PGPORT"] in url


REFUSED = ("migrate", "sync", "backfill acme --from 2026-01-01 --to 2026-01-02", "reconcile", "drain", "models",
           "match", "serve --port 0", "up --port 0 --web-port 1")  # fmt: skip


def test_commands_that_need_a_session_say_so_before_anything_else(
    database_url: str, calling: Callable[[str], B24], tmp_path: Path
) -> None:
    """What was found, why it does not do, and what does, in one line; Dagster says the same."""
    with pooled(database_url, "transaction") as url:
        for words in REFUSED:
            told = calling(url)(*words.split())
            (line,) = told.stderr.strip().splitlines()[-1:]
            assert told.returncode == 1, (words, told.stderr)
            assert "is a pooler that gives each transaction another session" in line, words
            assert "pool_mode = session" in line
        told = calling(url)("doctor", "--json")
        assert told.returncode == 1
        assert "pool_mode = session" in told.stdout
        (tmp_path / "dagster.yaml").write_text(yaml.safe_dump({"storage": STORAGE}))
        done = subprocess.run(
            [sys.executable, "-m", "dagster", "run", "list"],
            env=through(url) | {"DAGSTER_HOME": str(tmp_path)},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 1
        assert "pool_mode = session" in done.stderr
        assert "Traceback" not in done.stderr
