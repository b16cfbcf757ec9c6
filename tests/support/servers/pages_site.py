"""The service with its pages over two portals with leads, deals, own leads and figures."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import httpx

from b24_pipeline.models import build, load_project
from b24_pipeline.store.access.holder import AccessRole
from b24_pipeline.store.access.keys import AccessKeys
from b24_pipeline.store.database.vault import Vault
from b24_pipeline.store.database.warehouse import Warehouse
from b24_pipeline.store.portals.portal import Portal
from b24_pipeline.store.portals.portals import Portals
from b24_pipeline.web.assembly import assemble
from tests.conftest import Server
from tests.support.data import model_data
from tests.support.installation import KEY as SECRET_KEY
from tests.support.servers.roles import as_service
from tests.support.servers.web_service import KEY, ScriptedService, parts_of, served


@dataclass
class PagesSite:
    """Where the pages are, and the database behind them. `portal`: the name of one of the two."""

    address: str
    warehouse: Warehouse
    portals: Portals
    portal: str

    def build(self) -> None:
        """The figures follow what was changed."""
        build(self.warehouse.connect, load_project(), only_changed=True)

    def key(self, name: str, role: AccessRole, *portals: str) -> str:
        """A new key."""
        chosen: list[Portal] = self.portals.named(portals) if portals else []
        return AccessKeys(self.warehouse).add(name, role, chosen)

    @contextmanager
    def visit(self, key: str = KEY) -> Iterator[Visit]:
        """Somebody who has signed in with a key."""
        with httpx.Client(base_url=self.address, trust_env=False, timeout=30) as client:
            answer = client.post("/sign-in", data={"key": key}, headers={"Origin": self.address})
            assert answer.status_code == 303
            yield Visit(client, self.address)


@dataclass
class Visit:
    """A browser without a window: it keeps cookies, and says where its forms come from."""

    client: httpx.Client
    origin: str

    def get(self, path: str, **parameters: Any) -> httpx.Response:
        """A page."""
        return self.client.get(path, params=parameters or None)

    def post(self, path: str, page: str, **fields: Any) -> httpx.Response:
        """Sends a form of a page, with the token that the page has."""
        token = re.search(r'name="form_token" value="([^"]+)"', self.client.get(page).text)
        assert token, "the page has no form"
        return self.client.post(path, data={"form_token": token[1]} | fields, headers={"Origin": self.origin})


@contextmanager
def pages_site(
    server: Server, entities: int = 60, service: ScriptedService | None = None
) -> Iterator[PagesSite]:
    """A database of its own, filled, its models built, and the service over it."""
    url = server.prepared(f"two portals of {entities}, built", partial(_fill, entities=entities))
    warehouse, of_service = Warehouse(url), Warehouse(as_service(url))
    portals = Portals(warehouse, Vault(SECRET_KEY))
    parts = parts_of(
        warehouse=of_service,
        portals=Portals(of_service, Vault(SECRET_KEY)),
        service=service or ScriptedService(),
        admin_key=KEY,
    )
    with served(assemble(parts)) as address:
        yield PagesSite(address, warehouse, portals, portals.all()[0].name)
    of_service.close()
    warehouse.close()
    server.drop(url)


def _fill(url: str, entities: int) -> None:
    warehouse = Warehouse(url)
    with warehouse.connect() as connection:
        model_data.populate(connection, 3, entities=entities)
    build(warehouse.connect, load_project())
    warehouse.close()


def text_of(html: str) -> str:
    """The words of a page as a person reads them: without tags, scripts, and runs of blanks."""
    bare = re.sub(r"<script.*?</script>|<style.*?</style>|<[^>]+>", " ", html, flags=re.DOTALL)
    return " ".join(bare.split())


def unfolded(html: str) -> str:
    """A page without what is folded for whoever runs the server."""
    return re.sub(r'<details class="operator">.*?</details>', "", html, flags=re.DOTALL)
