"""What a sync costs the portal: where nothing has changed, and after a thousand changes."""

from __future__ import annotations

import json
import time
import urllib.request
from dataclasses import dataclass

from benchmarks.setting import Portal, b24, connect, database, environment, measured, median, portal, report

LEADS, DEALS, CHANGES = 50_000, 50_000, 1_000
KINDS = ("stage", "stage", "stage", "edit")
SETTLE_SECONDS = 2
"""So that a measured sync begins in another second of the portal than the one before it."""


@dataclass(frozen=True)
class Cost:
    """What one sync took, and what the portal was asked for by it."""

    seconds: float
    requests: int
    commands: int
    rows: int
    operating_seconds: float


def run(rounds: int) -> None:
    """A portal of 50,000 leads and 50,000 deals that takes 60 ms a request, by the sandbox's cost model."""
    with portal(leads=LEADS, deals=DEALS, cost=True) as source, database() as url:
        settings = environment(url, B24_LAG_SECONDS="1")
        connect(source, settings)
        measured(b24("sync", "bench", "--no-models"), settings)
        idle = [_cost_of_sync(source, settings) for _ in range(rounds)]
        changed = []
        for number in range(rounds):
            _change(source, seed=number)
            changed.append(_cost_of_sync(source, settings))
    _report("idle", idle, Cost(2.0, 2, 60, 200, 1.0))
    _report(f"{CHANGES:,} changes", changed, Cost(3.0, 4, 130, 3_500, 4.0))


def _cost_of_sync(source: Portal, settings: dict[str, str]) -> Cost:
    time.sleep(SETTLE_SECONDS)
    source.reset()
    before = _operating(source)
    done = measured(b24("sync", "bench", "--no-models"), settings)
    asked = source.stats()
    return Cost(
        done.seconds, asked["requests"], asked["commands"], asked["rows"], _operating(source) - before
    )


def _operating(source: Portal) -> float:
    return float(sum(source.stats()["operating_seconds"].values()))


def _change(source: Portal, seed: int) -> None:
    body = json.dumps({"n": CHANGES, "seed": seed, "kinds": KINDS}).encode()
    urllib.request.urlopen(urllib.request.Request(f"{source.url}/sandbox/change", body, method="POST"))


def _report(what: str, costs: list[Cost], promised: Cost) -> None:
    for name in Cost.__dataclass_fields__:
        found = median([getattr(cost, name) for cost in costs])
        report(f"{name} of a sync, {what}", found, getattr(promised, name), at_least=False)
