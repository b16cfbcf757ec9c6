"""`b24 serve` while thousands of its connections are held by clients that say nothing, or read nothing."""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path
from uuid import UUID

import pytest

from b24_pipeline.store.database.warehouse import Warehouse
from b24_pipeline.web.connections import ConnectionLimits
from tests.acceptance.conftest import KEY
from tests.support.data.events import may_send
from tests.support.installation import account, fetch, free_port
from tests.support.servers.held_sockets import (
    all_closed,
    allow_descriptors,
    events_sent,
    many_held,
)
from tests.support.servers.serving import serve

ATTACKERS = pytest.mark.parametrize(
    "attackers", [["127.0.0.1"], [f"127.0.0.{n}" for n in range(2, 10)]], ids=["one", "many"]
)


@ATTACKERS
def test_no_event_is_lost_among_held_sockets(
    warehouse: Warehouse, b24_env: dict[str, str], tmp_path: Path, attackers: list[str]
) -> None:
    """All places are taken by held sockets, and more are opened while events come; all land, within a second."""
    _held_while_events_come(warehouse, b24_env, tmp_path, attackers, of_each_kind=300, seconds=3, a_second=50)


@pytest.mark.slow
@ATTACKERS
def test_no_event_is_lost_among_thousands_of_held_sockets(
    warehouse: Warehouse, b24_env: dict[str, str], tmp_path: Path, attackers: list[str]
) -> None:
    """Two thousand of each kind and two hundred events a second for ten; after the deadlines no socket is open."""
    _held_while_events_come(
        warehouse, b24_env, tmp_path, attackers, of_each_kind=2000, seconds=10, a_second=200, wait=True
    )


def _held_while_events_come(
    warehouse: Warehouse,
    env: dict[str, str],
    folder: Path,
    attackers: list[str],
    *,
    of_each_kind: int,
    seconds: int,
    a_second: int,
    wait: bool = False,
) -> None:
    allow_descriptors()
    sender: UUID = account(warehouse)
    may_send(warehouse, sender, key=KEY)
    port = free_port()
    with serve(folder, env, port), many_held(port, of_each_kind, attackers) as held:
        while len(held) < ConnectionLimits().most:
            time.sleep(0.1)
        answers = events_sent(port, seconds, a_second)
        assert Counter(status for status, _ in answers) == {b"200": seconds * a_second}
        assert max(took for _, took in answers) < 1
        if wait:
            limits = ConnectionLimits()
            assert all_closed(held, limits.answer_seconds + limits.body_seconds)
    (row,) = fetch(warehouse, "select count(distinct entity_id) as n from bitrix24_webhook_events")
    assert row["n"] == seconds * a_second
