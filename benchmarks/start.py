"""How long a command takes that only looks: the time goes into starting Python and importing."""

from __future__ import annotations

from benchmarks.setting import (
    b24,
    connect,
    database,
    environment,
    measured,
    median,
    portal,
    report,
)

DEALS = 500
LOOKS_A_ROUND = 5
PROMISED_SECONDS = 0.5
COMMANDS = (("status",), ("--help",))


def run(rounds: int) -> None:
    """One synced portal in a database that runs already; the first run of each, which compiles, is not counted."""
    with portal(deals=DEALS) as source, database() as url:
        settings = environment(url)
        connect(source, settings)
        measured(b24("sync", "bench", "--no-models"), settings)
        for command in COMMANDS:
            measured(b24(*command), settings)
            looks = [measured(b24(*command), settings).seconds for _ in range(rounds * LOOKS_A_ROUND)]
            print(f"b24 {' '.join(command)}: {min(looks):.2f} s to {max(looks):.2f} s", flush=True)
            report(f"b24 {' '.join(command)}", median(looks), PROMISED_SECONDS, at_least=False, unit=" s")
