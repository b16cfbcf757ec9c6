"""Two portals and one service: an event cannot give a portal the identity of another one."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import psycopg
import pytest

from b24_pipeline.sandbox import Sandbox, SandboxConfig
from b24_pipeline.store.events.senders import FRESH_SECONDS
from tests.acceptance.conftest import B24
from tests.support.data.events import fields
from tests.support.servers.browser import follow
from tests.support.servers.live_service import live

TOKEN = "0f1e2d3c4b5a69788796a5b4c3d2e1f0"


@dataclass
class Neighbours:
    """The portal of acme, which knows our application, and that of bcorp, connected by a webhook credential."""

    acme: Sandbox
    bcorp: Sandbox
    b24: B24
    env: dict[str, str]
    handler: str
    database_url: str

    def accounts(self) -> dict[str, tuple[str, str | None]]:
        """Address and identity of each account, by name."""
        asked = "select name, bitrix24_domain, bitrix24_member_id from user_accounts"
        with psycopg.connect(self.database_url) as connection:
            return {name: (domain, member) for name, domain, member in connection.execute(asked).fetchall()}

    def leads(self) -> dict[str, int]:
        """How many leads were copied, by the name of the account."""
        asked = (
            "select a.name, count(*) from bitrix24_leads as l"
            " join user_accounts as a on a.id = l.user_account_id group by a.name"
        )
        with psycopg.connect(self.database_url) as connection:
            return {str(name): int(count) for name, count in connection.execute(asked).fetchall()}

    def address(self, sandbox: Sandbox) -> str:
        return sandbox.url.removeprefix("http://")


@pytest.fixture
def neighbours(b24_here: B24, tmp_path: Path, database_url: str) -> Iterator[Neighbours]:
    with (
        live(database_url, tmp_path, leads=30, deals=5, seed=7) as service,
        Sandbox(SandboxConfig(leads=20, deals=5, seed=8)) as bcorp,
    ):
        env = service.environment
        token = ("--application-token", TOKEN)
        added = b24_here("portal", "add", "bcorp", "--webhook-url", bcorp.webhook_url, *token, env=env)
        assert added.returncode == 0, added.stderr
        handler = f"{service.address}/webhooks/bitrix24"
        yield Neighbours(service.sandbox, bcorp, b24_here, env, handler, database_url)


def claim_to_be_acme(neighbours: Neighbours) -> None:
    """The administrator of bcorp, who knows its token, posts an event with the identity of acme."""
    event = fields(member=neighbours.acme.member_id, token=TOKEN)
    httpx.post(neighbours.handler, data=event, trust_env=False)


def connect_by_link(neighbours: Neighbours) -> None:
    printed = neighbours.b24("portal", "connect", "acme", neighbours.acme.url, env=neighbours.env)
    assert printed.returncode == 0, printed.stderr
    page = follow(printed.stdout.strip())
    assert page.status_code == 200, page.text


def install_the_application(neighbours: Neighbours) -> None:
    neighbours.acme.install_app(neighbours.handler)
    assert [sent.status for sent in neighbours.acme.wait_for_events()] == [200]


@pytest.mark.parametrize("connect", [connect_by_link, install_the_application])
def test_an_event_gives_no_portal_the_identity_of_another(
    neighbours: Neighbours, connect: Callable[[Neighbours], None]
) -> None:
    """The other portal is connected as itself, and the rows of each are in its own account."""
    claim_to_be_acme(neighbours)
    assert neighbours.accounts() == {"bcorp": (neighbours.address(neighbours.bcorp), None)}
    connect(neighbours)
    accounts = neighbours.accounts()
    assert accounts.pop("bcorp") == (neighbours.address(neighbours.bcorp), None)
    ((name, identity),) = accounts.items()
    assert identity == (neighbours.address(neighbours.acme), neighbours.acme.member_id)
    claim_to_be_acme(neighbours)
    synced = neighbours.b24("sync", "--no-models", env=neighbours.env)
    assert synced.returncode == 0, synced.stderr
    assert neighbours.leads() == {"bcorp": 20, name: 30}


def test_events_of_an_outgoing_webhook_are_proved_by_its_token(neighbours: Neighbours) -> None:
    """Whatever identity they name: they land in the account that has the token, and nowhere else."""
    neighbours.bcorp.add_outgoing_webhook(neighbours.handler, ["ONCRMLEADADD"], TOKEN)
    neighbours.bcorp.add("lead", {"TITLE": "new"})
    assert [sent.status for sent in neighbours.bcorp.wait_for_events()] == [200]
    assert neighbours.accounts()["bcorp"] == (neighbours.address(neighbours.bcorp), None)
    connect_by_link(neighbours)
    time.sleep(FRESH_SECONDS)
    event = fields(member=neighbours.acme.member_id, token=TOKEN)
    refused = httpx.post(neighbours.handler, data=event, trust_env=False)
    assert refused.status_code == 403
