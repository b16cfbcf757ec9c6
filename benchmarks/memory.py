"""The memory of a sync: the same for 10,000 and for 500,000 rows."""

from __future__ import annotations

from benchmarks.setting import b24, connect, database, environment, measured, portal, report

SIZES = (10_000, 100_000, 500_000)
MOST_MIB = 300


def run(_rounds: int) -> None:
    """Highest resident memory of the `b24 sync` process."""
    for rows in SIZES:
        with portal(deals=rows) as source, database() as url:
            settings = environment(url)
            connect(source, settings)
            done = measured(b24("sync", "bench", "--entity", "deal", "--no-models"), settings)
        print(f"{rows} rows: {done.seconds:.1f} s", flush=True)
        report(f"memory at {rows} rows", done.peak_mib, MOST_MIB, at_least=False, unit=" MiB")
