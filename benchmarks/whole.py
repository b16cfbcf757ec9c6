"""One portal from its first load to one event, by the commands and `b24 up`, and a table of it at the end.

The portal is a sandbox in a process of its own, without latency and limits: what is measured is our side and the
database. `B24_BENCH_DEALS` says how many deals it has; each has about four moves. The promises are for 300,000.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg

from b24_pipeline.models import build, load_project
from b24_pipeline.store.database.warehouse import Warehouse
from benchmarks.setting import Portal, b24, connect, database, environment, measured, median, portal

DEALS = int(os.environ.get("B24_BENCH_DEALS", "300000"))
CHANGES = tuple(changes for changes in (1, 1_000, 100_000) if changes * 3 <= DEALS)
KINDS = ("stage", "stage", "stage", "edit")
EVENT_SECONDS, START_SECONDS, STOP_SECONDS = 120, 120, 60
SETTLE_SECONDS = 3  # so that a measured sync does not read again what the one before it read
ALONE_SECONDS = 5  # one right after another waits until the figures of that one are three seconds old
TOKEN = "benchmark-application-token"

_FIGURES = (
    "select md5(string_agg(stats::text, ',' order by stats::text)) from analytics.funnel_stats as stats"
)
_LOADED = """
select (select count(*) from bitrix24_deals), (select count(*) from bitrix24_status_history)
"""
_PARTS = """
select entity_type, extract(epoch from finished_at - started_at)::float, rows_read
from bitrix24_sync_log where rows_read > 1000 order by started_at
"""
_ELSEWHERE = """
select deal.id, stage.status_id
from bitrix24_deals as deal
join bitrix24_pipeline_stages as stage
    on stage.user_account_id = deal.user_account_id
    and stage.entity_type = 'deal'
    and stage.category_id = deal.category_id
    and stage.status_id <> deal.stage_id
