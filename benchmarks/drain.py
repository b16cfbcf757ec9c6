"""A backlog of inbound events: how long it takes to drain, and in how many requests."""

from __future__ import annotations

import math
import re

from b24_pipeline.store.database.warehouse import Warehouse
from benchmarks.setting import Portal, b24, connect, database, environment, measured, median, portal, report

OBJECTS = 20_000
EVENTS_AN_OBJECT = 10
OBJECTS_A_REQUEST = 2_500


def run(rounds: int) -> None:
    """200,000 events of 20,000 deals that are here already, from a portal without latency and limits."""
    seconds, requests = [], []
    for _ in range(rounds):
        with portal(deals=OBJECTS) as source, database() as url:
            settings = environment(url)
            connect(source, settings)
            measured(b24("sync", "bench", "--no-models"), settings)
            _land(url)
            source.reset()
            done = measured(b24("drain", "--no-models"), settings)
            seconds.append(done.seconds)
            requests.append(_requests(source))
            _all_drained(url)
            found = re.search(r"bench +deal +event .*", done.output)
            print(f"{found[0] if found else done.output}; {done.peak_mib:.0f} MiB", flush=True)
    report("seconds to drain 200,000 events of 20,000 deals", median(seconds), 120, at_least=False, unit=" s")
    fewest = math.ceil(OBJECTS / OBJECTS_A_REQUEST)
    report("of the fewest requests", median(requests) / fewest, 1.2, at_least=False, unit=" x")


def _requests(source: Portal) -> float:
    return float(source.stats()["requests"])


def _land(url: str) -> None:
    """The events of each deal are far from one another, as they come."""
    warehouse = Warehouse(url)
    with warehouse.connect() as connection:
        connection.execute(
            "insert into bitrix24_webhook_events (member_id, user_account_id, event, entity_type, entity_id)"
            " select 'bench', d.user_account_id, 'ONCRMDEALUPDATE', 'deal', d.id"
            " from generate_series(1, %s) as round cross join bitrix24_deals as d",
            (EVENTS_AN_OBJECT,),
        )
    warehouse.close()


def _all_drained(url: str) -> None:
    warehouse = Warehouse(url)
    with warehouse.connect() as connection:
        found = connection.execute(
            "select status, count(*) from bitrix24_webhook_events group by status"
        ).fetchall()
    warehouse.close()
    assert found == [("done", OBJECTS * EVENTS_AN_OBJECT)], found
