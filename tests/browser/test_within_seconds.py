"""As a new user tries it: connect in the browser, move a deal, and see it in every table within seconds."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from playwright.sync_api import Page, expect
from psycopg import sql

from b24_pipeline.sandbox import Sandbox, SandboxConfig
from b24_pipeline.store.database.vault import Vault
from tests.acceptance.conftest import KEY, environment, run_b24
from tests.support.installation import free_ports
from tests.support.servers.live_service import app_environment
from tests.support.servers.serving import serve
from tests.support.servers.web_service import CANARY
from tests.support.servers.web_service import KEY as ADMIN_KEY

ROOT = Path(__file__).parents[2]
START_SECONDS = 150
STOP_SECONDS = 20
PROMISED_SECONDS = 15

SEEN = {
    "bitrix24_deals": "select 1 from bitrix24_deals where id = %(deal)s and stage_id = %(stage)s",
    "bitrix24_status_history": "select 1 from bitrix24_status_history"
    " where bitrix24_deal_id = %(deal)s and to_status_id = %(stage)s and changed_at >= %(since)s",
    "funnel_stats": "select 1 from analytics.funnel_stats"
    " where entity_type = 'deal' and category_id = 0 and status_id = %(stage)s and in_stage = %(count)s",
}


Way = Callable[[Path, dict[str, str], int, int], AbstractContextManager[None]]
"""Starts Dagster and the service: a folder for logs, the environment, Dagster's port and the service's."""


@contextmanager
def up(cwd: Path, env: dict[str, str], port: int, web_port: int) -> Iterator[None]:
    """`b24 up`, ready; stopped as a supervisor stops it."""
    log = cwd / "up.log"
    command = [sys.executable, "-m", "b24_pipeline", "up", "--port", str(port), "--web-port", str(web_port)]
    with log.open("wb") as output:
        process = subprocess.Popen(command, cwd=cwd, env=env, stdout=output, stderr=output)
    try:
        wait_until(lambda: "HTTP interface: " in log.read_text() or process.poll(), START_SECONDS)
        assert process.poll() is None, log.read_text()
        yield
        process.send_signal(signal.SIGTERM)
        assert process.wait(STOP_SECONDS) == 0
    finally:
        process.kill()
        process.wait()


@contextmanager
def dev(cwd: Path, env: dict[str, str], port: int, web_port: int) -> Iterator[None]:
    """`dagster dev` as data engineers start it, with `b24 serve` beside it."""
    dagster = str(Path(sys.executable).parent / "dagster")
    command = [dagster, "dev", "-w", "workspace.yaml", "-p", str(port)]
    with (cwd / "dagster.log").open("wb") as output, serve(cwd, env, web_port):
        process = subprocess.Popen(
            command, cwd=ROOT, env=env, stdout=output, stderr=output, start_new_session=True
        )
        try:
            wait_until(lambda: _listens(port) or process.poll(), START_SECONDS)
            assert process.poll() is None, (cwd / "dagster.log").read_text()
            yield
            process.send_signal(signal.SIGINT)
            process.wait(STOP_SECONDS * 3)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _listens(port: int) -> bool:
    with suppress(httpx.HTTPError):
        return httpx.get(f"http://127.0.0.1:{port}/server_info", trust_env=False).status_code == 200
    return False


def wait_until(met: Callable[[], Any], most_seconds: float) -> float:
    """How long it took."""
    started = time.monotonic()
    while not met():
        assert time.monotonic() - started < most_seconds, "it did not come in time"
        time.sleep(0.2)
    return time.monotonic() - started


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("way", [up, dev])
def test_a_move_is_seen_in_every_table_within_seconds(
    page: Page, database_url: str, tmp_path: Path, way: Way
) -> None:
    """By the sensor: the deal, its move and the funnel follow within 15 s; and no secret is in Dagster's tables."""
    port, web_port = free_ports(2)
    back = f"http://127.0.0.1:{web_port}/bitrix24/callback"
    config = SandboxConfig(leads=50, deals=80, redirect_uri=back, client_secret=CANARY)
    with Sandbox(config) as sandbox:
        env = environment(DATABASE_URL=database_url, B24_SECRET_KEYS=KEY, B24_HOME=str(tmp_path / "home"))
        env |= app_environment(sandbox, web_port) | {"BITRIX24_CLIENT_SECRET": CANARY}
        with way(tmp_path, env, port, web_port):
            page.goto(f"http://127.0.0.1:{web_port}/bitrix24/connect")
            page.get_by_label("Адрес портала").fill(sandbox.url)
            page.get_by_label("Название").fill("acme")
            page.get_by_label("Ключ управления").fill(ADMIN_KEY)
            page.get_by_role("button", name="Подключить").click()
            page.locator("#allow").click()
            expect(page.get_by_role("heading", level=1)).to_have_text("Портал подключён")
            synced = run_b24("sync", "acme", cwd=tmp_path, env=env)
            assert synced.returncode == 0, synced.stderr
            took = move_and_wait(sandbox, database_url)
            assert told_to_dagster(database_url, [CANARY, KEY, *tokens(database_url)]) == []
    assert sum(took.values()) < PROMISED_SECONDS, took


def tokens(database_url: str) -> list[str]:
    """What the portal has given us, in clear."""
    columns = ("bitrix24_access_token", "bitrix24_refresh_token", "bitrix24_application_token")
    with psycopg.connect(database_url) as connection:
        found = connection.execute(f"select id, {', '.join(columns)} from user_accounts").fetchall()
    opened = [
        Vault(KEY).open(account, column, locked)
        for account, *row in found
        for column, locked in zip(columns, row, strict=True)
    ]
    assert len(opened) == len(columns)
    return opened


def told_to_dagster(database_url: str, secrets: list[str]) -> list[str]:
    """Dagster's tables that hold one of the secrets: events of runs, ticks, runs, and all others."""
    with psycopg.connect(database_url) as connection:
        tables = connection.execute("select tablename from pg_tables where schemaname = 'dagster'").fetchall()
        assert ("event_logs",) in tables
        asked = sql.SQL("select exists (select from dagster.{0} as kept where kept::text like any(%s))")
        patterns = [f"%{secret}%" for secret in secrets]
        found = {
            name: connection.execute(asked.format(sql.Identifier(name)), (patterns,)).fetchone()
            for (name,) in tables
        }
    return [name for name, held in found.items() if held != (False,)]


def move_and_wait(sandbox: Sandbox, database_url: str) -> dict[str, float]:
    """Moves a deal of the first pipeline; the seconds until each table has it, one after the other."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        deal, stage, count, since = _choose(connection)
        sandbox.move("deal", deal, stage)
        asked = {"deal": deal, "stage": stage, "count": count, "since": since}
        return {
            table: wait_until(partial(_seen, connection, statement, asked), PROMISED_SECONDS * 4)
            for table, statement in SEEN.items()
        }


def _choose(connection: psycopg.Connection) -> tuple[Any, ...]:
    """A deal, a stage that it is not in, and how many will be there afterwards."""
    found = connection.execute(
        """
        select d.id, f.status_id, f.in_stage + 1, now() - interval '1 minute'
        from bitrix24_deals as d
        join analytics.funnel_stats as f
            on f.entity_type = 'deal' and f.category_id = d.category_id and f.status_id <> d.stage_id
        where d.category_id = 0 and f.semantics = 'process' and d.deleted_at is null
        order by d.id, f.status_id
        limit 1
        """
    ).fetchone()
    assert found is not None
    return found


def _seen(connection: psycopg.Connection, statement: Any, asked: dict[str, Any]) -> bool:
    return connection.execute(statement, asked).fetchone() is not None
