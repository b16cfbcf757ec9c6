"""What Dagster's catalogue says of an asset before its first run: table, columns, file, owner, tags, code version."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from datetime import timedelta
from functools import cache
from hashlib import sha256
from typing import Any

import dagster as dg

from b24_pipeline.defs.assets.table_columns import known_columns
from b24_pipeline.entities import BY_NAME, USER, Kind
from b24_pipeline.errors import SettingsError
from b24_pipeline.models import Model
from b24_pipeline.settings import settings
from b24_pipeline.store.database.connecting.url import read_url
from b24_pipeline.store.database.embedded import DATABASE

CHANGES_ARE_FRESH = dg.FreshnessPolicy.time_window(
    fail_window=timedelta(hours=1), warn_window=timedelta(minutes=30)
)
DIRECTORIES_ARE_FRESH = dg.FreshnessPolicy.time_window(
    fail_window=timedelta(hours=6), warn_window=timedelta(hours=3)
)
MONTHS_ARE_FRESH = dg.FreshnessPolicy.time_window(
    fail_window=timedelta(days=3), warn_window=timedelta(days=2)
)
"""Tables that are reported with each read, changed or not. A model is reported when its rows change, and in a quiet
week none do: that all is well is what the check `fresh` of `raw/changes` says."""

_SQL_TYPES = {
    Kind.TEXT: "text",
    Kind.INTEGER: "bigint",
    Kind.LINK: "bigint",
    Kind.MONEY: "numeric",
    Kind.FLAG: "boolean",
    Kind.TIMESTAMP: "timestamp with time zone",
    Kind.DATE: "date",
    Kind.JSON: "jsonb",
    Kind.FILE: "jsonb",
}


BY_CHANGES = "the job `changes`, every 10 minutes, and within seconds where events arrive"
BY_MONTHS = (
    f"{BY_CHANGES}; every night the job `cohorts`, the last two months, and the job `reconcile`, what differs"
)


def refreshed(description: str, by: str) -> str:
    """The description of an asset with what refreshes it, and when: it has no automation of its own to show."""
    return f"{description.rstrip()} Refreshed by {by}."


def layer_tags(layer: str) -> dict[str, str]:
    """The tags of an asset: the layer that it is in, and the system that its data comes from."""
    return {"layer": layer, "source": "bitrix24"}


def table_name(schema: str, table: str) -> dict[str, Any]:
    """The metadata that names a table as `database.schema.table`."""
    return {"dagster/table_name": ".".join(filter(None, (_database(), schema, table)))}


def entity_columns(entity: str) -> dict[str, Any]:
    """The metadata with the columns of an entity's raw table and the fields that they take; empty for other tables."""
    found = {**BY_NAME, USER.name: USER}.get(entity)
    return _schema(
        (column.name, _SQL_TYPES[column.kind], f"Bitrix24's {column.field}")
        for column in (found.columns if found else ())
    )


def table_columns(table: str) -> dict[str, Any]:
    """The metadata with the columns of a table that is no entity's; empty where they are not listed."""
    return _schema((name, type_, comment) for name, type_, comment in known_columns().get(table, ()))


def described_table(schema: str, table: str) -> dict[str, Any]:
    """The metadata of a table that is no entity's: its name and its columns."""
    return table_name(schema, table) | table_columns(table)


def model_columns(model: Model) -> dict[str, Any]:
    """The metadata with the columns of a model as they are described; their types are known once it is built."""
    return _schema((name, "", description) for name, description in model.columns.items())


def code_version(model: Model) -> str:
    """Changes where the SQL of the model does."""
    return sha256(model.sql.encode()).hexdigest()[:12]


def file_of(model: Model) -> dict[str, Any]:
    """The metadata that links to the file of the model's SQL."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", dg.BetaWarning)
        reference = dg.LocalFileCodeReference(file_path=str(model.path), line_number=1, label=model.path.name)
        return {"dagster/code_references": dg.CodeReferencesMetadataValue(code_references=[reference])}


def _schema(columns: Iterable[tuple[str, str, str]]) -> dict[str, Any]:
    listed = [dg.TableColumn(name, type_, description or None) for name, type_, description in columns]
    return {"dagster/column_schema": dg.TableSchema(columns=listed)} if listed else {}


@cache
def _database() -> str | None:
    """The name of the database; None where the settings are wrong, which whatever runs will say."""
    try:
        url = settings().database_url
    except SettingsError:
        return None
    return read_url(url.get_secret_value()).database if url else DATABASE
