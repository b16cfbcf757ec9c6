"""What the role of the database may do, by the rights that it has: one may do everything, or each its own work."""

from __future__ import annotations

from typing import NamedTuple

from b24_pipeline.store.database import queries
from b24_pipeline.store.database.warehouse import Connection

_sql = queries.load(__file__)


class Rights(NamedTuple):
    """The rights of a role: `migrate` is the owner's work, `build` the loader's, `serve` also the service's."""

    role: str
    may_migrate: bool
    may_build: bool
    may_serve: bool

    @property
    def work(self) -> list[str]:
        """The commands that this role may run: those of an owner, a loader and a service."""
        found = (
            ("b24 migrate", self.may_migrate),
            ("b24 sync", self.may_build),
            ("b24 serve", self.may_serve),
        )
        return [command for command, may in found if may]


def reads_marts_alone(connection: Connection) -> bool:
    """Whether the role may read the marts and none of the tables of portals: an analyst's, not that of a sync."""
    return bool(_sql.reads_marts_alone(connection))


def owner_of_tables(connection: Connection) -> str:
    """The role that owns our tables; before a first migration the one of this session, which would own them."""
    return str(_sql.owner_of_tables(connection))


def rights(connection: Connection) -> Rights:
    """The rights of the role that this connection has."""
    return Rights(*_sql.rights(connection))
