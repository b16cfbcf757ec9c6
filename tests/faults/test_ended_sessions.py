"""The server ends sessions of ours in the middle of the work: it ends well, and only the log has a line of it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from b24_pipeline.sandbox import Sandbox, SandboxConfig
from b24_pipeline.store.database.warehouse import Warehouse
from tests.acceptance.conftest import KEY, call_b24, connect, environment
from tests.support.installation import execute, fetch, raw

ALL_OURS = """
    select pg_terminate_backend(pid) from pg_stat_activity
    where datname = current_database() and application_name = 'b24-pipeline' and pid <> pg_backend_pid()
"""
Command = Callable[..., tuple[int, str]]


STORING = """
    select case
        when exists (
            select from pg_locks
            where relation = 'bitrix24_deals'::regclass and mode = 'RowExclusiveLock' and granted
        ) then (select 1 + count(*) from bitrix24_deals) else 0
    end
"""
"""A number that rises while a page of deals is being stored, and with the next page again."""


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(SandboxConfig(leads=200, deals=600)) as portal:
        yield portal


@pytest.fixture
def b24(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sandbox: Sandbox) -> Command:
    """The command on an installation with this portal: exit code, and what it wrote on stderr."""
    env = environment(DATABASE_URL=database_url, B24_SECRET_KEYS=KEY, B24_ALLOWED_PORTALS="127.0.0.1")

    def run(*arguments: str) -> tuple[int, str]:
        done = call_b24(monkeypatch, tmp_path, env, arguments)
        return done.returncode, done.stderr

    connect(lambda *arguments, **_: call_b24(monkeypatch, tmp_path, env, arguments), sandbox)
    return run


@contextmanager
def ending_sessions(url: str, once: str, times: int) -> Iterator[list[int]]:
    """Ends every session of ours so many times, each time once this query finds more rows than before."""
    over, ended = threading.Event(), list[int]()

    def work() -> None:
        seen = -1
        with raw(url) as other:
            before = other.execute(once.encode()).fetchone()
            seen = before[0] if before else 0
            while len(ended) < times and not over.wait(0.01):
                now = other.execute(once.encode()).fetchone()
                if now and now[0] > seen:
                    seen = now[0]
                    ended.append(len(other.execute(ALL_OURS.encode()).fetchall()))

    thread = threading.Thread(target=work)
    thread.start()
    time.sleep(0.2)
    try:
        yield ended
    finally:
        over.set()
        thread.join()


def quiet(written: str) -> bool:
    """Whether nothing but lines of the log was written."""
    return "Traceback" not in written and "File " not in written


def test_a_sync_ends_well(b24: Command, database_url: str, warehouse: Warehouse) -> None:
    """All sessions end twice while pages are stored: every deal is there once."""
    with ending_sessions(database_url, STORING, 2) as ended:
        code, written = b24("sync", "acme", "--no-models")
    assert sum(ended) >= 2, ended
    assert (code, quiet(written)) == (0, True), written
    assert "a session of the database ended" in written
    assert fetch(warehouse, "select count(*) as n, count(distinct id) as ids from bitrix24_deals") == [
        {"n": 600, "ids": 600}
    ]


def test_a_drain_ends_well(b24: Command, database_url: str, warehouse: Warehouse) -> None:
    """All sessions end while a chunk is fetched: it is done again, and every event is done."""
    assert b24("sync", "acme", "--no-models")[0] == 0
    (account,) = fetch(warehouse, "select id from user_accounts")
    execute(
        warehouse,
        "insert into bitrix24_webhook_events (member_id, user_account_id, event, entity_type, entity_id)"
        " select 'm', %s, 'ONCRMDEALUPDATE', 'deal', id from bitrix24_deals",
        account["id"],
    )
    locked = (
        "select count(*) from pg_locks where relation = 'bitrix24_locks'::regclass and mode = 'RowShareLock'"
    )
    with ending_sessions(database_url, locked, 1) as ended:
        code, written = b24("drain")
    assert sum(ended) >= 1, ended
    assert (code, quiet(written)) == (0, True), written
    assert fetch(warehouse, "select distinct status from bitrix24_webhook_events") == [{"status": "done"}]


def test_a_build_ends_well(b24: Command, database_url: str, warehouse: Warehouse) -> None:
    """All sessions end twice between two models: those that are left are built on others."""
    assert b24("sync", "acme")[0] == 0
    execute(warehouse, "drop schema analytics cascade")
    built = "select count(*) from pg_class where relnamespace = to_regnamespace('analytics') and relkind in ('r', 'v')"
    with ending_sessions(database_url, built, 2) as ended:
        code, written = b24("models", "--full-refresh")
    assert sum(ended) >= 2, ended
    assert (code, quiet(written)) == (0, True), written
    (row,) = fetch(warehouse, "select count(*) as n from analytics.fct_deal")
    assert row["n"] > 500
