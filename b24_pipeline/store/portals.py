"""Connected portals: the rows of `user_accounts`, their secrets opened on demand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import UUID, uuid4

import psycopg
from psycopg.rows import class_row

from b24_pipeline.errors import SecretKeyError, UnknownPortal, UsageError
from b24_pipeline.store import queries
from b24_pipeline.store.pool import Warehouse
from b24_pipeline.store.vault import Vault

_sql = queries.load("portals")
WEBHOOK_URL = "bitrix24_webhook_url"


@dataclass(frozen=True, slots=True)
class Portal:
    """A connected portal. `webhook_url` is locked; Portals.webhook_url opens it."""

    id: UUID
    name: str
    domain: str
    entity_type: str
    plan: str
    status: str
    time_zone: str
    locked_webhook_url: str | None = field(repr=False, default=None)


class Portals:
    """The portals of one database."""

    def __init__(self, warehouse: Warehouse, vault: Vault) -> None:
        self._warehouse = warehouse
        self._vault = vault

    def all(self) -> list[Portal]:
        """Every portal, by name."""
        with self._warehouse.connect() as connection:
            return _read(connection)

    def named(self, names: list[str] | tuple[str, ...] = ()) -> list[Portal]:
        """These portals, or all connected ones where none is named. Raises UnknownPortal."""
        portals = {portal.name: portal for portal in self.all()}
        for name in names:
            if name not in portals:
                raise UnknownPortal(name, portals)
        if names:
            return [portals[name] for name in dict.fromkeys(names)]
        return [portal for portal in portals.values() if portal.status == "connected"]

    def one(self, name: str) -> Portal:
        """The portal of this name."""
        return self.named([name])[0]

    def add_webhook(
        self,
        name: str,
        domain: str,
        url: str,
        *,
        entity_type: str,
        plan: str,
        user_id: int,
        time_zone: str,
        moved: bool = False,
    ) -> Portal:
        """Connects a portal by its webhook credential, or renews the credential of a known one.

        `moved`: it is the same portal at a new address. Raises UsageError where
        the data of two portals would be mixed, or those of one doubled.
        """
        with self._warehouse.connect() as connection:
            known = {portal.name: portal for portal in _read(connection)}
            _refuse_mixing(known, name, domain, moved=moved)
            account = known[name].id if name in known else uuid4()
            _sql.save_webhook(
                connection,
                id=account,
                name=name,
                domain=domain,
                webhook_url=self._vault.lock(account, WEBHOOK_URL, url),
                entity_type=entity_type,
                plan=plan,
                user_id=user_id,
                time_zone=time_zone,
            )
            return next(portal for portal in _read(connection) if portal.id == account)

    def webhook_url(self, portal: Portal) -> str:
        """The portal's webhook credential in clear. Raises UsageError where it has none."""
        if portal.locked_webhook_url is None:
            raise UsageError(f"{portal.name} has no webhook credential; add one with `b24 portal add`")
        try:
            return self._vault.open(portal.id, WEBHOOK_URL, portal.locked_webhook_url)
        except SecretKeyError as error:
            raise SecretKeyError(f"{portal.name}: {error}") from None

    def remove(self, name: str, *, purge: bool) -> None:
        """Forgets the credential and keeps the data, or deletes both."""
        portal = self.one(name)
        with self._warehouse.connect() as connection:
            if purge:
                _sql.purge(connection, id=portal.id)
            else:
                _sql.disconnect(connection, id=portal.id)


def _refuse_mixing(known: Mapping[str, Portal], name: str, domain: str, *, moved: bool) -> None:
    if name in known and known[name].domain != domain and not moved:
        raise UsageError(
            f"{name} is the portal {known[name].domain} already; choose another name, "
            "or add --moved if it is the same portal at a new address"
        )
    other = next((one for one in known.values() if one.domain == domain and one.name != name), None)
    if other:
        raise UsageError(f"the portal {domain} is connected already, as {other.name}")


def _read(connection: psycopg.Connection) -> list[Portal]:
    with connection.cursor(row_factory=class_row(Portal)) as cursor:
        return cursor.execute(_sql.portals.sql).fetchall()
