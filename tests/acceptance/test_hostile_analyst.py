"""An analyst's role that wants to stop the product, by locks and connections."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import psycopg
import pytest
from sqlalchemy.engine import make_url

from b24_pipeline.store.marts.analysts import MOST_CONNECTIONS
from tests.acceptance.test_analysts import Installed, installed_on
from tests.conftest import Server

KNOWN_NAMES = """
    select pg_advisory_lock(hashtextextended(name, seed)) from (
        select unnest(array['migrations', 'dagster storage', 'up', 'b24 relations', 'b24 models of analytics'])
        union all
        select unnest(array[
            %(account)s || ' pipelines', %(account)s || ' user', %(account)s || ' lead', %(account)s || ' deal',
            %(account)s || ' contact', %(account)s || ' company', %(account)s || ' status_history',
            %(account)s || ' offline events', 'portal ' || %(account)s, 'drain ' || %(account)s,
            'matches ' || %(account)s, 'b24 custom fields of ' || %(account)s, 'custom fields ' || %(account)s
        ])
    ) as names (name), unnest(array[0, 24]) as seed
"""
SEEN = """
    select pg_try_advisory_lock(classid::bigint << 32 | objid::bigint) from pg_locks
    where locktype = 'advisory'
"""


@pytest.fixture
def installed(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Installed]:
    """A small portal, synced."""
    with installed_on(server, tmp_path, monkeypatch) as everything:
        yield everything


def test_all_locks_and_connections_of_a_role_stop_nothing(installed: Installed) -> None:
    """It takes every lock whose key it can compute and all the connections it gets; everything goes on."""
    role = installed.server.role("ann")
    installed.done("analysts", "grant", role)
    ((account,),) = installed.admin("select id::text from user_accounts")
    url = make_url(installed.url).set(username=role).render_as_string(hide_password=False)
    with ExitStack() as stack:
        sessions = [
            stack.enter_context(psycopg.connect(url, autocommit=True)) for _ in range(MOST_CONNECTIONS)
        ]
        with pytest.raises(psycopg.OperationalError, match="too many connections"):
            psycopg.connect(url)
        sessions[0].execute(KNOWN_NAMES.encode(), {"account": account})
        for work in (
            ("sync", "acme"),
            ("drain",),
            ("match", "acme"),
            ("models", "--full-refresh"),
            ("migrate",),
        ):
            installed.done(*work)
            sessions[1].execute(SEEN.encode())


def test_what_a_role_may_not_do_is_enforced(installed: Installed) -> None:
    """Temporary tables are refused by the database; the timeouts are defaults of its sessions."""
    role = installed.server.role("ann")
    installed.done("analysts", "grant", role)
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        installed.read(role, "set transaction read write; create temporary table mine (id int)")
    assert installed.read(role, "show idle_session_timeout") == [("1h",)]
    assert installed.read(role, "show statement_timeout") == [("5min",)]


def test_an_administrator_is_told_what_to_refuse(installed: Installed) -> None:
    """Where our own role may not refuse large objects, the statement that does is printed."""
    ours = installed.server.role("ours")
    role = f"{ours}_ann"
    installed.admin(f"alter role {ours} createrole; grant postgres to {ours}")
    url = make_url(installed.url).set(username=ours).render_as_string(hide_password=False)
    printed = installed.b24("analysts", "grant", role, "--create-login", env={"DATABASE_URL": url})
    assert printed.returncode == 0, printed.stderr
    (statement,) = [line for line in printed.stdout.splitlines() if line.startswith("revoke execute")]
    made = "set default_transaction_read_only = off; commit; select lo_create(0)"
    with pytest.raises(psycopg.ProgrammingError, match="command status: SET"):  # nothing is refused yet
        installed.read(role, made)
    installed.admin(statement)
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        installed.read(role, made)


def test_doctor_names_a_role_without_limits(installed: Installed) -> None:
    """A role of an earlier version is named until the grant is run again; a smaller limit than ours stays."""
    role = installed.server.role("old")
    installed.done("analysts", "grant", role)
    installed.admin(f"alter role {role} connection limit -1")
    assert f"the analysts' role {role} lacks its limits" in _told(installed)
    installed.done("analysts", "grant", role)
    assert role not in _told(installed)
    installed.admin(
        f"alter role {role} in database {make_url(installed.url).database} reset statement_timeout"
    )
    assert role in _told(installed)
    installed.admin(f"alter role {role} connection limit 3")
    installed.done("analysts", "grant", role)
    assert installed.admin(f"select rolconnlimit from pg_roles where rolname = '{role}'") == [(3,)]
    assert role not in _told(installed)


def _told(installed: Installed) -> str:
    found = installed.b24("doctor", "--json")
    assert found.stdout, found.stderr
    return str(found.stdout)
