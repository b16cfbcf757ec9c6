"""Roles of analysts, by really connecting as them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache, partial
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql
from sqlalchemy.engine import make_url

from b24_pipeline.models import load_project
from b24_pipeline.sandbox import Sandbox, SandboxConfig
from tests.acceptance.conftest import B24, KEY, call_b24, connect, environment
from tests.conftest import Server


class Installed:
    """A synced portal on a server, and roles to read it."""

    def __init__(self, b24: B24, url: str, server: Server) -> None:
        self.b24, self.url, self.server = b24, url, server

    def done(self, *arguments: str) -> str:
        result = self.b24(*arguments)
        assert result.returncode == 0, result.stderr
        return result.stdout

    def admin(self, statement: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.url) as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    def read(self, role: str, statement: str) -> list[tuple[Any, ...]]:
        url = make_url(self.url).set(username=role).render_as_string(hide_password=False)
        with psycopg.connect(url) as connection:
            return connection.execute(statement.encode()).fetchall()


@pytest.fixture
def installed(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Installed]:
    """A small portal, synced."""
    with installed_on(server, tmp_path, monkeypatch) as everything:
        yield everything


@pytest.fixture(params=["server", "oldest_server"])
def on_each(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Installed | None]:
    """The same on each server; None where PostgreSQL 15 is not installed."""
    server: Server | None = request.getfixturevalue(request.param)
    if server is None:
        yield None
        return
    with installed_on(server, tmp_path, monkeypatch) as everything:
        yield everything


@cache
def small_portal() -> Sandbox:
    """Served as long as the databases that were synced from it are copied: until the tests end."""
    return Sandbox(SandboxConfig(leads=80, deals=80, smart_types=1, smart_items=20)).start()


@contextmanager
def installed_on(server: Server, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Installed]:
    """A small portal, synced into a database of this server."""

    def b24(url: str, *arguments: str, env: Mapping[str, str] | None = None) -> Any:
        ours = environment(DATABASE_URL=url, B24_SECRET_KEYS=KEY, B24_ALLOWED_PORTALS="127.0.0.1")
        return call_b24(monkeypatch, folder, ours | dict(env or {}), arguments)

    def prepare(url: str) -> None:
        connect(partial(b24, url), small_portal())
        assert b24(url, "sync", "acme").returncode == 0

    url = server.prepared("analysts", prepare)
    yield Installed(partial(b24, url), url, server)
    server.drop(url)


MARTS = {model.name for model in load_project().models.values() if model.is_mart}
OURS = """
    select relnamespace::regnamespace::text, relname from pg_class
    where relkind in ('r', 'v', 'm') and relnamespace::regnamespace::text !~ '^(pg_|information_schema)'
