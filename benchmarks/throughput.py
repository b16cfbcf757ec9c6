"""Rows a second through decode, COPY and merge, without a portal's latency and limits."""

from __future__ import annotations

import time
from uuid import UUID

import orjson

from b24_pipeline.entities import DEAL, RowDecoder
from b24_pipeline.sandbox import Sandbox, SandboxConfig
from b24_pipeline.store import merge
from b24_pipeline.store.merge import Target
from b24_pipeline.store.pool import Warehouse
from b24_pipeline.sync.ahead import ahead, calm_collector
from benchmarks.setting import database, median, report

ROWS = 50_000
PAGE = 2_500
ACCOUNT = UUID(int=1)


def run(rounds: int) -> None:
    """All fields of deals, custom ones included, into an empty table and onto a full one."""
    bodies = _bodies()
    empty, same = [], []
    for _ in range(rounds):
        with database() as url:
            warehouse = Warehouse(url)
            _account(warehouse)
            empty.append(ROWS / _load(warehouse, bodies))
            same.append(ROWS / _load(warehouse, bodies))
            warehouse.close()
    report("rows/s through JSON, decode, COPY and merge, new rows", median(empty), 20_000, at_least=True)
    report("rows/s through JSON, decode, COPY and merge, same rows", median(same), 20_000, at_least=True)


def _bodies() -> list[bytes]:
    """The portal's answers, 2,500 rows each."""
    with Sandbox(SandboxConfig(leads=0, deals=ROWS)) as sandbox:
        rows = list(sandbox.truth.raw("deal"))
    return [orjson.dumps(rows[start : start + PAGE]) for start in range(0, len(rows), PAGE)]


def _account(warehouse: Warehouse) -> None:
    with warehouse.connect() as connection:
        connection.execute(
            "insert into user_accounts (id, name, bitrix24_domain) values (%s, 'bench', 'bench')", (ACCOUNT,)
        )


def _load(warehouse: Warehouse, bodies: list[bytes]) -> float:
    decoder = RowDecoder(DEAL)
    target = Target(DEAL.table, ACCOUNT)
    started = time.monotonic()
    with calm_collector():
        for rows in ahead(bodies, lambda body: decoder.rows(orjson.loads(body))):
            with warehouse.connect() as connection:
                merge.stage(connection, target, decoder.names, rows)
                merge.merge(connection, target, decoder.names)
    return time.monotonic() - started
