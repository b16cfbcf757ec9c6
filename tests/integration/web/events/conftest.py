"""The webhook's address, and a portal that may send events to it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import httpx
import pytest

from b24_pipeline.store.database.warehouse import Warehouse
from b24_pipeline.web.events.receiver import Receiver
from tests.support import installation
from tests.support.data.events import may_send
from tests.support.installation import fetch
from tests.support.servers.serving import receiver_of, served

FORM = {"Content-Type": "application/x-www-form-urlencoded", "User-Agent": "Bitrix24 Webhook Engine"}
CLIENT = httpx.Client(headers=FORM, timeout=10, trust_env=False, verify=False)


def post(url: str, content: Any) -> httpx.Response:
    return CLIENT.post(url, content=content)


def landed(warehouse: Warehouse) -> list[dict[str, Any]]:
    return fetch(warehouse, "select * from bitrix24_webhook_events order by id")


@pytest.fixture
def account(warehouse: Warehouse) -> UUID:
    """A portal that may send events."""
    made: UUID = installation.account(warehouse)
    may_send(warehouse, made)
    return made


@pytest.fixture
def receiver(warehouse: Warehouse) -> Receiver:
    return receiver_of(warehouse)


@pytest.fixture
def url(receiver: Receiver) -> Iterator[str]:
    with served(receiver) as address:
        yield address
