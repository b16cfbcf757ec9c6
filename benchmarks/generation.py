"""The sandbox itself: how fast it makes a portal, and what a full batch costs it."""

from __future__ import annotations

import time

import httpx

from b24_pipeline.sandbox import Sandbox, SandboxConfig
from benchmarks.setting import median, report

DEALS = 100_000
BATCHES = 10


def run(rounds: int) -> None:
    """100,000 deals in under 10 s; a batch of 50 x 50 rows in under 60 ms of CPU."""
    generated, batches = [], []
    for _ in range(rounds):
        started = time.monotonic()
        sandbox = Sandbox(SandboxConfig(leads=0, deals=DEALS))
        generated.append(time.monotonic() - started)
        with sandbox:
            batches += [_batch(sandbox, number) for number in range(BATCHES)]
    report("seconds to make 100,000 deals", median(generated), 10, at_least=False, unit=" s")
    report(
        "CPU of a batch of 50 x 50 rows, ours included",
        median(batches) * 1000,
        60,
        at_least=False,
        unit=" ms",
    )


def _batch(sandbox: Sandbox, number: int) -> float:
    """CPU seconds of this process for one chained batch; reading the answer is a small part of it."""
    select = "select[0]=*&select[1]=UF_*&order[ID]=ASC&start=-1"
    commands = {"p0": f"crm.deal.list?filter[>ID]={number * 1000}&{select}"}
    for page in range(1, 50):
        commands[f"p{page}"] = f"crm.deal.list?filter[>ID]=$result[p{page - 1}][49][ID]&{select}"
    before = time.process_time()
    body = httpx.post(f"{sandbox.webhook_url}batch", json={"halt": 0, "cmd": commands}, timeout=30).content
    spent = time.process_time() - before
    assert body.count(b'"CATEGORY_ID"') == 2500
    return spent
