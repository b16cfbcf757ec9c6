"""deploy/roles.sql on a real PostgreSQL: each role does its own work, and cannot do that of another."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import httpx
import psycopg
import pytest
from dagster import DagsterInstance
from dagster._core.instance.ref import InstanceRef

from b24_pipeline.sandbox import Sandbox
from b24_pipeline.store.database.dagster_schema import SCHEMA
from tests.acceptance.conftest import B24, KEY, call_b24, connect, environment
from tests.conftest import Server
from tests.support.installation import free_port
from tests.support.servers.live_service import live
from tests.support.servers.roles import LOADER, OWNER, SERVICE, as_role, give_roles
from tests.support.servers.serving import serve

AsRole = Callable[[str], B24]
STORAGE = {"custom": {"module": "b24_pipeline.defs.instance.storage", "class": "OurStorage", "config": {}}}
NOT_OF_THE_LOADER = (
    "alter table public.leads add column more text",
    "drop table public.bitrix24_deals",
    "create table public.more ()",
    "delete from public._yoyo_migration",
    "create role more",
)
NOT_OF_THE_SERVICE = (
    *NOT_OF_THE_LOADER,
    "delete from bitrix24_deals",
    "delete from bitrix24_contacts",
    "update bitrix24_status_history set source = source",
    "delete from bitrix24_status_history",
    "delete from bitrix24_coverage",
    "delete from reconciliation",
    "drop view analytics.fct_deal",
    "drop table analytics_build.int_journey",
    "create schema more",
    f"select count(*) from {SCHEMA}.runs",
)


@pytest.fixture
def asking(empty_database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsRole:
    """The command as one of the roles."""

    def of(role: str) -> B24:
        env = environment(
            DATABASE_URL=as_role(empty_database_url, role),
            B24_SECRET_KEYS=KEY,
            B24_ALLOWED_PORTALS="127.0.0.1",
        )
        return lambda *words, **_: call_b24(monkeypatch, tmp_path, env, words)

    return of


def refused(url: str, role: str, statements: tuple[str, ...]) -> list[str]:
    """What a role could do of these, each of which it should not."""
    done = []
    with psycopg.connect(as_role(url, role)) as connection:
        for statement in statements:
            try:
                connection.execute(statement.encode())
            except psycopg.errors.InsufficientPrivilege:
                pass
            else:
                done.append(statement)
            connection.rollback()
    return done


def worked(b24: B24, *commands: str) -> None:
    for words in commands:
        told = b24(*words.split())
        assert told.returncode == 0, (words, told.stderr)


def loads(b24: B24, sandbox: Sandbox) -> None:
    """All that the loader's day has."""
    worked(
        b24, "sync", "sync --full", "drain", "reconcile", "match", "models --full-refresh", "status", "doctor"
    )
    sandbox.change(5, seed=2)
    worked(b24, "sync", "backfill acme --from 2020-01-01 --to 2026-12-31")


def test_each_role_does_its_own_work_alone(
    server: Server,
    empty_database_url: str,
    asking: AsRole,
    sandbox: Sandbox,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """From an empty database: the file before the first migration, and after it; twice is harmless."""
    url = empty_database_url
    give_roles(url)
    loader = asking(LOADER)
    may_not_migrate(loader)
    worked(asking(OWNER), "migrate")
    for _ in range(2):
        give_roles(url)
    connect(loader, sandbox)
    loads(loader, sandbox)
    analyst = server.role("reader")
    worked(loader, f"analysts grant {analyst}", "analysts list")
    monkeypatch.setenv("DATABASE_URL", as_role(url, LOADER))
    monkeypatch.setenv("B24_SECRET_KEYS", KEY)
    ref = InstanceRef.from_dir(str(tmp_path), overrides={"storage": STORAGE})
    with DagsterInstance.from_ref(ref) as dagster:
        assert dagster.get_runs() == []
    monkeypatch.delenv("DATABASE_URL")
    monkeypatch.delenv("B24_SECRET_KEYS")
    port = free_port()
    env = environment(DATABASE_URL=as_role(url, SERVICE), B24_SECRET_KEYS=KEY)
    with serve(tmp_path, env, port):
        assert httpx.get(f"http://127.0.0.1:{port}/readyz", trust_env=False, timeout=60).status_code == 200
    with live(url, tmp_path) as service:  # its service has the role of one
        assert service.connect("globex").status_code == 200
        service.sandbox.change(3, seed=1, kinds=("stage",))
        service.sandbox.wait_for_events()
        assert {str(sent.status) for sent in service.sandbox.events_sent} == {"200"}
    worked(asking(OWNER), "migrate")
    worked(loader, "models")
    with psycopg.connect(as_role(url, analyst)) as reading:
        assert reading.execute("select count(*) > 0 from analytics.fct_deal").fetchone() == (True,)
    for role in (LOADER, SERVICE):
        worked(asking(role), "migrate")  # a unit that migrates as it starts finds nothing to do
    assert refused(url, LOADER, NOT_OF_THE_LOADER) == []
    assert refused(url, SERVICE, NOT_OF_THE_SERVICE) == []
    assert refused(url, analyst, ("select 1 from public.user_accounts", *NOT_OF_THE_SERVICE)) == []
    with psycopg.connect(url) as newer:  # as if this version had brought one more
        newer.execute(
            "delete from _yoyo_migration where migration_id = (select max(migration_id) from _yoyo_migration)"
        )
    for role in (LOADER, SERVICE):
        may_not_migrate(asking(role))


def may_not_migrate(role: B24) -> None:
    """It is told who may, in one line."""
    told = role("migrate")
    assert told.returncode == 1
    assert "run `b24 migrate` as its owner" in told.stderr
    assert "Traceback" not in told.stderr


@pytest.mark.slow
def test_an_installation_of_one_role_gets_roles(
    empty_database_url: str, asking: AsRole, sandbox: Sandbox
) -> None:
    """What the one role has made goes over to those whose work it is."""
    one = asking("postgres")
    worked(one, "migrate")
    connect(one, sandbox)
    worked(one, "sync")
    give_roles(empty_database_url)
    worked(asking(OWNER), "migrate")
    loads(asking(LOADER), sandbox)
    assert refused(empty_database_url, SERVICE, NOT_OF_THE_SERVICE[:-1]) == []


def test_every_table_is_given(server: Server, database_url: str) -> None:
    """The loader writes each; a table that is added has to be written into deploy/roles.sql, or left out here."""
    give_roles(database_url)
    only_read = {
        "analyst_roles", "bitrix24_contact_links", "bitrix24_coverage", "bitrix24_cursors",
        "bitrix24_custom_field_views", "bitrix24_loads",
        "bitrix24_model_rows", "bitrix24_model_sources", "bitrix24_own_model_failures", "bitrix24_purged_accounts",
        "bitrix24_status_history", "bitrix24_vanished", "reconciliation", "reconciliation_turns",
        "bitrix24_positions", "bitrix24_standing", "bitrix24_items",
    }  # fmt: skip
    with psycopg.connect(database_url) as connection:
        rows = connection.execute(
            "select relname, has_table_privilege(%s, oid, 'insert'), has_table_privilege(%s, oid, 'insert')"
            " from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'p', 'v')"
            r" and relname not like '\_yoyo%%' and relname not like 'yoyo%%'",
            [LOADER, SERVICE],
        ).fetchall()
    assert {name for name, by_loader, _ in rows if not by_loader} == set()
    assert {name for name, _, by_service in rows if not by_service} == only_read
