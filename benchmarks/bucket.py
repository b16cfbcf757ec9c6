"""200,000 rows against the request bucket: how near to the best time that it allows."""

from __future__ import annotations

import heapq
import json
import math
import re

from benchmarks.setting import (
    DEAL_FIELDS,
    b24,
    connect,
    database,
    environment,
    measured,
    median,
    portal,
    report,
)

ROWS = 200_000
ROWS_A_REQUEST = 2_500
BURST, LEAK_PER_SECOND = 50, 2.0
WORKERS = 8
REQUEST_SECONDS = 0.060 + 50 * 0.006 + ROWS_A_REQUEST * 0.00025


def run(rounds: int) -> None:
    """The standard plan: 50 at once, then 2 a second; the fields of a funnel report."""
    seconds = []
    for _ in range(rounds):
        with portal(deals=ROWS, cost=True, limits=True, workers=WORKERS) as source, database() as url:
            settings = environment(url, B24_SELECT=json.dumps({"deal": DEAL_FIELDS}))
            connect(source, settings)
            source.reset()
            done = measured(b24("sync", "bench", "--entity", "deal", "--no-models"), settings)
            stats = source.stats()
        found = re.search(r"bench +deal +full .* (\d+) +([\d.]+) *$", done.output, re.MULTILINE)
        assert found, done.output
        seconds.append(float(found[2]))
        print(f"{found[2]} s, {stats['requests']} requests, {stats['rejected']} refused", flush=True)
    best = best_seconds(math.ceil(ROWS / ROWS_A_REQUEST))
    print(f"best that the bucket and {WORKERS} workers allow: {best:.1f} s", flush=True)
    report("of the best time", median(seconds) / best, 1.15, at_least=False, unit=" x")


def best_seconds(requests: int) -> float:
    """When the last of so many full requests ends, each sent as soon as bucket and workers let it."""
    free = [0.0] * WORKERS
    end = 0.0
    for number in range(requests):
        allowed = max(0.0, (number + 1 - BURST) / LEAK_PER_SECOND)
        end = max(allowed, heapq.heappop(free)) + REQUEST_SECONDS
        heapq.heappush(free, end)
    return end
