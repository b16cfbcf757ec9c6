"""Runs benchmarks by name, or all, and prints what they measured beside what is promised.

Databases are made on the embedded server; with `B24_BENCH_SERVER`, the URL of a database on another server, there.
`B24_BENCH_DEALS` is how many deals the benchmarks of the models and of a whole portal have.
"""

from __future__ import annotations

import argparse
import importlib

NAMES = (
    "throughput",
    "history",
    "clients",
    "bucket",
    "memory",
    "generation",
    "landing",
    "drain",
    "models",
    "matching",
    "idle",
    "whole",
    "pages",
    "start",
)


def main() -> None:
    """Each benchmark is a module with a function `run(rounds)`."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(NAMES)}; all if none")
    parser.add_argument("--rounds", type=int, default=3, help="medians are taken over so many")
    given = parser.parse_args()
    unknown = set(given.names) - set(NAMES)
    if unknown:
        parser.error(f"no benchmark is called {', '.join(sorted(unknown))}")
    for name in given.names or NAMES:
        print(f"\n== {name}", flush=True)
        importlib.import_module(f"benchmarks.{name}").run(given.rounds)


if __name__ == "__main__":
    main()
