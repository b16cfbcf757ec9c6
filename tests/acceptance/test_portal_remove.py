"""`b24 portal remove --purge`: asked for twice, and then nothing of the portal is left, the marts included."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path

import psycopg

from b24_pipeline.sandbox import Sandbox, SandboxConfig
from tests.acceptance.conftest import B24, connect
from tests.acceptance.test_bad_input import USAGE, assert_refused
from tests.support.installation import raw

WITH_PORTALS = """
select table_schema, table_name
from information_schema.columns
where column_name = 'portal'
    and table_schema !~ '^(pg_|information_schema|dagster)'
    and table_name <> 'bitrix24_audit'
order by table_schema, table_name
"""


def holding(connection: psycopg.Connection, portal: str) -> list[str]:
    """The relations that have rows of this portal.

    Without the models between, some of which list what a build has touched, and the audit, which outlives a portal.
    """
    found = connection.execute(WITH_PORTALS).fetchall()
    relations = [f"{schema}.{name}" for schema, name in found if not name.startswith("int_")]
    assert len(relations) > 20
    asked = {name: f"select exists (select from {name} where portal = '{portal}')" for name in relations}
    rows = {name: connection.execute(query.encode()).fetchone() for name, query in asked.items()}
    return [name for name, row in rows.items() if row and row[0]]


def answer(cwd: Path, env: dict[str, str], given: bytes) -> int:
    """Runs the command on a terminal on which a person types this; its exit code."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "b24_pipeline", "portal", "remove", "acme", "--purge"]
    process = subprocess.Popen(command, cwd=cwd, env=env, stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    os.write(ours, given)
    code = process.wait(60)
    os.close(ours)
    return code


def test_a_purged_portal_is_gone_from_the_marts_too(
    b24_here: B24, b24_env: dict[str, str], tmp_path: Path, database_url: str
) -> None:
    """It goes once a person has said yes; the other portal keeps every row."""
    with (
        Sandbox(SandboxConfig(leads=30, deals=30)) as acme,
        Sandbox(SandboxConfig(leads=20, deals=20)) as other,
    ):
        connect(b24_here, acme)
        connect(b24_here, other, "other")
        assert b24_here("sync").returncode == 0
        with raw(database_url) as connection:
            assert holding(connection, "acme")
            kept = holding(connection, "other")
            assert_refused(b24_here("portal", "remove", "acme", "--purge"), USAGE, "acme", "--yes")
            assert answer(tmp_path, b24_env, b"n\n") == 1
            assert holding(connection, "acme")
            assert answer(tmp_path, b24_env, b"y\n") == 0
            assert holding(connection, "acme") == []
            assert holding(connection, "other") == kept
            assert b24_here("portal", "remove", "other", "--purge", "--yes").returncode == 0
            assert holding(connection, "other") == []


def test_a_removed_portal_that_is_not_purged_keeps_its_name(b24_here: B24, sandbox: Sandbox) -> None:
    """Its data would be doubled under another; who tries is told that it is disconnected, and both ways on."""
    connect(b24_here, sandbox)
    assert b24_here("portal", "remove", "acme").returncode == 0
    refused = b24_here("portal", "add", "other", "--webhook-url", sandbox.webhook_url)
    said = "belongs to acme, which is disconnected: add it as acme again, or `b24 portal remove acme --purge` first"
    assert_refused(refused, USAGE, said)
    connect(b24_here, sandbox)
