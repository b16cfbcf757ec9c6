"""A sandbox connected by OAuth, as a browser would do it."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

import httpx

from b24_pipeline.bitrix.auth.oauth import OAuthApp
from b24_pipeline.sandbox import Sandbox
from b24_pipeline.store.portals.portal import Portal
from b24_pipeline.sync.portals.oauth import PortalConnector
from tests.support.installation import Installation

LOOPBACK = ("127.0.0.1",)


def connect(installation: Installation, sandbox: Sandbox, public_url: str, name: str = "acme") -> Portal:
    """Connects it; from then on the installation's clients are those of the application."""
    config = sandbox.config
    app = OAuthApp.of(config.client_id, config.client_secret, sandbox.authorization_url, LOOPBACK)
    installation.connections = replace(installation.connections, oauth=app)
    connecting = PortalConnector(installation.connections, app, public_url)
    domain = sandbox.url.removeprefix("http://")
    asked = connecting.begin(name, domain, "both", "a cookie")
    answer = httpx.get(asked, params={**_query(asked), "confirm": "Y"})
    told = _query(answer.headers["location"])
    return connecting.finish(told["code"], told["state"], "a cookie", told["domain"], told["member_id"])


def _query(url: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
