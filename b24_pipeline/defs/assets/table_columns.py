"""The columns of raw tables that are no entity's, so that Dagster shows them before the first run, without a database.

`docs/generate_tables.py` writes them into the file beside this module; a test compares it with the migrations.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

from b24_pipeline.store.crm.table_facts import columns
from b24_pipeline.store.database.warehouse import Connection

FILE = Path(__file__).with_suffix(".json")

TABLES = (
    "user_accounts",
    "bitrix24_status_history",
    "bitrix24_pipelines",
    "bitrix24_pipeline_stages",
    "bitrix24_statuses",
    "bitrix24_fields",
    "bitrix24_departments",
    "bitrix24_currencies",
    "bitrix24_contact_links",
    "bitrix24_smart_types",
    "bitrix24_items",
    "bitrix24_qualification",
    "reconciliation",
    "leads",
    "creatives",
    "account_directions",
    "lead_matches",
)

ColumnsByTable = dict[str, list[list[str]]]
"""By table: name, SQL type and comment of each column."""


@cache
def known_columns() -> ColumnsByTable:
    """The columns as they are in the file."""
    found: ColumnsByTable = json.loads(FILE.read_text("utf-8"))
    return found


def read_columns(connection: Connection) -> ColumnsByTable:
    """The columns as they are in a database."""
    return {
        table: [[column.name, column.type, column.comment or ""] for column in columns(connection, table)]
        for table in TABLES
    }
