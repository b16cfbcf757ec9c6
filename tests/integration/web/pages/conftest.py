"""A browser without a window: a client that keeps cookies and says where its forms come from."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import httpx
import pytest

from b24_pipeline.store.access.holder import AccessRole
from b24_pipeline.store.access.keys import AccessKeys
from b24_pipeline.store.database.vault import Vault
from b24_pipeline.store.portals.portals import Portals
from tests.integration.web.routes.conftest import Managed, database, managed, serving
from tests.support.installation import KEY as SECRET_KEY
from tests.support.installation import execute
from tests.support.servers.pages_site import PagesSite, Visit
from tests.support.servers.web_service import KEY, another_sender

__all__ = ["database", "managed", "serving"]


@dataclass
class Visitor:
    """Somebody with a browser of their own."""

    client: httpx.Client
    origin: str

    def sign_in(self, key: str, **changed: Any) -> httpx.Response:
        """Sends the form of the sign-in page."""
        return self.client.post(
            "/sign-in", data={"key": key} | changed.pop("data", {}), headers={"Origin": self.origin} | changed
        )

    def form_token(self, path: str) -> str:
        """The token in the forms of a page."""
        found = re.search(r'name="form_token" value="([^"]+)"', self.client.get(path).text)
        assert found, "the page has no form"
        return found[1]

    def post(self, path: str, page: str = "/portals", **fields: Any) -> httpx.Response:
        """Sends a form of a page, as a browser does."""
        data = {"form_token": self.form_token(page)} | fields
        return self.client.post(path, data=data, headers={"Origin": self.origin})

    @property
    def is_signed_in(self) -> bool:
        """Whether the pages open."""
        return self.client.get("/portals").status_code == 200


@pytest.fixture
def visit(site: PagesSite) -> Iterator[Visit]:
    """Somebody who looks at the module's own `site`, in English."""
    with site.visit() as visit:
        visit.client.headers["Accept-Language"] = "en"
        yield visit


@pytest.fixture
def visitor(managed: Managed) -> Iterator[Visitor]:
    """Nobody in particular, not signed in."""
    origin = str(managed.client.base_url).rstrip("/")
    with httpx.Client(base_url=origin, headers=another_sender(), trust_env=False, timeout=30) as client:
        yield Visitor(client, origin)
    execute(managed.warehouse, "delete from bitrix24_sessions")
    execute(managed.warehouse, "delete from bitrix24_access_keys")


@pytest.fixture
def operator(visitor: Visitor) -> Visitor:
    """Whoever has B24_ADMIN_KEY, signed in."""
    assert visitor.sign_in(KEY).status_code == 303
    return visitor


def new_key(managed: Managed, role: AccessRole, *portals: str, name: str = "") -> str:
    """A key with a name of its own."""
    known = Portals(managed.warehouse, Vault(SECRET_KEY))
    return AccessKeys(managed.warehouse).add(
        name or f"{role} {uuid4()}", role, known.named(portals) if portals else ()
    )
