"""The funnel, read from the mart `funnel_stats` for commands and Dagster."""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg.rows import dict_row
from psycopg.types.json import set_json_loads

from b24_pipeline.errors import DatabaseNotMigrated
from b24_pipeline.store.database import queries
from b24_pipeline.store.database.exact_json import exact_json

_sql = queries.load(__file__)


def funnel_rows(
    connection: psycopg.Connection, portal: str, entity_type: str, category_id: int | None = None
) -> list[dict[str, Any]]:
    """The rows of `analytics.funnel_stats` in the order of pipelines and stages; amounts are Decimals."""
    if not _sql.has_funnel(connection):
        raise DatabaseNotMigrated("the SQL models are not built yet; run `b24 models`")
    with connection.cursor(row_factory=dict_row) as cursor:
        set_json_loads(exact_json, cursor)
        cursor.execute(
            _sql.funnel.sql, {"portal": portal, "entity_type": entity_type, "category_id": category_id}
        )
        return cursor.fetchall()


def all_funnels(connection: psycopg.Connection) -> list[dict[str, Any]]:
    """Every funnel of every portal, stage by stage."""
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(_sql.funnels.sql).fetchall()
