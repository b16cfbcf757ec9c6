"""Secrets at rest."""

from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import uuid4

import pytest
from cryptography.fernet import Fernet

from b24_pipeline.errors import PortalDisconnected, SecretKeyError, UnknownPortal, UsageError
from b24_pipeline.store.database.vault import Vault, key_of_home
from b24_pipeline.store.database.warehouse import Warehouse
from b24_pipeline.store.portals.portals import Portals
from tests.support.installation import execute, fetch

OLD, NEW = Fernet.generate_key().decode(), Fernet.generate_key().decode()
ACCOUNT = uuid4()
SECRET = "https://acme.bitrix24.com/rest/1/sesame/"


def test_secret_comes_back() -> None:
    """What was locked is opened, and does not show while it is locked."""
    locked = Vault(NEW).lock(ACCOUNT, "webhook", SECRET)
    assert "sesame" not in locked
    assert Vault(NEW).open(ACCOUNT, "webhook", locked) == SECRET


def test_second_key_opens_what_it_locked() -> None:
    """A new key goes in front; the old one still opens."""
    locked = Vault(OLD).lock(ACCOUNT, "webhook", SECRET)
    assert Vault(f" {NEW} , {OLD},").open(ACCOUNT, "webhook", locked) == SECRET


def test_wrong_key_is_told() -> None:
    """The message names the setting and the column, not the secret."""
    locked = Vault(OLD).lock(ACCOUNT, "webhook", SECRET)
    with pytest.raises(SecretKeyError, match="B24_SECRET_KEYS opens webhook"):
        Vault(NEW).open(ACCOUNT, "webhook", locked)


@pytest.mark.parametrize(("account", "column"), [(uuid4(), "webhook"), (ACCOUNT, "refresh_token")])
def test_secret_of_another_row_or_column_does_not_open(account: object, column: str) -> None:
    """A copied ciphertext is worth nothing elsewhere."""
    locked = Vault(NEW).lock(ACCOUNT, "webhook", SECRET)
    with pytest.raises(SecretKeyError, match="another row"):
        Vault(NEW).open(account, column, locked)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "keys",
    ["", " , ", "short", "é" * 44, NEW[:-2], f"{NEW},nonsense"],
    ids=["empty", "blank", "short", "not ascii", "cut", "second"],
)
def test_malformed_keys_are_refused_with_what_to_do(keys: str) -> None:
    """Nothing starts with a key that cannot work."""
    with pytest.raises(SecretKeyError, match=r"b24 keys new"):
        Vault(keys)


def test_key_of_a_home_folder_is_made_once_and_private(tmp_path: Path) -> None:
    """Processes that start together get the same key, readable by its owner alone."""
    home = tmp_path / "home"
    with ThreadPoolExecutor(8) as pool:
        keys = set(pool.map(lambda _: key_of_home(home), range(16)))
    assert len(keys) == 1
    assert [path.name for path in home.iterdir()] == ["secret.keys"]
    assert stat.S_IMODE((home / "secret.keys").stat().st_mode) == 0o600
    Vault(keys.pop())


def add(portals: Portals, name: str = "acme", domain: str = "acme.bitrix24.com", url: str = SECRET) -> object:
    return portals.add_webhook(
        name, domain, url, entity_type="both", plan="standard", user_id=1, time_zone="Europe/Moscow"
    )


def test_portal_keeps_its_credential_locked(warehouse: Warehouse) -> None:
    """In the table there is ciphertext; who asks for the credential gets it in clear."""
    portals = Portals(warehouse, Vault(NEW))
    add(portals)
    portal = portals.one("acme")
    (stored,) = fetch(warehouse, "select bitrix24_webhook_url::text as url from user_accounts")
    assert "sesame" not in stored["url"] + repr(portal)
    assert portals.webhook_url(portal) == SECRET


def test_credential_is_renewed_under_the_same_id(warehouse: Warehouse) -> None:
    """Adding a known portal again replaces its credential; another portal under its name is refused."""
    portals = Portals(warehouse, Vault(NEW))
    add(portals)
    first = portals.one("acme")
    add(portals, url=SECRET.replace("sesame", "poppy"))
    again = portals.one("acme")
    assert again.id == first.id
    assert "poppy" in portals.webhook_url(again)
    with pytest.raises(UsageError, match=r"acme\.bitrix24\.com already"):
        add(portals, domain="other.bitrix24.com")


def test_removed_portal_loses_its_secrets_and_keeps_its_data(warehouse: Warehouse) -> None:
    """Disconnected, it is synced no more; purged, it is gone with all that was its."""
    portals = Portals(warehouse, Vault(NEW))
    add(portals)
    portal = portals.one("acme")
    execute(warehouse, "insert into bitrix24_leads (user_account_id, id) values (%s, 1)", portal.id)
    portals.remove("acme", purge=False)
    assert portals.named() == []
    assert portals.one("acme").status == "disconnected"
    with pytest.raises(PortalDisconnected, match="no webhook credential"):
        portals.webhook_url(portals.one("acme"))
    assert len(fetch(warehouse, "select id from bitrix24_leads")) == 1
    portals.remove("acme", purge=True)
    assert fetch(warehouse, "select id from bitrix24_leads") == []
    with pytest.raises(UnknownPortal, match="none yet"):
        portals.one("acme")
