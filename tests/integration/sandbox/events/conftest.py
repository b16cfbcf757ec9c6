"""A handler of events, and a portal that sends to it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from b24_pipeline.sandbox import Sandbox
from tests.integration.sandbox.conftest import App
from tests.support.servers.event_receiver import Receiver

ADD, UPDATE, DELETE = "ONCRMDEALADD", "ONCRMDEALUPDATE", "ONCRMDEALDELETE"
MOVED = "ONCRMDEALMOVETOCATEGORY"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A handler that answers 200."""
    with Receiver() as one:
        yield one


def connected(sandbox: Sandbox, receiver: Receiver, *events: str) -> str:
    """Bind events to the receiver; the access token."""
    token: str = App(sandbox).tokens()["access_token"]
    App(sandbox).bind(token, receiver.url, *events)
    return token


def deal(sandbox: Sandbox, place: int = 0) -> int:
    """The id of a deal."""
    return int(sandbox.truth.entities("deal")["ID"].iloc[place])
