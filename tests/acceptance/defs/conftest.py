"""What Dagster's processes need: a portal, connected in a database of its own, and the settings of a user."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet

from b24_pipeline.bitrix.auth.credentials import WebhookCredential
from b24_pipeline.runtime import opened
from b24_pipeline.sandbox import Sandbox, SandboxConfig
from b24_pipeline.settings import read_settings


@pytest.fixture(scope="module")
def portal() -> Iterator[Sandbox]:
    with Sandbox(SandboxConfig(leads=30, deals=90, seed=5)) as sandbox:
        yield sandbox


@pytest.fixture
def environment(database_url: str, portal: Sandbox, tmp_path: Path) -> dict[str, str]:
    """What a user sets; the sandbox is connected as `acme`."""
    given = {
        "DATABASE_URL": database_url,
        "B24_HOME": str(tmp_path / "home"),
        "B24_SECRET_KEYS": Fernet.generate_key().decode(),
        "B24_ALLOWED_PORTALS": "127.0.0.1",
    }
    credential = WebhookCredential.parse(portal.webhook_url, ["127.0.0.1"])
    domain = credential.address.origin.partition("://")[2]
    with opened(read_settings(**{name.lower(): value for name, value in given.items()})) as runtime:
        about: dict[str, Any] = {"entity_type": "both", "plan": "standard", "user_id": 1, "time_zone": "UTC"}
        runtime.portals.add_webhook("acme", domain, credential.base_url, **about)
    return {name: value for name, value in os.environ.items() if name != "DAGSTER_HOME"} | given
