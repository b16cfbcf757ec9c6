"""Rows a second through decode, COPY and merge, without a portal's latency and limits."""

from __future__ import annotations

import time
from typing import Any
from uuid import UUID

import orjson

from b24_pipeline.entities import DEAL, RowDecoder
from b24_pipeline.sandbox import Sandbox, SandboxConfig
from b24_pipeline.store import merge
from b24_pipeline.store.copying import lines
from b24_pipeline.store.merge import Target
from b24_pipeline.store.pool import Warehouse
from b24_pipeline.sync.ahead import ahead
from b24_pipeline.sync.memory import calm_memory
from benchmarks.setting import DEAL_FIELDS, database, median, report

ROWS = 50_000
PAGE = 2_500
ACCOUNT = UUID(int=1)


def run(rounds: int) -> None:
    """Deals into an empty table and onto a full one: the 25 fields of a funnel report, and all 61."""
    rows = _rows()
    _measure(
        "25 fields", [{field: row.get(field) for field in DEAL_FIELDS} for row in rows], DEAL_FIELDS, rounds
    )
    _measure("all fields", rows, None, rounds)


def _measure(what: str, rows: list[dict[str, Any]], selected: list[str] | None, rounds: int) -> None:
    bodies = [orjson.dumps(rows[start : start + PAGE]) for start in range(0, len(rows), PAGE)]
    empty, same = [], []
    for _ in range(rounds):
        with database() as url:
            warehouse = Warehouse(url)
            _account(warehouse)
            empty.append(ROWS / _load(warehouse, bodies, selected))
            same.append(ROWS / _load(warehouse, bodies, selected))
            warehouse.close()
    report(
        f"rows/s through JSON, decode, COPY and merge, {what}, new rows", median(empty), 20_000, at_least=True
    )
    report(
        f"rows/s through JSON, decode, COPY and merge, {what}, same rows", median(same), 20_000, at_least=True
    )


def _rows() -> list[dict[str, Any]]:
    """Rows as the portal sends them."""
    with Sandbox(SandboxConfig(leads=0, deals=ROWS)) as sandbox:
        return list(sandbox.truth.raw("deal"))


def _account(warehouse: Warehouse) -> None:
    with warehouse.connect() as connection:
        connection.execute(
            "insert into user_accounts (id, name, bitrix24_domain) values (%s, 'bench', 'bench')", (ACCOUNT,)
        )


def _load(warehouse: Warehouse, bodies: list[bytes], selected: list[str] | None) -> float:
    decoder = RowDecoder(DEAL, selected)
    target = Target(DEAL.table, ACCOUNT, keep_custom_fields=selected is not None)
    started = time.monotonic()
    with calm_memory():
        for rows in ahead(bodies, lambda body: lines(ACCOUNT, decoder.rows(orjson.loads(body)))):
            with warehouse.connect() as connection:
                merge.stage(connection, target, decoder.names, rows)
                merge.merge(connection, target, decoder.names)
    return time.monotonic() - started
