"""50,000 deals from a portal with latency: ours in PostgreSQL, theirs in memory, in one run."""

from __future__ import annotations

import math
import re
import sys

from benchmarks.setting import (
    DEAL_FIELDS,
    Portal,
    b24,
    connect,
    database,
    environment,
    measured,
    median,
    portal,
    report,
)

ROWS = 50_000
ROWS_A_REQUEST = 2_500
LONG_SECONDS = 60


def run(rounds: int) -> None:
    """The cost model of a real portal: 60 ms a request, 6 ms a command, 0.25 ms a row, 2 us a counted row."""
    ours: list[tuple[float, int, float]] = []
    theirs: dict[str, list[tuple[float, float]]] = {"fast_bitrix24": [], "b24pysdk": []}
    for number in range(rounds):
        with portal(deals=ROWS, cost=True, limits=True) as source:
            ours.append(_ours(source))
        for name, runs in theirs.items():
            if number and runs[0][0] > LONG_SECONDS:
                continue  # one round of a client that takes minutes is enough
            with portal(deals=ROWS, cost=True, limits=True) as source:
                runs.append(_theirs(name, source))
    _report(ours, theirs)


def _ours(source: Portal) -> tuple[float, int, float]:
    """Seconds of reading and storing and requests of the list, and operating seconds of all that was asked.

    Ours reads the contacts of deals, too, which the others do not: that is in the process and in the operating seconds.
    """
    with database() as url:
        import json

        settings = environment(url, B24_SELECT=json.dumps({"deal": DEAL_FIELDS}))
        connect(source, settings)
        source.reset()
        done = measured(b24("sync", "bench", "--entity", "deal", "--no-models"), settings)
    found = re.search(r"bench +deal +full +([\d ]+?)  +[\d ]+?  +0 +(\d+) +([\d.]+)", done.output)
    assert found, done.output
    stored = int(found[1].replace(" ", ""))
    assert stored == ROWS, done.output
    stats = source.stats()
    print(
        f"ours: {found[3]} s, {found[2]} requests (the process, with contacts of deals: {done.seconds:.1f} s, "
        f"{stats['requests']} requests)",
        flush=True,
    )
    return float(found[3]), int(found[2]), sum(stats["operating_seconds"].values())


def _theirs(name: str, source: Portal) -> tuple[float, float]:
    done = measured([sys.executable, "-m", "benchmarks.others", name, source.webhook_url], environment(""))
    rows, seconds = done.output.split()[-2:]
    assert int(rows) == ROWS, done.output
    stats = source.stats()
    print(f"{name}: {float(seconds):.1f} s, {stats['requests']} requests", flush=True)
    return float(seconds), sum(stats["operating_seconds"].values())


def _report(ours: list[tuple[float, int, float]], theirs: dict[str, list[tuple[float, float]]]) -> None:
    seconds = median([one[0] for one in ours])
    for name, runs in theirs.items():
        report(f"times as fast as {name}", median([one[0] for one in runs]) / seconds, 4.0, at_least=True)
    fewest = math.ceil(ROWS / ROWS_A_REQUEST)
    report(
        "of the fewest requests", median([one[1] for one in ours]) / fewest, 1.15, at_least=False, unit=" x"
    )
    operating = median([one[2] for one in ours]) / median([one[1] for one in theirs["fast_bitrix24"]])
    report("of fast_bitrix24's operating seconds", operating, 0.5, at_least=False, unit=" x")
