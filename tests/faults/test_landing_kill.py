"""SIGKILL of `b24 serve` while events are posted: what was answered 200 is in the landing table."""

from __future__ import annotations

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path

import httpx
import pytest

from b24_pipeline.store.database.warehouse import Warehouse
from tests.support import installation
from tests.support.data.events import body, may_send
from tests.support.installation import KEY, fetch, free_port
from tests.support.servers.serving import serve

SENDERS = 8


class Senders:
    """Post events one after the other until the receiver is gone; `answered` are those with a 200."""

    def __init__(self, url: str, numbers: count[int], most: int) -> None:
        self.url = f"{url}/webhooks/bitrix24"
        self.answered: set[int] = set()
        self.enough = threading.Event()
        self._numbers = numbers
        self._most = most

    def post(self) -> None:
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        with httpx.Client(trust_env=False, headers=headers) as client:
            while True:
                number = next(self._numbers)
                try:
                    answer = client.post(self.url, content=body(number=number))
                except httpx.HTTPError:
                    return
                if answer.status_code == 200:
                    self.answered.add(number)
                if len(self.answered) >= self._most:
                    self.enough.set()


@pytest.mark.parametrize(("kills", "events"), [(3, 700), pytest.param(10, 20_000, marks=pytest.mark.slow)])
def test_every_event_answered_200_has_landed(
    warehouse: Warehouse, tmp_path: Path, kills: int, events: int
) -> None:
    """Killed at full speed, several times over."""
    may_send(warehouse, installation.account(warehouse))
    numbers, answered = count(1), set()
    url = warehouse.url.for_people(hide_password=False)
    environment = os.environ | {"DATABASE_URL": url, "B24_SECRET_KEYS": KEY}
    for _ in range(kills):
        port = free_port()
        with serve(tmp_path, environment, port) as service:
            senders = Senders(f"http://127.0.0.1:{port}", numbers, events // kills)
            with ThreadPoolExecutor(SENDERS) as threads:
                running = [threads.submit(senders.post) for _ in range(SENDERS)]
                assert senders.enough.wait(120)
                service.kill()
                for one in running:
                    one.result()
        answered |= senders.answered
    assert len(answered) >= events - kills
    landed = {row["entity_id"] for row in fetch(warehouse, "select entity_id from bitrix24_webhook_events")}
    assert answered <= landed
    assert len(landed - answered) <= kills * SENDERS
