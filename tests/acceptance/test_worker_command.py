"""`b24 worker` where it cannot work: one line that says why, and no password in it."""

from __future__ import annotations

import pytest

from tests.acceptance.conftest import B24
from tests.support.installation import free_port


@pytest.mark.parametrize(
    ("settings", "code", "said"),
    [
        ({}, 2, "B24_BROKER_URL is not set: workers take runs from the broker that it names"),
        (
            {"B24_BROKER_URL": "http://10.0.0.5"},
            1,
            "B24_BROKER_URL cannot be used: expected the URL of a Redis or RabbitMQ, which begins with redis://",
        ),
        (
            {"B24_BROKER_URL": "redis://:c4n4ry@127.0.0.1:{port}/0"},
            1,
            "the broker at redis://127.0.0.1:{port} cannot",
        ),
        (
            {"B24_BROKER_URL": "amqp://b24:c4n4ry@127.0.0.1:{port}//"},
            1,
            "the broker at amqp://127.0.0.1:{port} cannot",
        ),
    ],
    ids=["unset", "neither", "redis away", "rabbitmq away"],
)
def test_a_worker_without_a_broker_says_so(
    b24_here: B24, settings: dict[str, str], code: int, said: str
) -> None:
    """At once, so that a supervisor may start it again."""
    port = str(free_port())
    ended = b24_here("worker", env={name: value.format(port=port) for name, value in settings.items()})
    assert ended.returncode == code, ended.stderr
    assert said.format(port=port) in ended.stderr
    assert len(ended.stderr.strip().splitlines()) == 1
    assert "c4n4ry" not in ended.stderr + ended.stdout


def test_a_worker_needs_a_database_that_others_reach(b24_here: B24) -> None:
    """An embedded one is this machine's alone."""
    ended = b24_here("worker", env={"DATABASE_URL": "", "B24_BROKER_URL": "redis://127.0.0.1:1/0"})
    assert ended.returncode == 2
    assert "DATABASE_URL is not set: workers share a database" in ended.stderr
