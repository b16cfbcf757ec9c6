"""Rows a second through decode, COPY and merge, without a portal's latency and limits."""

from __future__ import annotations

import time
from typing import Any
from uuid import UUID

import orjson

from b24_pipeline.bitrix.lists.ranges import IdRange
from b24_pipeline.entities import DEAL, RowDecoder
from b24_pipeline.sandbox import Sandbox, SandboxConfig
from b24_pipeline.store.crm import merge
from b24_pipeline.store.crm.merge import Target
from b24_pipeline.store.database.copying import Lines, lines
from b24_pipeline.store.database.warehouse import Warehouse
from b24_pipeline.sync.crm.prefetch import prefetch
from b24_pipeline.sync.tuning import tuned_interpreter
from benchmarks.setting import DEAL_FIELDS, database, median, report

ROWS = 50_000
PAGE = 2_500
ACCOUNT = UUID(int=1)


def run(rounds: int) -> None:
    """Deals of a first load and the same once more: the 25 fields of a funnel report, and all 61."""
    rows = _rows()
    narrow = [{field: row.get(field) for field in DEAL_FIELDS} for row in rows]
    for what, speed in _measured(narrow, DEAL_FIELDS, rounds).items():
        report(f"rows/s, 25 fields, {what}", speed, 20_000, at_least=True)
    for what, speed in _measured(rows, None, rounds).items():
        print(f"    rows/s, all {len(rows[0])} fields, {what}: {speed:,.0f}", flush=True)


def _measured(rows: list[dict[str, Any]], selected: list[str] | None, rounds: int) -> dict[str, float]:
    """Rows a second through JSON, decode, COPY and merge."""
    bodies = [orjson.dumps(rows[start : start + PAGE]) for start in range(0, len(rows), PAGE)]
    new, same = [], []
    for _ in range(rounds):
        with database() as url:
            warehouse = Warehouse(url)
            _account(warehouse)
            new.append(ROWS / _load(warehouse, bodies, selected))
            same.append(ROWS / _load(warehouse, bodies, selected))
            warehouse.close()
    return {"new rows": median(new), "same rows": median(same)}


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
    after = 0
    started = time.monotonic()
    with tuned_interpreter():
        for upto, rows in prefetch(bodies, lambda body: _prepared(decoder, body)):
            with warehouse.connect() as connection:
                if merge.insert(connection, target, decoder.names, rows, [IdRange(after, upto)]) is None:
                    merge.stage(connection, target, decoder.names, rows)
                    merge.merge(connection, target, decoder.names)
            after = upto
    return time.monotonic() - started


def _prepared(decoder: RowDecoder, body: bytes) -> tuple[int, Lines]:
    """The highest id of a page, and its rows as COPY reads them."""
    rows = decoder.rows(orjson.loads(body))
    return int(rows[-1][0] or 0), lines(ACCOUNT, rows)
