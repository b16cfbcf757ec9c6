"""An installation on a test's database: sandboxes connected as portals, synced in this process."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

import psycopg
from cryptography.fernet import Fernet
from psycopg.rows import dict_row

from b24_pipeline.sandbox import Sandbox
from b24_pipeline.store.database.vault import Vault
from b24_pipeline.store.database.warehouse import Warehouse
from b24_pipeline.store.portals.portal import Portal
from b24_pipeline.store.portals.portals import Portals
from b24_pipeline.sync.connections import Connections
from b24_pipeline.sync.options import Options
from b24_pipeline.sync.outcome import Outcome
from b24_pipeline.sync.parallel import opened_job
from b24_pipeline.sync.run import SyncRequest, sync_portals

KEY = Fernet.generate_key().decode()
NO_LIMIT = "10000/second burst 10000"


class Installation:
    """One database and the portals connected to it."""

    def __init__(self, warehouse: Warehouse, rate_limit: str | None = NO_LIMIT) -> None:
        self.warehouse = warehouse
        self.portals = Portals(warehouse, Vault(KEY))
        self.connections = Connections(warehouse, self.portals, ("127.0.0.1",), rate_limit)

    def add(
        self,
        url: str | Sandbox,
        name: str = "acme",
        time_zone: str = "Europe/Moscow",
        *,
        moved: bool = False,
    ) -> Portal:
        """Connects a sandbox, or whatever answers at that webhook URL."""
        webhook_url = url if isinstance(url, str) else url.webhook_url
        return self.portals.add_webhook(
            name,
            webhook_url.split("/")[2],
            webhook_url,
            entity_type="both",
            plan="standard",
            user_id=1,
            time_zone=time_zone,
            moved=moved,
        )

    def sync(self, *portals: Portal, options: Options | None = None, **request: Any) -> dict[str, Outcome]:
        """One sync of these portals; its outcomes by entity, or by portal and entity if there are several."""
        outcomes = sync_portals(self.connections, portals, SyncRequest(**request), options or Options())
        if len(portals) > 1:
            return {f"{outcome.portal} {outcome.entity}": outcome for outcome in outcomes}
        # of a resumed load and what follows it, the first
        return {outcome.entity: outcome for outcome in reversed(outcomes)}

    def job(self, portal: Portal, **options: Any) -> Any:
        """A job of this portal, as a context."""
        return opened_job(self.connections, portal, replace(Options(), **options))

    def rows(self, statement: str, *parameters: object) -> list[dict[str, Any]]:
        """Rows of the database as dicts."""
        return fetch(self.warehouse, statement, *parameters)


def fetch(warehouse: Warehouse, statement: str, *parameters: object) -> list[dict[str, Any]]:
    """Rows of the database as dicts."""
    with warehouse.connect() as connection, connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(statement, parameters).fetchall()


def worked(outcomes: Mapping[str, Outcome]) -> Mapping[str, Outcome]:
    """The outcomes, none of which failed."""
    failed = {name: str(outcome.error) for name, outcome in outcomes.items() if outcome.error}
    assert not failed
    return outcomes


def execute(warehouse: Warehouse, statement: str, *parameters: object) -> None:
    """One statement, committed."""
    with warehouse.connect() as connection:
        connection.execute(statement, parameters)


def account(connection_or_warehouse: Warehouse, name: str = "acme") -> Any:
    """A portal's row without a credential; its id."""
    with connection_or_warehouse.connect() as connection:
        made = connection.execute(
            "insert into user_accounts (name, bitrix24_domain) values (%s, %s) returning id",
            (name, f"{name}.bitrix24.com"),
        ).fetchone()
    assert made is not None
    return made[0]


def raw(url: str) -> psycopg.Connection:
    """A connection outside of the pool."""
    return psycopg.connect(url, autocommit=True)


def free_port() -> int:
    """A port of the loopback that nobody listens on just now."""
    return free_ports(1)[0]


def free_ports(count: int) -> list[int]:
    """Different ports of the loopback that nobody listens on just now: all are held until the last is found."""
    with ExitStack() as held:
        probes = [held.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [int(probe.getsockname()[1]) for probe in probes]
