"""Own ad leads against a portal of many contacts: how long it takes to match them, and in how many requests."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import aiosql

from b24_pipeline.store.database.warehouse import Warehouse
from benchmarks.setting import b24, connect, database, environment, measured, median, portal, report

CONTACTS = 200_000
OWN_LEADS = 100_000
UNKNOWN_SHARE = 0.3
"""Of the own leads, whom the copy does not have: most of them the portal has, some nobody."""

_sql: Any = aiosql.from_path(Path(__file__).with_suffix(".sql"), "psycopg")


def run(rounds: int) -> None:
    """100,000 own leads and 200,000 contacts, at most 120 requests and under 60 s from a portal without latency."""
    with portal(deals=1_000, contacts=CONTACTS) as source, database() as full:
        settings = environment(full)
        connect(source, settings)
        measured(b24("sync", "bench", "--no-models"), settings)
        warehouse = Warehouse(full)
        seconds, requests, again = [], [], []
        for number in range(rounds):
            _prepare(warehouse, number)
            source.reset()
            done = measured(b24("match", "bench", "--no-models"), settings)
            seconds.append(done.seconds)
            requests.append(float(source.stats()["requests"]))
            print(f"{_line(done.output)}; {done.peak_mib:.0f} MiB", flush=True)
            again.append(measured(b24("match", "bench", "--no-models"), settings).seconds)
        warehouse.close()
    what = f"{OWN_LEADS:,} own leads against {CONTACTS:,} contacts"
    report(f"seconds to match {what}", median(seconds), 60, at_least=False, unit=" s")
    report("requests", max(requests), 120, at_least=False)
    report("seconds once more, with nothing new", median(again), 10, at_least=False, unit=" s")


def _prepare(warehouse: Warehouse, number: int) -> None:
    """Fresh own leads; the copy loses the contacts of some of them, and all that was derived from it."""
    with warehouse.connect() as connection:
        _sql.forget(connection)
        _sql.add_own_leads(connection, own_leads=OWN_LEADS, round=number)
        _sql.add_nobody(connection, own_leads=int(OWN_LEADS * UNKNOWN_SHARE / 3))
        _sql.lose_contacts(connection, share=UNKNOWN_SHARE * 2 / 3)
    with warehouse.autocommit() as connection:
        connection.execute("vacuum analyze")


def _line(output: str) -> str:
    found = re.search(r"bench .*", output)
    return found[0] if found else output
