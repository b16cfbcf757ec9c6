"""The models whole, after nothing, one, 1,000 and 100,000 changed deals: of 300,000 deals with a million moves.

The deals differ as those of a real portal do, so that nothing is counted together by chance: how is said in
`models.sql`. The logs that companies have published for the BPI Challenges (loans in 2012 and 2017, incidents in
2013) have the same shape: many ways, most of them gone by few, and stays from minutes to months.
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import aiosql
import psycopg

from b24_pipeline.models import BuildResult, build, load_project
from b24_pipeline.store.database.warehouse import Warehouse
from benchmarks.setting import database, median, report

DEALS = int(os.environ.get("B24_BENCH_DEALS", "300000"))
OWN_LEADS = 20_000
# deals that change, and the seconds that are promised for 300,000
CHANGES = {1: 4, 1_000: 4, 100_000: 30}

_sql: Any = aiosql.from_path(Path(__file__).with_suffix(".sql"), "psycopg")


def run(rounds: int) -> None:
    """Each size of change as often as there are rounds; everything anew once, and once more over itself."""
    with database() as url:
        warehouse = Warehouse(url)
        with warehouse.connect() as connection:
            fill(connection)
        with warehouse.autocommit() as connection:
            connection.execute("analyze")
        _measure(warehouse, rounds)
        warehouse.close()


def _measure(warehouse: Warehouse, rounds: int) -> None:
    _told("first", _seconds(warehouse, full_refresh=True), 30)
    _told("everything anew", _seconds(warehouse, full_refresh=True), 60)
    number = 0
    for deals, promised in CHANGES.items():
        seconds = []
        for _ in range(rounds):
            number += 1
            with warehouse.connect() as connection:
                _sql.change(connection, round=number, deals=deals)
            seconds.append(_seconds(warehouse, only_changed=True))
        _told(f"after {deals:,} changed deals", median(seconds), promised)
    _told("after nothing", median([_seconds(warehouse, only_changed=True) for _ in range(rounds)]), 1)


def _told(what: str, seconds: float, promised: float) -> None:
    report(
        f"seconds of models with tests, {DEALS:,} deals, {what}", seconds, promised, at_least=False, unit=" s"
    )


def _seconds(warehouse: Warehouse, *, full_refresh: bool = False, only_changed: bool = False) -> float:
    """Of a build, the slowest models told."""
    started = time.monotonic()
    done = build(warehouse.connect, load_project(), full_refresh=full_refresh, only_changed=only_changed)
    seconds = time.monotonic() - started
    print(f"    {seconds:.2f} s: {_slowest(done)}", flush=True)
    return seconds


def _slowest(done: BuildResult) -> str:
    models = sorted(done.models, key=lambda model: -model.seconds)[:5]
    tests = sum(test.seconds for test in done.tests)
    told = [f"{model.name} {model.seconds:.2f}" for model in models if model.seconds > 0.01]
    return ", ".join([*told, f"{len(done.tests)} tests {tests:.2f}"])


def fill(connection: psycopg.Connection[Any]) -> None:
    """A portal as after its first load: all rows were stored at the same moment."""
    _sql.connect_portal(connection)
    _sql.define_chance(connection)
    _sql.add_stages(connection)
    _sql.walk(connection, deals=DEALS)
    moment = connection.execute("select clock_timestamp()").fetchone()
    assert moment
    _sql.add_deals(connection, moment=moment[0])
    _sql.add_moves(connection, moment=moment[0])
    _sql.add_directions(connection)
    _sql.add_own_leads(connection, own_leads=OWN_LEADS, deals=DEALS)
    deals, moves, ways = _sql.count(connection)
    print(f"    {deals:,} deals, {moves:,} moves, {ways:,} different ways", flush=True)
