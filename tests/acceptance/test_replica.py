"""A streaming replica: what reads works there, and what writes says that it cannot."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pandas as pd
import psycopg
import pytest

from b24_pipeline import read
from b24_pipeline.sandbox import Sandbox
from b24_pipeline.store.database.connecting.url import read_url
from tests.acceptance.conftest import B24, connect
from tests.conftest import Server
from tests.support.installation import free_port
from tests.support.servers.postgres import (
    EMBEDDED,
    TcpServer,
    ordinary_user,
    own_folder,
    run_as,
    running,
)

CATCH_UP_SECONDS = 60


@pytest.fixture(scope="module")
def replica(server: Server) -> Iterator[TcpServer]:
    """It follows the server of the tests."""
    primary = read_url(server.url).resolved
    with own_folder("b24replica") as folder:
        copied = ("-h", primary["host"], "-p", primary["port"], "-U", "postgres", "-D", folder / "data")
        run_as_server = (EMBEDDED / "pg_basebackup", *copied, "-X", "stream", "-c", "fast", "-R", "--no-sync")
        run_as(ordinary_user(), folder, *run_as_server)
        with running(EMBEDDED, folder, free_port()) as standby:
            yield standby


@pytest.fixture
def replica_url(
    server: Server, replica: TcpServer, database_url: str, b24_here: B24, sandbox: Sandbox
) -> str:
    """An installation that was synced, as the replica has it."""
    connect(b24_here, sandbox)
    assert b24_here("sync").returncode == 0
    url = replica.url(read_url(database_url).database)
    with psycopg.connect(server.url) as primary:
        written = primary.execute("select pg_current_wal_lsn()::text").fetchone()
    until = time.monotonic() + CATCH_UP_SECONDS
    with psycopg.connect(replica.url(), autocommit=True) as standby:
        while standby.execute("select pg_last_wal_replay_lsn() >= %s::pg_lsn", written).fetchone() != (True,):
            assert time.monotonic() < until
            time.sleep(0.1)
    return url


WRITES = ("sync", "migrate", "models", "drain", "reconcile", "portal pause acme", "access add Ann --role viewer",
          "serve --port 0", "up --port 0 --web-port 1")  # fmt: skip


def frames(url: str) -> list[pd.DataFrame]:
    """Marts, and the functions that count by themselves."""
    return [
        read.marts(url=url),
        read.funnel(portal="acme", url=url),
        read.deals(portal="acme", url=url).sort_values("entity_id", ignore_index=True),
        read.funnel_of("acme", "deal", url=url),
        read.people_of("acme", "deal", url=url),
        read.funnel_as_of("acme", "deal", "2026-01-20", url=url),
    ]


def test_a_replica_reads_and_does_not_write(replica_url: str, database_url: str, b24_here: B24) -> None:
    """The same figures as on the primary, by commands and as frames; of what writes one line with the reason."""
    there = {"DATABASE_URL": replica_url}
    for looking in ("funnel acme", "export fct_deal acme", "portal list", "analysts list"):
        told = b24_here(*looking.split(), env=there)
        assert (told.returncode, told.stdout) == (0, b24_here(*looking.split()).stdout), (
            looking,
            told.stderr,
        )
    assert b24_here("status", env=there).returncode == 0
    for found, expected in zip(frames(replica_url), frames(database_url), strict=True):
        pd.testing.assert_frame_equal(found, expected)
    for words in WRITES:
        told = b24_here(*words.split(), env=there)
        line = told.stderr.strip().splitlines()[-1]
        assert told.returncode == 1, (words, told.stderr)
        assert "this database is read-only: 127.0.0.1:" in line, words
        assert "is a standby" in line
        assert "Traceback" not in told.stderr
    told = b24_here("doctor", env=there)
    assert told.returncode == 1
    assert "read-only" in told.stdout


def test_a_role_that_may_only_read_is_told_so(database_url: str, b24_here: B24, sandbox: Sandbox) -> None:
    """Its transactions are read-only on the primary, too."""
    connect(b24_here, sandbox)
    url = f"{database_url}&options=-c%20default_transaction_read_only%3Don"
    told = b24_here("portal", "pause", "acme", env={"DATABASE_URL": url})
    assert told.returncode == 1
    assert "this database is read-only: " in told.stderr
    assert "default_transaction_read_only" in told.stderr
