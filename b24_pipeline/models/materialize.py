"""Makes one model's relation hold what its query says.

Readers are never in the way and never see a gap: a table whose columns are
the same is changed row by row, only where a row differs, and so keeps its
identity, its rights and the views on it. Only when columns or kind change a
new relation takes its place, within the same transaction. The table of a model
that keeps its rows is not replaced then: it gets the columns that came.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from psycopg import sql

from b24_pipeline.errors import ModelError
from b24_pipeline.models.kept_columns import add_new_columns
from b24_pipeline.models.model import Model
from b24_pipeline.models.project import Project
from b24_pipeline.models.render import model_sql
from b24_pipeline.models.statements import statement
from b24_pipeline.store.database.relation import (
    Relation,
    describe,
    indexes_of,
    probe,
    put_view,
    replace_relation,
    rows_of,
    write_comments,
)
from b24_pipeline.store.database.statements import columns_of, query
from b24_pipeline.store.database.warehouse import Connection

Action: TypeAlias = Literal["created", "replaced", "incremental", "view"]


@dataclass(frozen=True)
class BuiltRelation:
    """`rows` are the rows of the table (None for a view), `changed` those written or deleted."""

    action: Action
    rows: int | None
    changed: int | None
    columns: tuple[str, ...]

    @property
    def is_mostly_new(self) -> bool:
        """Whether much of a table was written, so that what the database knows of it is out of date."""
        return bool(self.rows and self.changed and self.changed * 5 > self.rows)


def materialize(conn: Connection, project: Project, model: Model, *, full_refresh: bool) -> BuiltRelation:
    """Build one model inside the caller's transaction."""
    old = describe(conn, model.schema, model.name)
    if model.keeps_rows and old.kind == "table" and not full_refresh:
        outcome = _go_on(conn, project, model, old)
    else:
        outcome = _compute(conn, project, model, old, full_refresh=full_refresh)
    built = describe(conn, model.schema, model.name)
    write_comments(conn, built, model.description, model.columns)
    return outcome


def _compute(
    conn: Connection, project: Project, model: Model, old: Relation, *, full_refresh: bool
) -> BuiltRelation:
    """Make the relation anew where its columns or its kind are other ones, else change the rows that differ."""
    text = model_sql(project, model)
    columns, definition = probe(conn, query(text))
    _refuse_unknown_columns(model, columns)
    if model.materialized == "view":
        put_view(conn, old, columns, definition, _readers(project, model))
        return BuiltRelation("view", None, None, columns)
    if old.kind != "table" or old.columns != columns:
        return _swap(conn, project, model, old, text)
    return _refresh(conn, project, model, old, full_refresh=full_refresh)


def _refuse_unknown_columns(model: Model, columns: tuple[str, ...]) -> None:
    known = {column.split(" ", 1)[0] for column in columns}
    unknown = sorted((set(model.columns) | set(model.unique_key)) - known)
    if unknown:
        raise ModelError(
            f"{model.path}: has no column {', '.join(unknown)}, which its .yml file or config names"
        )


def _swap(conn: Connection, project: Project, model: Model, old: Relation, text: str) -> BuiltRelation:
    """Build the table beside the old one, then let it take its place."""
    beside = Relation(old.schema, f"{old.name}__next", None, ())
    conn.execute(statement("create_next", relation=beside.identifier, query=query(text)))
    _make_indexes(conn, model, beside)
    conn.execute(statement("analyze", relation=beside.identifier))
    rename = statement("rename_next", relation=beside.identifier, name=sql.Identifier(old.name))
    replace_relation(conn, old, lambda: _run(conn, rename), _readers(project, model))
    rows = _count(conn, statement("count_rows", relation=old.identifier))
    columns = describe(conn, old.schema, old.name).columns
    return BuiltRelation("created" if old.kind is None else "replaced", rows, rows, columns)


