"""Many portals in `b24 up` for an hour, one that hangs and one that is dead: is every other one kept fresh?

Run it by `python -m benchmarks.fleet`; it needs a PostgreSQL of its own (`--database`) to see the connections. It is
not among the benchmarks that run by default, because it takes as long as it is told to.
"""

from __future__ import annotations

import argparse
import random
import signal
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import psutil
import psycopg

from b24_pipeline.runtime import opened
from b24_pipeline.sandbox import CostModel, Limits, Sandbox, SandboxConfig
from b24_pipeline.settings import read_settings
from b24_pipeline.store.database.migrations import migrate
from b24_pipeline.store.database.warehouse import Warehouse
from benchmarks.setting import b24, environment

PERIOD_SECONDS = 600
EVENT_EVERY_SECONDS = 5
LOOK_SECONDS = 2
STOP_SECONDS = 60
ROWS = 80
MIB = 1024 * 1024

_PERIOD = """
select
    (select count(distinct user_account_id) from bitrix24_sync_log
     where entity_type = 'deal' and sync_type <> 'event' and sync_status = 'success'
        and finished_at > now() - interval '10 minutes'),
    (select count(*) from bitrix24_webhook_events where status = 'pending'),
    (select max(extract(epoch from handled_at - received_at)) from bitrix24_webhook_events
     where handled_at > now() - interval '10 minutes'),
    (select count(*) from dagster.event_logs),
    (select count(*) from dagster.runs where status in ('QUEUED', 'NOT_STARTED')),
    (select count(*) from dagster.runs where status in ('STARTED', 'STARTING')),
    (select count(*) from pg_stat_activity where datname = current_database())
"""


@dataclass
class Cores:
    """The time of cores that processes whose command line has one of some words have used; it looks now and then."""

    words: Sequence[str]
    seconds: float = 0.0
    largest_mib: float = 0.0
    """The memory of them all at its largest, each page counted once, PostgreSQL's own buffers included."""
    _last: dict[int, float] = field(default_factory=dict)

    def look(self) -> None:
        """Adds what was used since the last look."""
        memory = 0
        for process in psutil.process_iter(["pid", "cmdline", "cpu_times", "environ"]):
            line = " ".join(process.info["cmdline"] or ())
            if not any(word in line for word in self.words):
                continue
            times = process.info["cpu_times"]
            used = times.user + times.system
            self.seconds += max(0.0, used - self._last.get(process.info["pid"], 0.0))
            self._last[process.info["pid"]] = used
            with suppress(psutil.Error):
                memory += process.memory_full_info().pss
        self.largest_mib = max(self.largest_mib, memory / MIB)


@contextmanager
def hanging() -> Iterator[int]:
    """The port of a portal that takes every connection and never answers."""
    with socket.create_server(("127.0.0.1", 0), backlog=100) as server:
        kept: list[socket.socket] = []

        def take() -> None:
            with suppress(OSError):
                while True:
                    kept.append(server.accept()[0])

        threading.Thread(target=take, daemon=True).start()
        yield int(server.getsockname()[1])


def fleet_portal(number: int, deals: int, *, is_like_real: bool) -> SandboxConfig:
    """One of the portals; each has data of its own."""
    config = SandboxConfig(leads=min(deals, ROWS), deals=deals, seed=number)
    return replace(config, cost=CostModel(), limits=Limits.standard()) if is_like_real else config


def connect_all(settings: dict[str, str], sandboxes: Sequence[Sandbox], hanging_port: int) -> None:
    """Connects the sandboxes, the portal that hangs, and one at whose address nothing listens."""
    about: dict[str, Any] = {"entity_type": "both", "plan": "standard", "user_id": 1, "time_zone": "UTC"}
    warehouse = Warehouse(settings["DATABASE_URL"])
    migrate(warehouse)
    warehouse.close()
    ours = {name: value for name, value in settings.items() if name.startswith(("B24_", "DATABASE_"))}
    with opened(read_settings(**{name.lower(): value for name, value in ours.items()})) as runtime:
        urls = {f"portal-{number:03}": sandbox.webhook_url for number, sandbox in enumerate(sandboxes)}
        urls |= {
            "hangs": f"http://127.0.0.1:{hanging_port}/rest/1/secretsecret/",
            "dead": "http://127.0.0.1:9/rest/1/secretsecret/",
        }
        for name, url in urls.items():
            runtime.portals.add_webhook(name, url.split("/")[2], url, **about)


