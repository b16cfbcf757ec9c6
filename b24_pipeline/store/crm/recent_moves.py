"""The newest moves that are stored: so many of them need not be read again."""

from __future__ import annotations

from uuid import UUID

import psycopg

from b24_pipeline.bitrix.lists.head import KnownRows
from b24_pipeline.store.database import queries

_sql = queries.load(__file__)


def recent_moves(connection: psycopg.Connection, account: UUID, entity: str, after: int) -> KnownRows:
    """The stored moves of leads or deals whose id in the portal's history is higher than `after`."""
    return KnownRows(*_sql.recent(connection, account=account, entity=entity, after=after))
