"""The last syncs of each portal, its request budget, and how far the models have counted what was read."""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg.rows import dict_row

from b24_pipeline.store.database import queries

_sql = queries.load(__file__)


def last_syncs(connection: psycopg.Connection) -> list[dict[str, Any]]:
    """The last sync of each entity of each portal, with its cursor's watermark."""
    return _dicts(connection, _sql.last_syncs.sql)


def failed_comparisons(connection: psycopg.Connection) -> list[dict[str, Any]]:
    """The entities whose last reconciliation failed, with their portal and the error."""
    return _dicts(connection, _sql.failed_comparisons.sql)


def buckets(connection: psycopg.Connection) -> list[dict[str, Any]]:
    """Each request bucket with the seconds of requests that are queued in it."""
    return _dicts(connection, _sql.buckets.sql)


def models_built(connection: psycopg.Connection) -> bool:
    """Whether the SQL models were built at least once."""
    return bool(_sql.models_built(connection))


def figures_counted(connection: psycopg.Connection) -> dict[str, Any]:
    """`counted_at`: the last build of the models that saw something new; `waiting_since`: the first change after it.

    Both are UTC; `waiting_since` is None where every change is counted. Nothing is in it before the first whole build.
    """
    return next(iter(_dicts(connection, _sql.figures_counted.sql)), {})


def _dicts(connection: psycopg.Connection, statement: Any) -> list[dict[str, Any]]:
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(statement).fetchall()
