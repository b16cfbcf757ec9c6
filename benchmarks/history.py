"""Moves a second through decode, COPY, store, infer and link, without a portal's latency and limits."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from uuid import UUID

import orjson

from b24_pipeline.entities import DEAL_HISTORY
from b24_pipeline.entities.moves import MoveDecoder
from b24_pipeline.store.crm import history, merge
from b24_pipeline.store.database.copying import Lines, lines
from b24_pipeline.store.database.warehouse import Warehouse
from b24_pipeline.sync.crm.prefetch import prefetch
from b24_pipeline.sync.tuning import tuned_interpreter
from benchmarks.moves import Moves, walked
from benchmarks.setting import database, median, report

MOVES = 1_000_000
DEALS = 300_000
INCREMENT = 1_000
PAGE = 2_500
RANGES = 8
ELSEWHERE = 100  # each so many a deal stands elsewhere than its last known move: one is inferred
ACCOUNT = UUID(int=1)

_DEALS = """
copy bitrix24_deals (user_account_id, id, category_id, stage_id, stage_semantic_id, moved_time, is_recurring) from stdin
"""


def run(rounds: int) -> None:
    """A first load by ascending ids, an increment, and a first load of several ranges of ids side by side.

    The moves: see `benchmarks.moves.walked`.
    """
    moves = walked(DEALS, MOVES + INCREMENT)
    known = moves.first(MOVES)
    pages = [orjson.dumps(known.rows(start, start + PAGE)) for start in range(0, MOVES, PAGE)]
    increment = [orjson.dumps(moves.rows(MOVES, MOVES + INCREMENT))]
    loads, increments, side_by_side = [], [], []
    for _ in range(rounds):
        with database() as url:
            warehouse = _filled(url, known)
            loads.append(MOVES / _seconds(warehouse, pages))
            increments.append(INCREMENT / _seconds(warehouse, increment, since=_lately(warehouse)))
            warehouse.close()
        with database() as url:
            warehouse = _filled(url, known)
            side_by_side.append(MOVES / _seconds(warehouse, list(_side_by_side(pages))))
            warehouse.close()
    report(f"moves/s, first load of {MOVES:,}", median(loads), 40_000, at_least=True)
    print(f"    moves/s, increment of {INCREMENT:,}: {median(increments):,.0f}", flush=True)
    print(f"    moves/s, first load, {RANGES} ranges side by side: {median(side_by_side):,.0f}", flush=True)


def _filled(url: str, moves: Moves) -> Warehouse:
    """A database with the deals as they stand after these moves."""
    warehouse = Warehouse(url)
    with warehouse.connect() as connection:
        connection.execute(
            "insert into user_accounts (id, name, bitrix24_domain) values (%s, 'bench', 'bench')", (ACCOUNT,)
        )
        with connection.cursor().copy(_DEALS) as copy:
            for deal, pipeline, stage, moved_at in _positions(moves):
                copy.write_row((ACCOUNT, deal, pipeline, stage, "P", moved_at, False))
        merge.analyze(connection, "bitrix24_deals")
    return warehouse


def _positions(moves: Moves) -> Iterator[tuple[int, int, str, datetime]]:
    """Where each deal stands: after its last move, or elsewhere."""
    for number, (deal, pipeline, stage, moved_at) in enumerate(moves.positions()):
        if number % ELSEWHERE:
            yield deal, pipeline, stage, moved_at
        else:
            yield deal, pipeline, "UC_ELSEWHERE", moved_at + timedelta(hours=1)


def _lately(warehouse: Warehouse) -> datetime:
    """Just now: in practice minutes have passed since the first load, and its moves are no longer looked at."""
    with warehouse.connect() as connection:
        return history.now(connection)


def _side_by_side(pages: Sequence[bytes]) -> Iterator[bytes]:
    """The pages of several ranges of ids, each by ascending ids, in an order that chance gives."""
    size = len(pages) // RANGES
    ranges = [list(reversed(pages[start : start + size])) for start in range(0, len(pages), size)]
    chance = random.Random(1)
    while ranges := [one for one in ranges if one]:
        yield chance.choice(ranges).pop()


def _seconds(warehouse: Warehouse, pages: Sequence[bytes], since: datetime | None = None) -> float:
    decoder = MoveDecoder(DEAL_HISTORY)
    started = time.monotonic()
    with tuned_interpreter():
        for moves in prefetch(pages, lambda page: _prepared(decoder, page)):
            with warehouse.connect() as connection:
                history.append(connection, ACCOUNT, "deal", moves)
        with warehouse.connect() as connection:
            if since is None:
                merge.analyze(connection, history.TABLE)
            history.infer(connection, ACCOUNT, "deal", since)
            history.link(connection, ACCOUNT, "deal", since)
    return time.monotonic() - started


def _prepared(decoder: MoveDecoder, page: bytes) -> Lines:
    """The moves of a page as COPY reads them."""
    return lines(ACCOUNT, decoder.rows(orjson.loads(page)))
