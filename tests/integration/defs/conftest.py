"""Dagster's definitions against a real database and a sandbox portal."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet
from dagster import DagsterInstance

from b24_pipeline.bitrix.auth.credentials import WebhookCredential
from b24_pipeline.runtime import Runtime, opened
from b24_pipeline.sandbox import Sandbox, SandboxConfig
from b24_pipeline.settings import settings

PORTAL = "acme"


@pytest.fixture(scope="session")
def sandbox() -> Iterator[Sandbox]:
    """A portal that no test changes."""
    with Sandbox(SandboxConfig(leads=60, deals=80, seed=3)) as portal:
        yield portal


@pytest.fixture
def installation(
    database_url: str, sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Runtime]:
    """A fresh database with the sandbox connected; the environment says where it is."""
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("B24_HOME", str(tmp_path))
    monkeypatch.setenv("B24_SECRET_KEYS", Fernet.generate_key().decode())
    monkeypatch.setenv("B24_ALLOWED_PORTALS", "127.0.0.1")
    settings.cache_clear()
    with opened(settings()) as runtime:
        connect(runtime, sandbox.webhook_url)
        yield runtime
    settings.cache_clear()


def connect(runtime: Runtime, webhook_url: str, name: str = PORTAL) -> None:
    credential = WebhookCredential.parse(webhook_url, ["127.0.0.1"])
    domain = credential.address.origin.partition("://")[2]
    given: dict[str, Any] = {
        "entity_type": "both",
        "plan": "standard",
        "user_id": 1,
        "time_zone": "Europe/Moscow",
    }
    runtime.portals.add_webhook(name, domain, credential.base_url, **given)


@pytest.fixture
def instance() -> Iterator[DagsterInstance]:
    """Dagster's own storage, in memory; the portal is a partition already."""
    with DagsterInstance.ephemeral() as made:
        made.add_dynamic_partitions("portals", [PORTAL])
        yield made
