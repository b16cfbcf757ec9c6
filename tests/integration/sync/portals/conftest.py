"""A portal that is connected by OAuth, with an authorization server that the test steers."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import pytest

from b24_pipeline.store.database.vault import Vault
from b24_pipeline.store.database.warehouse import Warehouse
from b24_pipeline.store.portals.portal import Portal
from b24_pipeline.store.portals.portals import Portals
from b24_pipeline.sync.connections import Connections
from b24_pipeline.sync.portals.oauth import PortalConnector
from tests.support.installation import KEY, NO_LIMIT, fetch
from tests.support.servers.authorization_server import ALLOWED, MEMBER, AuthorizationServer, Sent

PUBLIC = "https://pipeline.example.com"
BROWSER = "cookie-of-a-browser"
OTHER_MEMBER = "f" * 32
SENDER = "198.51.100.7"


class Setting:
    """An installation that knows one authorization server."""

    def __init__(self, warehouse: Warehouse, bitrix: AuthorizationServer) -> None:
        self.warehouse, self.bitrix = warehouse, bitrix
        self.portals = Portals(warehouse, Vault(KEY))
        self.connections = Connections(warehouse, self.portals, ALLOWED, NO_LIMIT, oauth=bitrix.app)
        self.connecting = PortalConnector(self.connections, bitrix.app, PUBLIC + "/")

    def begin(self, name: str = "acme", entity_type: str = "both", browser: str = BROWSER) -> str:
        """Sends a browser away; the state that it takes along."""
        url = self.connecting.begin(name, self.bitrix.domain, entity_type, browser)
        assert url.startswith(f"{self.bitrix.origin}/oauth/authorize/?client_id=")
        return parse_qs(urlsplit(url).query)["state"][0]

    def connect(self, name: str = "acme", entity_type: str = "both", **grant: str) -> Portal:
        """All the way."""
        state = self.begin(name, entity_type)
        return self.connecting.finish(self.bitrix.code(**grant), state, BROWSER)

    def install(
        self,
        *,
        member_id: str = MEMBER,
        application_token: str = "apptoken",
        sender: str = SENDER,
        **pair: str,
    ) -> Portal:
        tokens = self.bitrix.tokens() | pair
        sent = Sent(member_id, application_token, tokens["access_token"], tokens["refresh_token"])
        return self.connecting.install(sent, sender)

    def prove(self, sent: Sent, sender: str = SENDER) -> Portal | None:
        return self.connecting.prove(sent, sender)

    def stored(self) -> list[dict[str, object]]:
        return fetch(self.warehouse, "select * from user_accounts order by name")


@pytest.fixture
def bitrix() -> Iterator[AuthorizationServer]:
    """An authorization server with its portal."""
    with AuthorizationServer().serve() as serving:
        yield serving


@pytest.fixture
def setting(warehouse: Warehouse, bitrix: AuthorizationServer) -> Setting:
    """Nothing is connected yet."""
    return Setting(warehouse, bitrix)
