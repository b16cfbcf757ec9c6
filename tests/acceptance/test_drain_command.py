"""`b24 drain` as a user runs it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import psycopg

from b24_pipeline.bitrix.events.inbound import parse_event
from b24_pipeline.sandbox import Sandbox, SandboxConfig
from b24_pipeline.store.database.warehouse import Warehouse
from b24_pipeline.store.events.landing import Landing
from tests.acceptance.conftest import B24, connect
from tests.support.data.events import body
from tests.support.expected.funnel import assert_copy_is_true
from tests.support.expected.tables import rows


def land(url: str, *events: tuple[str, int]) -> None:
    """These events have come from the portal acme."""
    warehouse = Warehouse(url)
    with warehouse.connect() as connection:
        found = connection.execute("select id from user_accounts where name = 'acme'").fetchone()
    assert found
    Landing(warehouse).land([(found[0], parse_event(body(*event))) for event in events])
    warehouse.close()


def test_drain_and_replay(b24_here: B24, database_url: str) -> None:
    """One pass and the models; nothing more is due; a replay does it again, also after data were lost."""
    with Sandbox(SandboxConfig(leads=30, deals=30, history_survives_delete=True)) as sandbox:
        added = b24_here("portal", "add", "acme", "--webhook-url", sandbox.webhook_url)
        assert added.returncode == 0, added.stderr
        assert b24_here("sync").returncode == 0
        number = int(sandbox.truth.entities("deal")["ID"].iloc[0])
        sandbox.move("deal", number, "LOSE", 0)
        land(database_url, *[("ONCRMDEALUPDATE", number)] * 3)
        done = b24_here("drain")
        assert done.returncode == 0, done.stderr
        assert "deal" in done.stdout
        assert_copy_is_true(database_url, sandbox, "acme")
        assert b24_here("drain").stdout.strip() == "no event is due"
        with psycopg.connect(database_url) as connection:
            connection.execute("update bitrix24_deals set title = 'lost' where id = %s", (number,))
        since = (datetime.now(UTC) - timedelta(hours=1)).isoformat()
        again = b24_here("drain", "acme", "--replay", "--since", since)
        assert again.returncode == 0, again.stderr
        assert "3 events are drained again" in again.stderr
        assert_copy_is_true(database_url, sandbox, "acme")
    assert rows(database_url, "select distinct status from bitrix24_webhook_events") == [{"status": "done"}]


def test_commands_leave_a_paused_portal_out(b24_here: B24, database_url: str) -> None:
    """One line says so; nothing is asked of it and its events wait; resumed, all of it is read."""
    with Sandbox(SandboxConfig(leads=3, deals=3)) as sandbox:
        connect(b24_here, sandbox)
        assert b24_here("portal", "pause", "acme").returncode == 0
        asked = len(sandbox.requests)
        land(database_url, ("ONCRMDEALUPDATE", 1))
        line = "acme: a person has paused it; `b24 portal resume acme` lets it go on"
        for command in (("sync",), ("sync", "acme"), ("reconcile", "acme"), ("match",)):
            refused = b24_here(*command)
            assert refused.returncode == 2, command
            assert refused.stderr.splitlines()[0] == line
            assert "doctor" not in refused.stderr  # to which all is well
        drained = b24_here("drain")
        assert (drained.returncode, drained.stderr.strip()) == (0, line)
        status = b24_here("status")
        assert line in status.stderr
        assert "paused" in status.stdout
        assert b24_here("doctor").stdout.strip() == "all is well"
        assert len(sandbox.requests) == asked
        assert b24_here("portal", "resume", "acme").returncode == 0
        assert b24_here("sync", "--no-models").returncode == 0
        assert b24_here("drain", "--no-models").returncode == 0
    assert rows(database_url, "select distinct status from bitrix24_webhook_events") == [{"status": "done"}]


def test_wrong_use_of_drain(b24_here: B24) -> None:
    """Exit 2, one line, and what to do."""
    for arguments in (("--replay",), ("--since", "2026-01-01"), ("nobody",)):
        refused = b24_here("drain", *arguments)
        assert (refused.returncode, refused.stdout) == (2, "")
        assert len(refused.stderr.strip().splitlines()) == 1
