"""The funnel, read from the mart `funnel_stats` for commands and Dagster."""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg.rows import dict_row
from psycopg.types.json import set_json_loads

from b24_pipeline.errors import DatabaseNotMigrated, UnknownPortal
from b24_pipeline.store.database import queries
from b24_pipeline.store.database.exact_json import exact_json

_sql = queries.load(__file__)

_NOT_BUILT = "the SQL models are not built yet; run `b24 models`"


def require_portal(connection: psycopg.Connection, name: str) -> None:
    """Raises UnknownPortal unless there is a portal of this name, and DatabaseNotMigrated where that cannot be told."""
    if _sql.has_funnel(connection):
        found = _sql.portals_of_marts(connection)
    elif _sql.reads_accounts(connection):
        found = _sql.portals(connection)
    else:
        raise DatabaseNotMigrated(_NOT_BUILT)
    known = [portal for (portal,) in found]
    if name not in known:
        raise UnknownPortal(name, known)


def counted_of(connection: psycopg.Connection, portal: str) -> str:
    """What is counted unless somebody asks: deal; lead where the portal has leads and no deals."""
    has_funnel = _sql.has_funnel(connection)
    return "lead" if has_funnel and _sql.has_leads_alone(connection, portal=portal) else "deal"


def funnel_rows(
    connection: psycopg.Connection, portal: str, entity_type: str, category_id: int | None = None
) -> list[dict[str, Any]]:
    """The rows of `analytics.funnel_stats` in the order of pipelines and stages; amounts are Decimals."""
    if not _sql.has_funnel(connection):
        if not _sql.reads_accounts(connection) or _sql.was_synced(connection, portal=portal):
            raise DatabaseNotMigrated(_NOT_BUILT)
        raise DatabaseNotMigrated(f"{portal} has never been synced; run `b24 sync {portal}`")
    with connection.cursor(row_factory=dict_row) as cursor:
        set_json_loads(exact_json, cursor)
        cursor.execute(
            _sql.funnel.sql, {"portal": portal, "entity_type": entity_type, "category_id": category_id}
        )
        return cursor.fetchall()


def pipelines(connection: psycopg.Connection, portal: str, entity_type: str) -> dict[int, str]:
    """The names of the pipelines of which there is a funnel, by their numbers; none before the models are built."""
    if not _sql.has_funnel(connection):
        return {}
    found = connection.execute(_sql.pipelines.sql, {"portal": portal, "entity_type": entity_type})
    return {number: name for number, name, _ in found}


def all_funnels(connection: psycopg.Connection) -> list[dict[str, Any]]:
    """Every funnel of every portal, stage by stage."""
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(_sql.funnels.sql).fetchall()