"""


def test_an_analyst_reads_the_marts_and_nothing_else(on_each: Installed | None) -> None:
    """Every mart can be read, nothing of the raw tables or the models below, and nothing written."""
    if on_each is None:
        return
    installed = on_each
    role = installed.server.role("ann")
    installed.done("analysts", "grant", role)
    assert {"funnel_stats", "dim_contact", "dim_lead", "dim_portal", "fct_deal"} <= MARTS
    for schema, name in installed.admin(OURS):
        query = sql.SQL("select * from {} limit 1").format(sql.Identifier(schema, name)).as_string(None)
        if schema == "analytics" and name in MARTS:
            installed.read(role, query)
            continue
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            installed.read(role, query)
    for forbidden in (
        "select phone from leads",
        "select phones from analytics_build.stg_leads",
        "select bitrix24_refresh_token from user_accounts",
        "delete from analytics.funnel_stats returning 1",
        "create table public.mine as select 1",
    ):
        with pytest.raises((psycopg.errors.InsufficientPrivilege, psycopg.errors.ReadOnlySqlTransaction)):
            installed.read(role, forbidden)
    assert installed.read(role, "show statement_timeout") == [("5min",)]


def test_contacts_and_leads_are_masked(installed: Installed) -> None:
    """No phone or e-mail of the CRM is in any mart; the masks tell country and domain."""
    role = installed.server.role("ann")
    installed.done("analysts", "grant", role)
    assert installed.read(role, "select count(*) > 20, bool_and(phone_masked ~ '\\*{3}') from analytics.dim_contact"
                                " where phone_count > 0") == [(True, True)]  # fmt: skip
    assert installed.read(role, "select count(*) > 20, bool_and(email_masked ~ '^.?\\*{3}@?') from analytics.dim_lead"
                                " where email_count > 0") == [(True, True)]  # fmt: skip
    secrets = installed.admin(
        "select distinct one ->> 'VALUE' from (select phones as list from bitrix24_contacts union all select emails"
        " from bitrix24_contacts union all select phones from bitrix24_leads union all select emails"
        " from bitrix24_leads) as lists cross join jsonb_array_elements(list) as one"
        " where length(one ->> 'VALUE') > 6"
    )
    assert len(secrets) > 100
    for mart in MARTS:
        text = "\n".join(row for (row,) in installed.read(role, f"select t::text from analytics.{mart} as t"))
        assert [one for (one,) in secrets if one in text] == [], mart


def test_rights_follow_the_models(on_each: Installed | None) -> None:
    """A mart that was made anew, with other columns or from nothing, is readable as before; a staging model never."""
    if on_each is None:
        return
    installed = on_each
    role = installed.server.role("ann")
    installed.done("analysts", "grant", role)
    installed.admin("drop table analytics.funnel_daily cascade; drop view analytics.dim_contact")
    installed.admin("alter table analytics.funnel_stats add column more int")
    installed.admin("drop view analytics_build.stg_contacts cascade")
    installed.done("models", "--full-refresh")
    for name in ("funnel_daily", "funnel_stats", "dim_contact"):
        assert installed.read(role, f"select count(*) > 0 from analytics.{name}") == [(True,)]
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        installed.read(role, "select * from analytics_build.stg_contacts")


def test_custom_fields_are_read_when_asked_for(installed: Installed) -> None:
    """They may hold personal data: none without --custom-fields, and with it also the columns that come later."""
    role = installed.server.role("ann")
    installed.done("analysts", "grant", role)
    query = "select count(*) > 0 from analytics_acme.deal_custom_fields"
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        installed.read(role, query)
    assert "whatever is in them" in installed.done("analysts", "grant", role, "--custom-fields", "acme")
    assert installed.read(role, query) == [(True,)]
    assert re.search(rf"{role} .* acme", installed.done("analysts", "list"))
    installed.admin(
        "update bitrix24_fields set field_type = 'double', loaded_at = now() where field_type = 'integer'"
    )
    installed.admin("drop view analytics_acme.lead_custom_fields")
    installed.done("sync", "acme", "--no-models")
    assert installed.read(role, query) == [(True,)]
    assert installed.read(role, query.replace("deal_", "lead_")) == [(True,)]


def test_what_was_granted_can_be_taken_back(on_each: Installed | None) -> None:
    """After it the role reads nothing, what is built later included."""
    if on_each is None:
        return
    installed = on_each
    role = installed.server.role("ann")
    installed.done("analysts", "grant", role, "--custom-fields", "acme")
    installed.done("analysts", "revoke", role)
    installed.admin("drop view analytics.dim_contact")
    installed.done("models")
    for name in ("analytics.funnel_stats", "analytics.dim_contact", "analytics_acme.deal_custom_fields"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            installed.read(role, f"select * from {name}")
    again = installed.b24("analysts", "revoke", role)
    assert (again.returncode, again.stderr.count("\n")) == (2, 1)
    assert installed.read(role, "show statement_timeout") == [("0",)]


def test_what_remains_after_a_revoke_is_named(installed: Installed) -> None:
    """Rights that somebody gave by hand, such as those on models of one's own, are not said to be gone."""
    role = installed.server.role("ann")
    installed.done("analysts", "grant", role)
    installed.admin(f"create schema own_models; grant usage on schema own_models to {role}")
    installed.admin("create table own_models.mine (id int); create table own_models.other (id int)")
    installed.admin(f"grant select on own_models.mine to {role}")
    told = installed.b24("analysts", "revoke", role)
    assert (told.returncode, told.stdout) == (0, f"{role} reads no mart any more\n")
    assert f"{role} can still read own_models.mine, which" in told.stderr
    installed.done("analysts", "grant", role)
    installed.admin(f"revoke all on own_models.mine from {role}")
    assert installed.done("analysts", "revoke", role) == f"{role} reads nothing in this database any more\n"


