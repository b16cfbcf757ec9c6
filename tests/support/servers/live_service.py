"""The whole service on a test's database, with a sandbox that knows it as its application."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from b24_pipeline.runtime import Runtime, opened
from b24_pipeline.sandbox import Sandbox, SandboxConfig
from b24_pipeline.settings import Settings, read_settings
from b24_pipeline.web.app import create_app
from b24_pipeline.web.server import listen
from tests.support.installation import KEY as SECRET_KEY
from tests.support.servers.roles import as_service
from tests.support.servers.web_service import BEARER, KEY, served


@dataclass
class Live:
    """Service, portal, and the installation behind it."""

    address: str
    sandbox: Sandbox
    runtime: Runtime
    client: httpx.Client

    @property
    def environment(self) -> dict[str, str]:
        """What a command needs to work on the same installation, beside the URL of its database."""
        port = int(self.address.rpartition(":")[2])
        return app_environment(self.sandbox, port) | {"B24_SECRET_KEYS": SECRET_KEY}

    @property
    def domain(self) -> str:
        """The portal's address as a person types it."""
        return self.sandbox.url

    def connect(self, name: str = "acme", **more: str) -> httpx.Response:
        """Connects the portal as the operator; whoever is asked in the portal agrees. The page at the end."""
        asked = {"domain": self.domain, "account": name, **more}
        begun = self.client.get("/bitrix24/auth", params=asked, headers=BEARER)
        assert begun.status_code == 302, begun.text
        agreed = self.client.get(begun.headers["location"] + "&confirm=Y")
        assert agreed.status_code == 302, agreed.text
        return self.client.get(agreed.headers["location"])


@contextmanager
def live(database_url: str, home: Path, *, is_alone: bool = False, **config: Any) -> Iterator[Live]:
    """Everything running; `config` is the sandbox's.

    `is_alone`: one role does everything, as on a notebook; else the service's own role leaves reading to Dagster.
    """
    listening = listen("127.0.0.1", 0)
    address = f"http://127.0.0.1:{listening.getsockname()[1]}"
    of_service_url = database_url if is_alone else as_service(database_url)
    portal: dict[str, Any] = {
        "leads": 30,
        "deals": 30,
        "redirect_uri": f"{address}/bitrix24/callback",
    } | config
    with (
        Sandbox(SandboxConfig(**portal)) as sandbox,
        opened(settings_of(sandbox, database_url, address, home)) as runtime,
        opened(settings_of(sandbox, of_service_url, address, home)) as of_service,
        served(create_app(of_service), listening),
        httpx.Client(base_url=address, trust_env=False) as client,
    ):
        yield Live(address, sandbox, runtime, client)


def settings_of(sandbox: Sandbox, database_url: str, address: str, home: Path) -> Settings:
    """What an operator sets, for this portal."""
    return read_settings(
        _env_file=None,
        database_url=database_url,
        b24_home=home,
        b24_secret_keys=SECRET_KEY,
        b24_admin_key=KEY,
        b24_public_url=address,
        b24_allowed_portals="127.0.0.1",
        bitrix24_client_id=sandbox.config.client_id,
        bitrix24_client_secret=sandbox.config.client_secret,
        bitrix24_oauth_url=sandbox.url,
    )


def app_environment(sandbox: Sandbox, web_port: int) -> dict[str, str]:
    """The same as variables of a command: an installation whose application the sandbox knows."""
    return {
        "B24_ALLOWED_PORTALS": "127.0.0.1",
        "B24_PUBLIC_URL": f"http://127.0.0.1:{web_port}",
        "B24_ADMIN_KEY": KEY,
        "BITRIX24_CLIENT_ID": sandbox.config.client_id,
        "BITRIX24_CLIENT_SECRET": sandbox.config.client_secret,
        "BITRIX24_OAUTH_URL": sandbox.url,
    }
