"""Somebody in the portal who holds an access token of our application: what they can and cannot do with it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from b24_pipeline.sandbox import Sandbox
from tests.acceptance.conftest import B24
from tests.support.data.events import fields
from tests.support.servers.browser import follow
from tests.support.servers.live_service import live

PLANTED = "ffffffff4b5a69788796a5b4c3d2e1f0"


@dataclass
class Connected:
    """A portal connected by a browser, which has sent no event yet."""

    sandbox: Sandbox
    handler: str
    database_url: str

    def post(self, event: str, token: str, **auth: str) -> int:
        """Posts an event as an insider would; the status of the answer."""
        form = fields(event, member=self.sandbox.member_id, token=token, **auth)
        return httpx.post(self.handler, data=form, trust_env=False, timeout=30).status_code

    def plant(self, token: str = PLANTED) -> int:
        """An event with a token of their own, and with an access token that our application gave them."""
        insider = self.sandbox.portal.application.grants.grant(1)
        return self.post("ONCRMDEALUPDATE", token, access_token=insider.access)

    def change(self) -> list[Any]:
        """The portal sends an event; the statuses that it got so far."""
        self.sandbox.add("lead", {"TITLE": "new"})
        return [sent.status for sent in self.sandbox.wait_for_events()]

    def row(self) -> dict[str, Any]:
        asked = (
            "select bitrix24_status as status, bitrix24_refresh_token is not null as has_tokens,"
            " (select count(*) from bitrix24_webhook_events) as landed from user_accounts"
        )
        with psycopg.connect(self.database_url) as connection:
            status, has_tokens, landed = connection.execute(asked).fetchall()[0]
        return {"status": status, "has_tokens": has_tokens, "landed": landed}


@pytest.fixture
def connected(b24_here: B24, tmp_path: Path, database_url: str) -> Iterator[Connected]:
    with live(database_url, tmp_path, leads=5, deals=5) as service:
        printed = b24_here("portal", "connect", "acme", service.sandbox.url, env=service.environment)
        assert printed.returncode == 0, printed.stderr
        assert follow(printed.stdout.strip()).status_code == 200
        yield Connected(service.sandbox, f"{service.address}/webhooks/bitrix24", database_url)


def test_a_planted_application_token_cuts_nobody_off(connected: Connected) -> None:
    """The portal's own events are heard, whoever came first and however many tokens were planted."""
    connected.plant()
    assert connected.change() == [200]
    for number in range(12):
        connected.plant(f"{number:032x}")
    assert connected.change() == [200, 200]


def test_a_planted_application_token_removes_nothing(connected: Connected) -> None:
    """The removal that it announces is refused while our own credential works; a real one takes the tokens at once."""
    connected.plant()
    assert connected.post("ONAPPUNINSTALL", PLANTED) == 403
    assert connected.row()["status"] == "connected"
    assert connected.row()["has_tokens"]
    connected.sandbox.expire_tokens()  # a credential that can be refreshed works as well
    assert connected.post("ONAPPUNINSTALL", PLANTED) == 403
    assert connected.row()["status"] == "connected"
    assert connected.change() == [200]
    connected.sandbox.uninstall_app()
    connected.sandbox.wait_for_events()
    row = connected.row()
    assert (row["status"], row["has_tokens"]) == ("disconnected", False)
    assert connected.post("ONCRMDEALUPDATE", PLANTED) == 403


def test_a_removal_is_not_believed_from_the_first_stranger(connected: Connected) -> None:
    """Without a token of the portal nothing is even asked."""
    assert connected.change() == [200]
    assert connected.post("ONAPPUNINSTALL", PLANTED) == 403
    assert connected.row() == {"status": "connected", "has_tokens": True, "landed": 1}