def disturb(url: str, sandboxes: Sequence[Sandbox], deals: int, stop: threading.Event) -> None:
    """Every few seconds a deal of some portal changes, and its event lands; so do events of the two that are away."""
    chance = random.Random(4)
    with psycopg.connect(url, autocommit=True) as connection:
        names = [f"portal-{number:03}" for number in range(len(sandboxes))]
        while not stop.wait(EVENT_EVERY_SECONDS):
            number = chance.randrange(len(sandboxes))
            sandboxes[number].change(1, seed=chance.randrange(10**6), kinds=("edit",))
            for name in (names[number], chance.choice(["hangs", "dead"])):
                connection.execute(
                    "insert into bitrix24_webhook_events (member_id, user_account_id, event, entity_type, entity_id)"
                    " select 'fleet', id, 'ONCRMDEALUPDATE', 'deal', %s from user_accounts where name = %s",
                    (chance.randrange(1, deals), name),
                )


def watch(url: str, minutes: float, cores: Cores) -> None:
    """Prints a line each ten minutes."""
    print(
        "minute  portals read  pending  slowest event s  event log  waiting  running  connections  cores used  MiB"
    )
    began = reported = time.monotonic()
    while time.monotonic() - began < minutes * 60:
        time.sleep(LOOK_SECONDS)
        cores.look()
        if time.monotonic() - reported < PERIOD_SECONDS:
            continue
        used, cores.seconds = cores.seconds / (time.monotonic() - reported), 0.0
        memory, cores.largest_mib = cores.largest_mib, 0.0
        reported = time.monotonic()
        with psycopg.connect(url) as connection:
            figures = connection.execute(_PERIOD).fetchone() or ()
        line = "  ".join(f"{figure if figure is None else round(figure, 1):>10}" for figure in figures)
        print(f"{(reported - began) / 60:6.0f}  {line}  {used:10.2f}  {memory:6.0f}", flush=True)


def main() -> None:
    """Connects the portals, starts `b24 up`, and watches it."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fleet", description=__doc__)
    parser.add_argument("--database", required=True, help="URL of an empty database that may be filled")
    parser.add_argument("--portals", type=int, default=50, help="with the two that are away")
    parser.add_argument(
        "--deals", type=int, default=ROWS, help="of each portal; leads are as many, 80 at most"
    )
    parser.add_argument(
        "--like-real",
        action="store_true",
        help="portals take 60 ms a request and have a real portal's limits",
    )
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument(
        "--postgres", default="postgres: ", help="what is in the command line of its PostgreSQL"
    )
    given = parser.parse_args()
    stop = threading.Event()
    with ExitStack() as stack, tempfile.TemporaryDirectory() as folder:
        sandboxes = [
            stack.enter_context(Sandbox(fleet_portal(number, given.deals, is_like_real=given.like_real)))
            for number in range(given.portals - 2)
        ]
        settings = environment(given.database) | {"B24_HOME": folder}
        connect_all(settings, sandboxes, stack.enter_context(hanging()))
        with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as other:
            ports = [str(each.getsockname()[1]) for each in (one, other)]
        log = stack.enter_context((Path(folder) / "up.log").open("wb"))
        up = subprocess.Popen(
            b24("up", "--port", ports[0], "--web-port", ports[1]), env=settings, stdout=log, stderr=log
        )
        threading.Thread(
            target=disturb, args=(given.database, sandboxes, given.deals, stop), daemon=True
        ).start()
        try:
            watch(given.database, given.minutes, Cores(["b24_pipeline", "dagster", given.postgres]))
        finally:
            stop.set()
            up.send_signal(signal.SIGTERM)
            up.wait(STOP_SECONDS)


if __name__ == "__main__":
    main()