LARGE_OBJECTS = (
    "lo_creat(-1)",
    "lo_create(0)",
    "lo_from_bytea(0, 'kept')",
    "lo_import('/etc/hostname')",
    "lo_import('/etc/hostname', 7)",
    "lo_put(7, 0, 'kept')",
    "lowrite(lo_open(7, 131072), 'kept')",
    "lo_truncate(lo_open(7, 131072), 0)",
    "lo_truncate64(lo_open(7, 131072), 0)",
    "lo_unlink(7)",
)


def test_a_role_stores_no_large_objects(on_each: Installed | None) -> None:
    """They would stay, however often the role is revoked, and it could not be dropped."""
    if on_each is None:
        return
    installed = on_each
    role = installed.server.role("ann")
    installed.done("analysts", "grant", role)
    for call in LARGE_OBJECTS:
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="permission denied for function"):
            installed.read(role, f"set default_transaction_read_only = off; commit; select {call}")
    ((reads_files,),) = installed.admin(
        "select has_function_privilege('pg_database_owner', 'lo_import(text)', 'execute')"
    )
    assert not reads_files
    installed.done("analysts", "revoke", role)
    installed.admin(f"drop role {role}")


def test_a_role_can_be_made_with_a_password_that_is_shown_once(installed: Installed) -> None:
    """The URL that is printed logs in; the password itself is not what the server was told."""
    role = f"{installed.server.role('bi')}_made"
    url = installed.done("analysts", "grant", role, "--create-login").split()[0]
    password = make_url(url).password
    assert password
    with psycopg.connect(url) as connection:
        assert connection.execute("select count(*) > 0 from analytics.funnel_stats").fetchone() == (True,)
    ((kept,),) = installed.admin(f"select rolpassword from pg_authid where rolname = '{role}'")
    assert kept.startswith("SCRAM-SHA-256$")
    again = installed.b24("analysts", "grant", role, "--create-login")
    assert (again.returncode, "is there already" in again.stderr) == (2, True)


@pytest.mark.parametrize(
    "made",
    [
        "alter role {role} superuser",
        "grant pg_read_all_data to {role}",
        "grant select (bitrix24_domain) on user_accounts to {role}",
    ],
)
def test_a_role_that_reads_more_is_refused(installed: Installed, made: str) -> None:
    """Whoever could read tokens or phones is not called an analyst, and gets nothing."""
    role = installed.server.role("boss")
    installed.admin(made.format(role=role))
    refused = installed.b24("analysts", "grant", role)
    assert (refused.returncode, "can read public." in refused.stderr) == (2, True)
    assert role not in installed.done("analysts", "list")


def test_rights_on_the_whole_schema_are_narrowed(installed: Installed) -> None:
    """A role that was given all of the schema, as it was usual, reads the marts afterwards and no staging model."""
    role = installed.server.role("old")
    installed.admin(f"grant usage on schema analytics to {role}")
    installed.admin(f"grant select on all tables in schema analytics to {role}")
    installed.admin(f"alter default privileges in schema analytics grant select on tables to {role}")
    # the models below stood there, too, and took the rights along
    installed.admin(f"grant usage on schema analytics_build to {role}")
    installed.admin(f"grant select on all tables in schema analytics_build to {role}")
    installed.done("analysts", "grant", role)
    installed.admin("drop view analytics_build.stg_contacts cascade")
    installed.done("models")
    for name in ("stg_contacts", "stg_leads"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            installed.read(role, f"select * from analytics_build.{name}")
    installed.read(role, "select * from analytics.fct_lead")


def test_a_role_that_is_not_there_is_told(installed: Installed) -> None:
    """In one line, with what to do."""
    told = installed.b24("analysts", "grant", "nobody")
    assert (told.returncode, told.stderr.count("\n")) == (2, 1)
    assert "b24 analysts grant nobody --create-login" in told.stderr
