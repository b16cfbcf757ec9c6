"""The models on 500,000 deals, two million moves and 20,000 own leads: whole, and after 1,000 changed deals."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import aiosql
import psycopg

from b24_pipeline.models.build import build
from b24_pipeline.models.project import load_project
from b24_pipeline.store.database.warehouse import Warehouse
from benchmarks.setting import database, median, report

DEALS = 500_000
MOVES_OF_EACH = 4
OWN_LEADS = 20_000
CHANGED = 1_000

_sql: Any = aiosql.from_path(Path(__file__).with_suffix(".sql"), "psycopg")


def run(rounds: int) -> None:
    """Full under 60 s, after 1,000 changed deals under 5 s."""
    whole, after = [], []
    with database() as url:
        warehouse = Warehouse(url)
        with warehouse.connect() as connection:
            _fill(connection)
        with warehouse.autocommit() as connection:
            connection.execute("vacuum analyze")
        for number in range(rounds):
            whole.append(_seconds(warehouse, full_refresh=True))
            with warehouse.connect() as connection:
                _sql.change(connection, round=number, deals=CHANGED)
            after.append(_seconds(warehouse, full_refresh=False))
        warehouse.close()
    report(f"seconds for {DEALS:,} deals", median(whole), 60, at_least=False, unit=" s")
    report(f"seconds after {CHANGED:,} changed deals", median(after), 5, at_least=False, unit=" s")


def _seconds(warehouse: Warehouse, *, full_refresh: bool) -> float:
    """Of a build, the slowest models told."""
    started = time.monotonic()
    done = build(warehouse.connect, load_project(), full_refresh=full_refresh, with_tests=False)
    seconds = time.monotonic() - started
    slowest = sorted(done.models, key=lambda model: -model.seconds)[:5]
    told = ", ".join(f"{model.name} {model.seconds:.1f}" for model in slowest)
    print(f"{'full' if full_refresh else 'after changes'}: {seconds:.1f} s ({told})", flush=True)
    return seconds


def _fill(connection: psycopg.Connection[Any]) -> None:
    about = {"deals": DEALS, "moves": MOVES_OF_EACH}
    _sql.connect_portal(connection)
    _sql.define_stage(connection)
    _sql.add_stages(connection)
    _sql.add_deals(connection, **about)
    _sql.add_moves(connection, **about)
    _sql.add_directions(connection)
    _sql.add_own_leads(connection, own_leads=OWN_LEADS, deals=DEALS)