order by deal.id desc, stage.status_sort
limit 1
"""


@dataclass
class Table:
    """What was measured, a line each, with the promise where there is one."""

    lines: list[tuple[str, float, float | None]] = field(default_factory=list)

    def add(self, what: str, found: float, promised: float | None = None) -> None:
        """Kept for the table, and told at once."""
        self.lines.append((what, found, promised))
        print(f"    {what}: {found:,.2f}", flush=True)

    def show(self) -> None:
        """The ratio is of the promise: below 1 it is kept."""
        print(f"\n| {DEALS:,} deals | measured | promised | ratio |\n| --- | ---: | ---: | ---: |")
        for what, found, promised in self.lines:
            told = ("", "") if promised is None else (f"{promised:,.0f}", f"{found / promised:.2f}")
            print(f"| {what} | {found:,.2f} | {told[0]} | {told[1]} |", flush=True)


def run(rounds: int) -> None:
    """Once the first load and the models, as often as there are rounds what comes after them."""
    table = Table()
    with portal(deals=DEALS) as source, database() as url:
        settings = environment(url, B24_RATE_LIMIT="1000/second burst 1000", B24_LAG_SECONDS="1")
        connect(source, settings)
        _first_load(url, settings, table)
        warehouse = Warehouse(url)
        _after_changes(source, settings, warehouse, rounds, table)
        warehouse.close()
        _events(source, url, settings, rounds, table)
    table.show()


def _first_load(url: str, settings: Mapping[str, str], table: Table) -> None:
    done = measured(b24("sync", "bench", "--no-models"), settings)
    with psycopg.connect(url) as connection:
        deals, moves = connection.execute(_LOADED).fetchone() or (0, 0)
        parts = connection.execute(_PARTS).fetchall()
    print(f"    {deals:,} deals, {moves:,} moves", flush=True)
    table.add("full sync, s", done.seconds)
    table.add("full sync, peak MiB", done.peak_mib)
    for name, seconds, rows in parts:
        table.add(f"of it {name}, s", seconds, 25 if name == "deal" else None)
        table.add(f"of it {name}, rows/s", rows / seconds)
    built = measured(b24("models", "--full-refresh"), settings)
    table.add("models, full, s", built.seconds, 30)
    table.add("models, full, peak MiB", built.peak_mib)


def _after_changes(
    source: Portal, settings: Mapping[str, str], warehouse: Warehouse, rounds: int, table: Table
) -> None:
    _sync(source, settings)
    _seconds_of_models(warehouse)
    for changes in CHANGES:
        syncs, models = [], []
        for seed in range(rounds):
            _steer(source, "change", {"n": changes, "seed": seed, "kinds": KINDS})
            syncs.append(_sync(source, settings))
            models.append(_seconds_of_models(warehouse))
        wanted = {"seconds": 3, "requests": 4, "commands": 130, "rows": 3_500} if changes == 1_000 else {}
        for name in ("seconds", "requests", "commands", "rows"):
            figures = [one[name] for one in syncs]
            table.add(f"sync after {changes:,} changes, {name}", median(figures), wanted.get(name))
        table.add(f"models after {changes:,} changes, s", median(models), 4 if changes <= 1_000 else None)
    table.add("models, nothing changed, s", median([_seconds_of_models(warehouse) for _ in range(rounds)]), 1)
    idle = [_sync(source, settings) for _ in range(rounds)]
    for name, promised in {"seconds": 2, "requests": 2, "commands": 60, "rows": 200}.items():
        table.add(f"idle sync, {name}", median([one[name] for one in idle]), promised)


def _sync(source: Portal, settings: Mapping[str, str]) -> dict[str, float]:
    time.sleep(SETTLE_SECONDS)
    source.reset()
    seconds = measured(b24("sync", "bench", "--no-models"), settings).seconds
    asked = source.stats()
    return {"seconds": seconds} | {name: asked[name] for name in ("requests", "commands", "rows")}


def _seconds_of_models(warehouse: Warehouse) -> float:
    started = time.monotonic()
    build(warehouse.connect, load_project(), only_changed=True)
    return time.monotonic() - started


def _steer(source: Portal, what: str, body: Mapping[str, Any]) -> None:
    request = urllib.request.Request(f"{source.url}/sandbox/{what}", json.dumps(body).encode(), method="POST")
    urllib.request.urlopen(request).close()


def _events(source: Portal, url: str, settings: Mapping[str, str], rounds: int, table: Table) -> None:
    """A deal moves; the portal tells `b24 up`; the seconds until `funnel_stats` says something else."""
    known = b24("portal", "add", "bench", "--webhook-url", source.webhook_url, "--application-token", TOKEN)
    measured(known, settings)
    with _up(settings) as service, psycopg.connect(url, autocommit=True) as connection:
        webhook = {"url": f"{service}/webhooks/bitrix24", "events": ["ONCRMDEALUPDATE"]}
        _steer(source, "outgoing-webhook", webhook | {"application_token": TOKEN})
        _until_changed(source, connection)  # the first one starts what is started when it is needed
        seconds = [_until_changed(source, connection) for _ in range(rounds)]
    table.add("one event to funnel_stats, s", median(seconds), 5)


def _until_changed(source: Portal, connection: psycopg.Connection[Any]) -> float:
    time.sleep(ALONE_SECONDS)
    before = connection.execute(_FIGURES).fetchone()
    deal, stage = connection.execute(_ELSEWHERE).fetchone() or (0, "")
    started = time.monotonic()
    _steer(source, "move", {"entity_type": "deal", "id": deal, "stage": stage})
    while connection.execute(_FIGURES).fetchone() == before:
        if time.monotonic() - started > EVENT_SECONDS:
            raise SystemExit(f"funnel_stats is the same {EVENT_SECONDS} s after deal {deal} moved to {stage}")
        time.sleep(0.1)
    return time.monotonic() - started


@contextmanager
def _up(settings: Mapping[str, str]) -> Iterator[str]:
    """The address of the service of a running `b24 up`."""
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as other:
        port, web_port = (str(each.getsockname()[1]) for each in (one, other))
    with tempfile.TemporaryDirectory() as folder, (Path(folder) / "up.log").open("wb") as log:
        command = b24("up", "--port", port, "--web-port", web_port)
        process = subprocess.Popen(command, env={**settings, "B24_HOME": folder}, stdout=log, stderr=log)
        try:
            _wait_until_ready(f"http://127.0.0.1:{web_port}/readyz")
            yield f"http://127.0.0.1:{web_port}"
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(STOP_SECONDS)


def _wait_until_ready(address: str) -> None:
    ends = time.monotonic() + START_SECONDS
    while True:
        try:
            urllib.request.urlopen(address).close()
        except OSError:
            if time.monotonic() > ends:
                raise
            time.sleep(0.5)
        else:
            return
