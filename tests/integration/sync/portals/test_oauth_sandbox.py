"""The sandbox connected by OAuth: what Bitrix24 does, as far as the sandbox plays it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from queue import Queue
from urllib.parse import parse_qs, parse_qsl, urlsplit

import httpx
import pytest

from b24_pipeline.bitrix.auth.oauth import OAuthApp
from b24_pipeline.errors import AppRemoved
from b24_pipeline.sandbox import Sandbox, SandboxConfig
from b24_pipeline.store.database.vault import Vault
from b24_pipeline.store.database.warehouse import Warehouse
from b24_pipeline.store.portals.portal import Portal
from b24_pipeline.store.portals.portals import Portals
from b24_pipeline.sync.connections import Connections
from b24_pipeline.sync.events.bindings import missing_events
from b24_pipeline.sync.options import Options
from b24_pipeline.sync.portals.oauth import PortalConnector
from b24_pipeline.sync.run import SyncRequest, sync_portals
from tests.support.installation import KEY, NO_LIMIT, fetch
from tests.support.servers.authorization_server import Sent

ALLOWED = ("127.0.0.1", "127.0.0.2")
BROWSER = "cookie-of-a-browser"


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """A small portal on an Enterprise plan."""
    with Sandbox(SandboxConfig(leads=40, deals=60, license_family="ent")) as running:
        yield running


@contextmanager
def receiver() -> Iterator[tuple[str, Queue[dict[str, str]]]]:
    """A handler of events; its address, and the forms that it got."""
    got: Queue[dict[str, str]] = Queue()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            content = self.rfile.read(int(self.headers["Content-Length"]))
            got.put(dict(parse_qsl(content.decode())))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", got
    finally:
        server.shutdown()
        server.server_close()


def sent(event: dict[str, str]) -> Sent:
    """What the event brings along."""
    names = ("member_id", "application_token", "access_token", "refresh_token")
    return Sent(*(event.get(f"auth[{name}]") for name in names))  # type: ignore[arg-type]


class Setting:
    """An installation that knows the sandbox's authorization server."""

    def __init__(
        self, warehouse: Warehouse, sandbox: Sandbox, public_url: str, redirect_uri: str | None = None
    ) -> None:
        config = sandbox.config
        app = OAuthApp.of(
            config.client_id, config.client_secret, sandbox.authorization_url, ALLOWED, redirect_uri
        )
        self.sandbox = sandbox
        self.portals = Portals(warehouse, Vault(KEY))
        self.connections = Connections(warehouse, self.portals, ALLOWED, NO_LIMIT, oauth=app)
        self.connecting = PortalConnector(self.connections, app, public_url)

    def connect(self) -> Portal:
        """As a browser does it, the button pressed."""
        domain = self.sandbox.url.partition("://")[2]
        url = self.connecting.begin("acme", domain, "both", BROWSER)
        answer = httpx.get(url + "&confirm=Y", follow_redirects=False)
        back = {name: one[0] for name, one in parse_qs(urlsplit(answer.headers["Location"]).query).items()}
        return self.connecting.finish(back["code"], back["state"], BROWSER, back["domain"], back["member_id"])


def test_connected_synced_and_told_of_changes(warehouse: Warehouse, sandbox: Sandbox) -> None:
    """A whole sync by OAuth; its events arrive, and the first one tells the application token."""
    with receiver() as (url, got):
        setting = Setting(warehouse, sandbox, url)
        portal = setting.connect()
        assert (portal.member_id, portal.plan, portal.connected_by) == (
            sandbox.member_id,
            "enterprise",
            "oauth",
        )
        with setting.connections.client(portal) as client:
            assert missing_events(client, setting.connecting.handler_url) == []
        outcomes = sync_portals(setting.connections, [portal], SyncRequest(), Options())
        assert [outcome.error for outcome in outcomes if outcome.error] == []
        assert fetch(warehouse, "select count(*) as n from bitrix24_deals") == [{"n": 60}]
        sandbox.change(1, 5, ("stage",))
        event = got.get(timeout=20)
        known = setting.connecting.prove(sent(event), "198.51.100.7")
        assert known is not None
        assert setting.portals.application_token(known) == sandbox.config.application_token


def test_connected_with_a_redirect_address(warehouse: Warehouse, sandbox: Sandbox) -> None:
    """It is sent with the link and with the code, and the portal connects as it does without."""
    setting = Setting(warehouse, sandbox, "http://127.0.0.1:9", sandbox.config.redirect_uri)
    link = setting.connecting.begin("acme", sandbox.url.partition("://")[2], "both", BROWSER)
    assert parse_qs(urlsplit(link).query)["redirect_uri"] == [sandbox.config.redirect_uri]
    assert (setting.connect().status, sandbox.token_outcomes) == ("connected", {"authorization_code": 1})


def test_tokens_are_refreshed_and_a_move_is_followed(warehouse: Warehouse, sandbox: Sandbox) -> None:
    """Expired in the middle, then renamed; the next client starts at the new address."""
    setting = Setting(warehouse, sandbox, "http://127.0.0.1:9")
    with setting.connections.client(setting.connect()) as client:
        sandbox.expire_tokens()
        assert client.call("profile").result["ID"] == "1"
        address = sandbox.rename("127.0.0.2")
        sandbox.expire_tokens()
        assert client.call("profile").result["ID"] == "1"
    moved = setting.portals.one("acme")
    assert moved.domain == address
    with setting.connections.client(moved) as client:
        assert client.call("profile").result["ID"] == "1"
    assert sandbox.token_outcomes.get("refresh_token") == 2
    assert "invalid_grant" not in sandbox.token_outcomes


def test_installed_by_an_event_and_uninstalled(warehouse: Warehouse, sandbox: Sandbox) -> None:
    """An "API only" application; once it is removed, its calls say so."""
    with receiver() as (url, got):
        setting = Setting(warehouse, sandbox, url)
        sandbox.install_app(url)
        event = got.get(timeout=20)
        portal = setting.connecting.install(sent(event), "198.51.100.7")
        assert setting.portals.application_token(portal) == sandbox.config.application_token
        with setting.connections.client(portal) as client:
            assert missing_events(client, setting.connecting.handler_url) == []
            sandbox.uninstall_app()
            with pytest.raises(AppRemoved):
                client.call("profile")
        assert setting.portals.one(portal.name).status == "disconnected"
        setting.connecting.disconnect(setting.portals.one(portal.name))
