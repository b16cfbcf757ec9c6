"""The management calls over the store on a real database; only what asks a portal is scripted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest

from b24_pipeline.store.database.vault import Vault
from b24_pipeline.store.database.warehouse import Warehouse
from b24_pipeline.store.portals.portals import Portals
from b24_pipeline.web.assembly import assemble
from b24_pipeline.web.client_address import ClientAddresses
from tests.conftest import Server
from tests.support.data.model_data import add_stage
from tests.support.installation import KEY as SECRET_KEY
from tests.support.installation import account, execute, fetch
from tests.support.servers.roles import as_service
from tests.support.servers.web_service import (
    KEY,
    NOON,
    ScriptedService,
    another_sender,
    parts_of,
    served,
)

MEMBER = "0a1b2c3d4e5f60718293a4b5c6d7e8f9"


@dataclass(frozen=True)
class Serving:
    """The service that the tests of a module share."""

    address: str
    asked: ScriptedService


@dataclass
class Managed:
    """A service with the key, its portals in a database, and what plays the calls that ask a portal."""

    client: httpx.Client
    warehouse: Warehouse
    asked: ScriptedService

    def add(self, name: str) -> None:
        """A connected portal with one stage."""
        number = account(self.warehouse, name)
        with self.warehouse.connect() as connection:
            add_stage(connection, number, "NEW", 10)

    def change(self, name: str, **columns: Any) -> None:
        """Columns of a portal, as something else has left them."""
        changes = ", ".join(f"bitrix24_{column} = %s" for column in columns)
        execute(
            self.warehouse, f"update user_accounts set {changes} where name = %s", *columns.values(), name
        )

    def remove_all(self) -> None:
        """No portal is left."""
        execute(self.warehouse, "delete from user_accounts")

    def stage(self, name: str) -> UUID:
        """The id of the portal's stage."""
        (row,) = fetch(
            self.warehouse,
            "select s.id from bitrix24_pipeline_stages as s"
            " inner join user_accounts as a on s.user_account_id = a.id where a.name = %s",
            name,
        )
        found: UUID = row["id"]
        return found

    def stored(self) -> list[dict[str, Any]]:
        """All that a management call could change without asking a portal."""
        return fetch(
            self.warehouse,
            "select a as account, s as stage, d as direction from user_accounts as a"
            " left join bitrix24_pipeline_stages as s on s.user_account_id = a.id"
            " left join account_directions as d on d.user_account_id = a.id order by a.name",
        )


@pytest.fixture(scope="module")
def database(server: Server) -> Iterator[Warehouse]:
    """One database for all tests of a module, which leave their portals in it."""
    url = server.fresh()
    warehouse = Warehouse(url)
    yield warehouse
    warehouse.close()
    server.drop(url)


@pytest.fixture(scope="module")
def serving(database: Warehouse) -> Iterator[Serving]:
    """The service with a key: putting it together takes longer than most tests."""
    asked = ScriptedService()
    of_service = Warehouse(as_service(database.url.for_people(hide_password=False)))
    parts = parts_of(
        warehouse=of_service,
        portals=Portals(of_service, Vault(SECRET_KEY)),
        service=asked,
        admin_key=KEY,
        addresses=ClientAddresses(["127.0.0.1"]),
    )
    with served(assemble(parts)) as address:
        yield Serving(address, asked)
    of_service.close()


@pytest.fixture
def managed(database: Warehouse, serving: Serving) -> Iterator[Managed]:
    """The service with one connected portal, and a client from an address of its own."""
    serving.asked.forget()
    given: dict[str, Any] = {"base_url": serving.address, "headers": another_sender()}
    with httpx.Client(**given, trust_env=False, timeout=30) as client:
        service = Managed(client, database, serving.asked)
        service.remove_all()
        service.add("acme")
        service.change(
            "acme", member_id=MEMBER, connected_at=NOON, token_expires_at=NOON + timedelta(hours=1)
        )
        yield service
