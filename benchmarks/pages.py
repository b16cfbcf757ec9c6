"""Server time of each page over 500,000 deals: the promise is a median under 300 ms on two cores.

Asked by one reader over HTTP, signed in as a person is; the time is that from the request to the whole answer. Pages
are asked with their heaviest choices too: all time, and a filter.
"""

from __future__ import annotations

import os
import time

import httpx
from cryptography.fernet import Fernet

from b24_pipeline.models import build, load_project
from b24_pipeline.store.database.vault import Vault
from b24_pipeline.store.database.warehouse import Warehouse
from b24_pipeline.store.portals.portals import Portals
from b24_pipeline.web.assembly import assemble
from benchmarks import models
from benchmarks.setting import database, median, report
from tests.support.servers.web_service import KEY, ScriptedService, parts_of, served

DEALS = int(os.environ.get("B24_BENCH_DEALS", "500000"))
PROMISED_SECONDS = 0.3
ALL_TIME = "from=&to="
PAGES = (
    "/portals",
    "/access",
    "/connect",
    "funnel",
    f"funnel?{ALL_TIME}",
    f"funnel?{ALL_TIME}&qualified=yes&definition=strict",
    f"cohorts?{ALL_TIME}",
    f"flow?{ALL_TIME}",
    f"flow?{ALL_TIME}&step=day",
    "revenue",
    f"revenue?{ALL_TIME}",
    "speed",
    f"speed?{ALL_TIME}",
    "speed?by=person",
    "people",
    f"people?{ALL_TIME}",
    "people/list?person=1&which=open",
    f"people/list?person=1&which=won&{ALL_TIME}",
    "creatives",
    f"creatives?{ALL_TIME}",
    "funnel/stage?stage=C0:S5",
    f"funnel/stage?stage=C0:S5&{ALL_TIME}",
    "leads",
    "key-stages",
    "qualification",
    "stages",
    "entities",
    "trust",
)


def run(rounds: int) -> None:
    """Each page so often; B24_BENCH_HOLD keeps the service for looking at it, until it is interrupted."""
    models.DEALS = DEALS
    with database() as url:
        warehouse = Warehouse(url)
        with warehouse.connect() as connection:
            models.fill(connection)
        with warehouse.autocommit() as connection:
            connection.execute("analyze")
        build(warehouse.connect, load_project(), with_tests=False)
        portals = Portals(warehouse, Vault(Fernet.generate_key().decode()))
        parts = parts_of(warehouse=warehouse, portals=portals, service=ScriptedService(), admin_key=KEY)
        with (
            served(assemble(parts)) as address,
            httpx.Client(base_url=address, trust_env=False, timeout=60) as client,
        ):
            client.post("/sign-in", data={"key": KEY}, headers={"Origin": address})
            name = portals.all()[0].name
            for page in PAGES:
                path = page if page.startswith("/") else f"/p/{name}/{page}"
                report(
                    f"seconds of {page}, {DEALS:,} deals",
                    median([_seconds(client, path) for _ in range(rounds + 1)][1:]),
                    PROMISED_SECONDS,
                    at_least=False,
                    unit=" s",
                )
            if "B24_BENCH_HOLD" in os.environ:
                print(f"{address}/p/{name}/funnel, key {KEY}, database {url}", flush=True)
                time.sleep(float(os.environ["B24_BENCH_HOLD"]))
        warehouse.close()


def _seconds(client: httpx.Client, path: str) -> float:
    started = time.monotonic()
    answer = client.get(path)
    answer.raise_for_status()
    return time.monotonic() - started