def _refresh(
    conn: Connection, project: Project, model: Model, old: Relation, *, full_refresh: bool
) -> BuiltRelation:
    """Change the rows that differ; of an incremental model those whose key was computed anew."""
    incremental = model.materialized == "incremental" and not full_refresh
    conn.execute(statement("keep_others_out", name=sql.Literal(f"{old.schema}.{old.name}")))
    _make_indexes(conn, model, old)
    _create_candidate(conn, project, model, incremental=incremental)
    if incremental:
        changed = _rewrite(conn, model, old, "delete_keys")
    elif model.unique_key:
        changed = _merge(conn, model, old)
    else:
        changed = _rewrite(conn, model, old, "delete_all")
    return _written(conn, old, "incremental" if incremental else "replaced", changed)


def _go_on(conn: Connection, project: Project, model: Model, old: Relation) -> BuiltRelation:
    """Write the rows whose key was computed anew, in columns of these names, and keep all others.

    The table is altered after the query has run: whoever reads it then waits for the rest of the transaction.
    """
    conn.execute(statement("keep_others_out", name=sql.Literal(f"{old.schema}.{old.name}")))
    _create_candidate(conn, project, model, incremental=True)
    names = add_new_columns(conn, model, old)
    table = describe(conn, old.schema, old.name)
    _refuse_unknown_columns(model, table.columns)
    _make_indexes(conn, model, table)
    deleted = _run(conn, statement("delete_keys", **_key_parts(model, table)))
    insert = statement("insert_by_name", relation=table.identifier, key=columns_of(names))
    return _written(conn, table, "incremental", deleted + _run(conn, insert))


def _create_candidate(conn: Connection, project: Project, model: Model, *, incremental: bool) -> None:
    text = model_sql(project, model, incremental=incremental)
    conn.execute(statement("create_candidate", query=query(text)))
    conn.execute(statement("analyze_candidate"))


def _written(conn: Connection, table: Relation, action: Action, changed: int) -> BuiltRelation:
    """What was done to a table whose new rows are written."""
    conn.execute(statement("drop_candidate"))
    rows = _count(conn, statement("count_rows", relation=table.identifier))
    outcome = BuiltRelation(action, rows, changed, table.columns)
    if outcome.is_mostly_new:
        conn.execute(statement("analyze", relation=table.identifier))
    return outcome


def _make_indexes(conn: Connection, model: Model, relation: Relation) -> None:
    """Makes the indexes of the key and of the config that the table does not have yet."""
    wanted = [columns for columns in (model.unique_key, *model.indexes) if columns]
    present = indexes_of(conn, relation)
    for columns in wanted:
        if columns not in present:
            conn.execute(statement("create_index", relation=relation.identifier, key=columns_of(columns)))


def _merge(conn: Connection, model: Model, old: Relation) -> int:
    """Write what differs; where rows are not told apart by their key, write all, as dbt would."""
    parts = _key_parts(model, old)
    deleted = _run(conn, statement("delete_differing", **parts))
    changed = deleted + _run(conn, statement("insert_differing", **parts))
    if _count(conn, statement("count_rows", **parts)) == _count(conn, statement("count_candidates")):
        return changed
    return _rewrite(conn, model, old, "delete_all")


def _rewrite(conn: Connection, model: Model, old: Relation, delete: str) -> int:
    parts = _key_parts(model, old)
    deleted = _run(conn, statement(delete, **parts))
    return deleted + _run(conn, statement("insert_all", **parts))


def _key_parts(model: Model, old: Relation) -> dict[str, sql.Composable]:
    key = model.unique_key
    return {
        "relation": old.identifier,
        "key": columns_of(key),
        "old_key": columns_of(key, "old"),
        "new_key": columns_of(key, "new"),
        "touched_key": columns_of(key, "touched"),
    }


def _readers(project: Project, model: Model) -> frozenset[str]:
    return frozenset(project.selection(f"{model.name}+")) - {model.name}


def _run(conn: Connection, composed: sql.SQL) -> int:
    return conn.execute(composed).rowcount


def _count(conn: Connection, composed: sql.SQL) -> int:
    return int(rows_of(conn, composed)[0]["rows"])
