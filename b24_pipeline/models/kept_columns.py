"""The columns of a table that keeps its rows: those that came are added, and what would lose something is refused."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from psycopg import sql

from b24_pipeline.errors import ModelError
from b24_pipeline.models.model import Model
from b24_pipeline.models.statements import statement
from b24_pipeline.store.database.relation import Relation, rows_of
from b24_pipeline.store.database.statements import query, quoted
from b24_pipeline.store.database.warehouse import Connection


def add_new_columns(conn: Connection, model: Model, table: Relation) -> list[str]:
    """Adds the columns that the candidate rows have and the table has not; the names of all, in the query's order.

    Raises ModelError, before anything is changed, for a column that is gone or of a type that does not fit, and where
    `on_schema_change` is `fail` for one that came.
    """
    named = sql.Literal(quoted(table.schema, table.name))
    columns = rows_of(conn, statement("compare_columns", relation_name=named))
    wrong = "; ".join(_wrong(model, columns))
    if wrong:
        raise ModelError(
            f"{model.name}: {wrong}. Nothing was changed. To replace the table, and lose what only its old rows have: "
            f"b24 models --full-refresh --select {model.name}"
        )
    for column in columns:
        if column["stored_type"] is None:
            parts = {"name": sql.Identifier(column["column_name"]), "column_type": query(column["new_type"])}
            conn.execute(statement("add_column", relation=table.identifier, **parts))
    return [column["column_name"] for column in columns]


def _wrong(model: Model, columns: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """What is wrong with each column, and what to do about it that keeps the rows."""
    table = f"{model.schema}.{model.name}"
    for column in columns:
        name, stored, new = (column[key] for key in ("column_name", "stored_type", "new_type"))
        if new is None:
            yield (
                f"its query has no column {name}, which {table} has ({stored}): put it back, if only as "
                f"`null::{stored} as {name}`, or drop it: `alter table {table} drop column {name}`"
            )
        elif stored is None and model.on_schema_change == "fail":
            yield (
                f"its query has a new column {name} ({new}), and on_schema_change is 'fail': take it out, or let it "
                "be added by on_schema_change='append_new_columns'"
            )
        elif stored is not None and not column["fits"]:
            yield (
                f"column {name} is {stored} in {table} and {new} in its query: cast it there, `{name}::{stored}`, or "
                f"change the table: `alter table {table} alter column {name} type {new}`"
            )
