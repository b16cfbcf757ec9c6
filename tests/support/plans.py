"""What PostgreSQL really did for each statement: `auto_explain` writes the executed plans into the server's log."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from b24_pipeline.store.database.warehouse import Warehouse
from tests.conftest import Server

_PLAN = re.compile(r"plan:\n((?:\t.*\n)+)")
_SETTINGS = {
    "session_preload_libraries": "auto_explain",
    "auto_explain.log_min_duration": "0",
    "auto_explain.log_analyze": "on",
    "auto_explain.log_timing": "off",
    "auto_explain.log_format": "json",
    "auto_explain.log_nested_statements": "on",
}


def explain_all(url: str, **settings: str) -> None:
    """Lets every statement of new connections to this database be explained; more settings may be given."""
    name = psycopg.conninfo.conninfo_to_dict(url)["dbname"]
    with psycopg.connect(url, autocommit=True) as connection:
        for key, value in (_SETTINGS | settings).items():
            connection.execute(
                sql.SQL("alter database {} set {} = {}").format(
                    sql.Identifier(str(name)), sql.SQL(key), sql.Literal(value)
                )
            )


@contextmanager
def explained(used: Server, **settings: str) -> Iterator[tuple[Server, Warehouse]]:
    """A new database of this server that explains every statement, with the server; dropped at the end."""
    url = used.fresh()
    explain_all(url, **settings)
    warehouse = Warehouse(url)
    yield used, warehouse
    warehouse.close()
    used.drop(url)


def executed(log: Path, start: int) -> Iterator[dict[str, Any]]:
    """The plans of the log from this byte on, each with its `Query Text` and its `Plan`."""
    with log.open("rb") as file:
        file.seek(start)
        text = file.read().decode("utf-8", "replace")
    for found in _PLAN.finditer(text):
        yield json.loads(found[1])


def rows_visited(plan: dict[str, Any]) -> int:
    """The most rows that one node of this plan and those below it gave or threw away, over all its loops."""
    loops = plan.get("Actual Loops", 0)
    gone = ("Rows Removed by Filter", "Rows Removed by Join Filter", "Rows Removed by Index Recheck")
    own: float = loops * (plan.get("Actual Rows", 0) + sum(plan.get(name, 0) for name in gone))
    return max([int(own), *(rows_visited(child) for child in plan.get("Plans", []))])


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """This node of a plan and all below it."""
    yield plan
    for child in plan.get("Plans", []):
        yield from nodes(child)
