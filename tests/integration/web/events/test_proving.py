"""Tokens that are not known: liars have proofs of their own, and keep nobody else from being heard."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import httpx
import pytest

from b24_pipeline.bitrix.events.inbound import InboundEvent
from b24_pipeline.errors import InstallUnproved
from b24_pipeline.store.database.vault import Vault
from b24_pipeline.store.database.warehouse import Warehouse
from b24_pipeline.store.portals.portals import Portals
from b24_pipeline.web.assembly import assemble
from b24_pipeline.web.client_address import ClientAddresses
from b24_pipeline.web.events.proving import MOST_LEARNT_OF_ONE, Proofs
from tests.support.data.events import MEMBER, body
from tests.support.installation import KEY, execute
from tests.support.servers.serving import receiver_of
from tests.support.servers.web_service import parts_of, served

LIAR, BITRIX = "203.0.113.66", "198.51.100.7"
GENUINE = "5ba3d1b7c2e14f0c9d3a6e8f70112233"


class Server:
    """Plays the authorization server: it knows one access token, and takes its time over lies."""

    def __init__(self, portals: Portals) -> None:
        self.portals = portals
        self.asked: list[str] = []
        self.under_way = 0
        self.most_under_way = 0
        self._guard = threading.Lock()

    def prove(self, event: InboundEvent, sender: str) -> None:
        with self._guard:
            self.asked.append(sender)
            self.under_way += 1
            self.most_under_way = max(self.most_under_way, self.under_way)
        try:
            if event.access_token != "true":
                time.sleep(0.5)
                raise InstallUnproved("acme", "no")
            self.portals.learn_application_token(self.portals.one("acme"), event.application_token)
        finally:
            with self._guard:
                self.under_way -= 1


@pytest.fixture
def by_oauth(warehouse: Warehouse, account: UUID) -> UUID:
    """A portal connected by OAuth, whose application token is another one."""
    execute(warehouse, "update user_accounts set bitrix24_refresh_token = 'locked' where id = %s", account)
    return account


def test_liars_do_not_crowd_the_portal_out(warehouse: Warehouse, by_oauth: UUID) -> None:
    """While one sender's inventions are asked about, at most two at once, the portal's own event is proved."""
    server = Server(Portals(warehouse, Vault(KEY)))
    receiver = receiver_of(warehouse, proofs=Proofs(prove=server.prove))
    app = assemble(parts_of(receiver=receiver, addresses=ClientAddresses(["127.0.0.1"])))
    with served(app) as address, httpx.Client(base_url=address, trust_env=False, timeout=10) as client:

        def post(sender: str, token: str, access_token: str) -> int:
            form = body(member=MEMBER, token=token, access_token=access_token)
            return client.post(
                "/webhooks/bitrix24", content=form, headers={"X-Forwarded-For": sender}
            ).status_code

        with ThreadPoolExecutor(21) as senders:
            lies = [senders.submit(post, LIAR, f"invented {number}", "false") for number in range(20)]
            time.sleep(0.2)
            assert post(BITRIX, GENUINE, "true") == 200
            assert {lie.result() for lie in lies} == {403}
    assert server.asked.count(BITRIX) == 1
    assert server.asked.count(LIAR) <= MOST_LEARNT_OF_ONE * 2
    assert server.most_under_way <= MOST_LEARNT_OF_ONE + 1
    assert by_oauth
