"""What `b24 up` and `b24 serve` say when they start."""

from __future__ import annotations

import pytest
from cryptography.fernet import Fernet

from b24_pipeline.commands.service_notes import links_lead_elsewhere
from b24_pipeline.settings import Settings
from b24_pipeline.store.database.vault import Vault
from b24_pipeline.store.database.warehouse import Warehouse
from b24_pipeline.store.portals.portals import Portals
from tests.support.installation import Installation


def test_secrets_that_no_key_opens_are_named(warehouse: Warehouse) -> None:
    """As `b24 sync` names them; with the right key nothing is said."""
    installation = Installation(warehouse)
    installation.add("https://acme.bitrix24.com/rest/1/abcdefabcdef/")
    assert list(installation.portals.unopened()) == []
    other = Portals(warehouse, Vault(Fernet.generate_key().decode()))
    (line,) = other.unopened()
    assert line.startswith(
        "acme: no key of B24_SECRET_KEYS opens bitrix24_webhook_url; was the key replaced?"
    )


@pytest.mark.parametrize(
    ("url", "port", "is_told"),
    [
        ("http://127.0.0.1:8024", 8024, False),
        ("http://127.0.0.1:8024", 8124, True),
        ("http://localhost:8024", 8124, True),
        ("http://[::1]", 80, False),
        ("https://b24.example.com", 8124, False),
    ],
)
def test_links_to_another_port_are_told(url: str, port: int, is_told: bool) -> None:
    """A proxy in front of us has a port of its own."""
    told = links_lead_elsewhere(Settings(b24_public_url=url), port)
    assert ("put B24_PUBLIC_URL=http://127.0.0.1:8124 into .env" in (told or "")) == is_told
