"""How the portals stand: their health, and the syncs that are at work."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from psycopg.rows import class_row

from b24_pipeline.store.checks.health import PortalHealth, health
from b24_pipeline.store.database import queries
from b24_pipeline.store.database.warehouse import Connection

_sql = queries.load(__file__)


@dataclass(frozen=True, slots=True)
class EntitySync:
    """The latest sync of one entity: at work while `finished_at` is None."""

    account: UUID
    entity_type: str
    sync_status: str
    rows_read: int
    started_at: datetime
    finished_at: datetime | None
    error_message: str | None


@dataclass(frozen=True, slots=True)
class PortalStanding:
    """A portal's health, and its latest syncs."""

    health: PortalHealth
    syncs: Sequence[EntitySync]

    @property
    def is_syncing(self) -> bool:
        """Whether an entity is being read now."""
        return any(sync.sync_status == "running" for sync in self.syncs)


def portal_states(connection: Connection, accounts: Collection[UUID]) -> dict[UUID, PortalStanding]:
    """The state of each of these portals."""
    with connection.cursor(row_factory=class_row(EntitySync)) as cursor:
        syncs = cursor.execute(_sql.running.sql, {"accounts": list(accounts)}).fetchall()
    return {
        state.account: PortalStanding(state, [sync for sync in syncs if sync.account == state.account])
        for state in health(connection)
        if state.account in accounts
    }
