"""As a new user tries it: connect in the browser, move a deal, and see it in every table within seconds."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
import pytest
from playwright.sync_api import Page, expect

from b24_pipeline.sandbox import Sandbox, SandboxConfig
from tests.acceptance.conftest import KEY, environment, run_b24
from tests.installation import free_port
from tests.live_service import app_environment

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


@contextmanager
def up(cwd: Path, env: dict[str, str], port: int, web_port: int) -> Iterator[None]:
    """`b24 up`, ready; stopped as a supervisor stops it."""
    log = cwd / "up.log"
    command = [sys.executable, "-m", "b24_pipeline", "up", "--port", str(port), "--web-port", str(web_port)]
    with log.open("wb") as output:
        process = subprocess.Popen(command, cwd=cwd, env=env, stdout=output, stderr=output)
    try:
        wait_until(lambda: "/bitrix24/connect" in log.read_text() or process.poll(), START_SECONDS)
        assert process.poll() is None, log.read_text()
        yield
        process.send_signal(signal.SIGTERM)
        assert process.wait(STOP_SECONDS) == 0
    finally:
        process.kill()
        process.wait()


def wait_until(met: Callable[[], Any], most_seconds: float) -> float:
    """How long it took."""
    started = time.monotonic()
    while not met():
        assert time.monotonic() - started < most_seconds, "it did not come in time"
        time.sleep(0.2)
    return time.monotonic() - started


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_move_is_seen_in_every_table_within_seconds(page: Page, database_url: str, tmp_path: Path) -> None:
    """By the sensor: the deal, its move and the funnel follow within 15 s of the change in the portal."""
    port, web_port = free_port(), free_port()
    back = f"http://127.0.0.1:{web_port}/bitrix24/callback"
    with Sandbox(SandboxConfig(leads=50, deals=80, redirect_uri=back)) as sandbox:
        env = environment(DATABASE_URL=database_url, B24_SECRET_KEYS=KEY, B24_HOME=str(tmp_path / "home"))
        env |= app_environment(sandbox, web_port)
        with up(tmp_path, env, port, web_port):
            page.goto(f"http://127.0.0.1:{web_port}/bitrix24/connect")
            page.get_by_label("Адрес портала").fill(sandbox.url)
            page.get_by_label("Название").fill("acme")
            page.get_by_role("button", name="Подключить").click()
            page.locator("#allow").click()
            expect(page.get_by_role("heading", level=1)).to_have_text("Портал подключён")
            synced = run_b24("sync", "acme", cwd=tmp_path, env=env)
            assert synced.returncode == 0, synced.stderr
            took = move_and_wait(sandbox, database_url)
    assert sum(took.values()) < PROMISED_SECONDS, took


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
