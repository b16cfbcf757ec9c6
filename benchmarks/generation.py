"""The sandbox itself: how fast it makes a portal, and what a full batch costs it."""

from __future__ import annotations

import time

import httpx

from b24_pipeline.sandbox import Sandbox, SandboxConfig
from benchmarks.setting import Portal, median, portal, report

DEALS = 100_000
BATCHES = 20


def run(rounds: int) -> None:
    """100,000 deals in under 10 s; a batch of 50 x 50 rows in under 60 ms of CPU."""
    generated, batches = [], []
    for _ in range(rounds):
        started = time.monotonic()
        Sandbox(SandboxConfig(leads=0, deals=DEALS))
        generated.append(time.monotonic() - started)
        with portal(deals=DEALS) as source:
            before = source.cpu_seconds()
            for number in range(BATCHES):
                _batch(source, number)
            batches.append((source.cpu_seconds() - before) / BATCHES)
    report("seconds to make 100,000 deals", median(generated), 10, at_least=False, unit=" s")
    report("CPU of a batch of 50 x 50 rows", median(batches) * 1000, 60, at_least=False, unit=" ms")


def _batch(source: Portal, number: int) -> None:
    """One chained batch with all fields."""
    select = "select[0]=*&select[1]=UF_*&order[ID]=ASC&start=-1"
    commands = {"p0": f"crm.deal.list?filter[>ID]={number * 1000}&{select}"}
    for page in range(1, 50):
        commands[f"p{page}"] = f"crm.deal.list?filter[>ID]=$result[p{page - 1}][49][ID]&{select}"
    body = httpx.post(f"{source.webhook_url}batch", json={"halt": 0, "cmd": commands}, timeout=30).content
    assert body.count(b'"CATEGORY_ID"') == 2500
