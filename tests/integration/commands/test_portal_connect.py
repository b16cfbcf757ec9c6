"""`b24 portal connect`, `b24 portal add --application-token`, `b24 keys rotate`."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from cryptography.fernet import Fernet
from typer.testing import CliRunner

from b24_pipeline import errors as e
from b24_pipeline.cli import app
from b24_pipeline.settings import settings
from b24_pipeline.store.database.vault import Vault
from b24_pipeline.store.database.warehouse import Warehouse
from b24_pipeline.store.portals.portals import Portals
from tests.support.installation import KEY
from tests.support.servers.authorization_server import CANARY, CLIENT_ID, AuthorizationServer

B24 = Callable[..., str]
NEW_KEY = Fernet.generate_key().decode()


@pytest.fixture
def bitrix() -> Iterator[AuthorizationServer]:
    """An authorization server with its portal, of which webhooks are not played."""
    with AuthorizationServer().serve() as serving:
        yield serving


@pytest.fixture
def b24(monkeypatch: pytest.MonkeyPatch, database_url: str, bitrix: AuthorizationServer) -> Iterator[B24]:
    """The command line in this process; what it printed, or the error that it ended with."""
    environment = {
        "DATABASE_URL": database_url,
        "B24_SECRET_KEYS": KEY,
        "B24_ALLOWED_PORTALS": "127.0.0.1",
        "B24_RATE_LIMIT": "10000/second burst 10000",
        "BITRIX24_CLIENT_ID": CLIENT_ID,
        "BITRIX24_CLIENT_SECRET": CANARY,
        "BITRIX24_OAUTH_URL": bitrix.origin,
        "B24_PUBLIC_URL": "https://pipeline.example.com/",
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    def run(*arguments: str) -> str:
        settings.cache_clear()
        result = CliRunner().invoke(app, arguments)
        if result.exception:
            raise result.exception
        return str(result.stdout)

    yield run
    settings.cache_clear()


def test_connect_prints_the_link_of_our_own_page(b24: B24, bitrix: AuthorizationServer) -> None:
    """The browser begins at `b24 serve`, where it gets its cookie; nothing is stored yet."""
    said = b24("portal", "connect", "acme", bitrix.domain, "--entity-type", "deal")
    port = bitrix.domain.partition(":")[2]
    expected = f"/bitrix24/auth?account=acme&domain=127.0.0.1%3A{port}&entityType=deal"
    assert said.strip().startswith(f"https://pipeline.example.com{expected}&invitation=")
    assert not bitrix.asked
    assert not bitrix.called


@pytest.mark.parametrize(
    ("name", "domain", "kind"),
    [
        ("acme", "evil.com", e.AddressRefused),
        ("acme", "x@10.0.0.1", e.AddressRefused),
        ("acme", "[::ffff:127.0.0.1]", e.AddressRefused),
        ("acme", "acme.bitrix24.ru:22", e.AddressRefused),
        ("a b", "acme.bitrix24.ru", e.UsageError),
    ],
)
def test_connect_refuses_what_it_would_not_connect_to(
    b24: B24, name: str, domain: str, kind: type[Exception]
) -> None:
    """Before a link is printed."""
    with pytest.raises(kind):
        b24("portal", "connect", name, domain)


@pytest.mark.parametrize("missing", ["BITRIX24_CLIENT_ID", "BITRIX24_CLIENT_SECRET"])
def test_half_an_application_is_told(b24: B24, monkeypatch: pytest.MonkeyPatch, missing: str) -> None:
    """The message names the setting that is missing."""
    monkeypatch.delenv(missing)
    with pytest.raises(e.SettingsError, match=missing):
        b24("portal", "list")


def test_without_an_application_webhooks_work(b24: B24, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only connecting by OAuth needs one, and says so."""
    monkeypatch.delenv("BITRIX24_CLIENT_ID")
    monkeypatch.delenv("BITRIX24_CLIENT_SECRET")
    b24("portal", "list")
    with pytest.raises(e.SettingsError, match="set both"):
        b24("portal", "connect", "acme", "acme.bitrix24.ru")


def test_keys_rotate_and_removal(
    b24: B24, monkeypatch: pytest.MonkeyPatch, warehouse: Warehouse, bitrix: AuthorizationServer
) -> None:
    """Secrets move to the newest key; the old one can go; removed, the events are unbound."""
    portals = Portals(warehouse, Vault(KEY))
    portals.save_oauth(
        "acme", bitrix.app.exchange(bitrix.code()), entity_type="both", plan="standard", time_zone="UTC"
    )
    monkeypatch.setenv("B24_SECRET_KEYS", f"{NEW_KEY},{KEY}")
    assert "2 secrets" in b24("keys", "rotate")
    monkeypatch.setenv("B24_SECRET_KEYS", NEW_KEY)
    assert "2 secrets" in b24("keys", "rotate")
    bitrix.bindings.append(
        {"event": "ONCRMDEALADD", "handler": "https://pipeline.example.com/webhooks/bitrix24", "offline": 0}
    )
    b24("portal", "remove", "acme")
    assert bitrix.bindings == []
    assert portals.one("acme").status == "disconnected"
