"""The server ends sessions of ours in the middle of the work: it ends well, and only the log has a line of it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from b24_pipeline.sandbox import Sandbox, SandboxConfig
from b24_pipeline.store.database.warehouse import Warehouse
from tests.acceptance.conftest import KEY, call_b24, connect, environment
from tests.support.installation import execute, fetch, raw

WAITING = """
    select count(*) from pg_locks as l join pg_stat_activity as a using (pid)
    where a.datname = current_database() and a.application_name = 'b24-pipeline' and not l.granted
        and l.relation = %s::regclass
"""
ALL_OURS = """
    select pg_terminate_backend(pid) from pg_stat_activity
    where datname = current_database() and application_name = 'b24-pipeline' and pid <> pg_backend_pid()
"""
Command = Callable[..., tuple[int, str]]


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
def ending_sessions(url: str, table: str, mode: str, times: int) -> Iterator[list[int]]:
    """Ends every session of ours so many times, each time while one waits for this table, kept locked so."""
    over, locked, ended = threading.Event(), threading.Event(), list[int]()

    def work() -> None:
        with raw(url) as keeper, raw(url) as other, keeper.transaction():
            keeper.execute(f"lock table {table} in {mode} mode".encode())
            locked.set()
            while len(ended) < times and not over.wait(0.01):
                waiting = other.execute(WAITING, (table,)).fetchone()
                if waiting and waiting[0]:
                    ended.append(len(other.execute(ALL_OURS.encode()).fetchall()))

    thread = threading.Thread(target=work)
    thread.start()
    assert locked.wait(30)
    try:
        yield ended
    finally:
        over.set()
        thread.join()


def quiet(written: str) -> bool:
    """Whether nothing but lines of the log was written."""
    return "Traceback" not in written and "File " not in written


def test_a_sync_ends_well(b24: Command, database_url: str, warehouse: Warehouse) -> None:
    """All sessions end twice while deals are stored: every deal is there once."""
    with ending_sessions(database_url, "bitrix24_deals", "share", 2) as ended:
        code, written = b24("sync", "acme", "--no-models")
    assert len(ended) == 2, ended
    assert (code, quiet(written)) == (0, True), written
    assert "a session of the database ended" in written
    assert fetch(warehouse, "select count(*) as n, count(distinct id) as ids from bitrix24_deals") == [
        {"n": 600, "ids": 600}
    ]


def test_a_drain_ends_well(b24: Command, database_url: str, warehouse: Warehouse) -> None:
    """All sessions end twice while a chunk is at work: it is done again, and every event is done."""
    assert b24("sync", "acme", "--no-models")[0] == 0
    (account,) = fetch(warehouse, "select id from user_accounts")
    execute(
        warehouse,
        "insert into bitrix24_webhook_events (member_id, user_account_id, event, entity_type, entity_id)"
        " select 'm', %s, 'ONCRMDEALUPDATE', 'deal', id from bitrix24_deals",
        account["id"],
    )
    with ending_sessions(database_url, "bitrix24_deals", "share", 2) as ended:
        code, written = b24("drain")
    assert len(ended) == 2, ended
    assert (code, quiet(written)) == (0, True), written
    assert fetch(warehouse, "select distinct status from bitrix24_webhook_events") == [{"status": "done"}]


def test_a_build_ends_well(b24: Command, database_url: str, warehouse: Warehouse) -> None:
    """All sessions end twice in the middle of a build: the models that are left are built on others."""
    assert b24("sync", "acme")[0] == 0
    execute(warehouse, "drop schema analytics cascade")
    with ending_sessions(database_url, "bitrix24_status_history", "access exclusive", 2) as ended:
        code, written = b24("models", "--full-refresh")
    assert len(ended) == 2, ended
    assert (code, quiet(written)) == (0, True), written
    (row,) = fetch(warehouse, "select count(*) as n from analytics.fct_deal")
    assert row["n"] > 500
