"""Brings the table of a model up to date by what changed, and keeps the rows before and after for others.

What counts something subtracts what it has counted of the rows that were replaced and adds the rows that were
written. So the cost follows what changed, whatever the size of the portal.
"""

from __future__ import annotations

from collections.abc import Sequence

from psycopg import sql

from b24_pipeline.models.materialize import BuiltRelation
from b24_pipeline.models.model import Model
from b24_pipeline.models.project import Project
from b24_pipeline.models.render import model_sql, replaced, written
from b24_pipeline.models.statements import statement
from b24_pipeline.store.database.statements import columns_of, query
from b24_pipeline.store.database.warehouse import Connection


def update_by_change(
    conn: Connection, project: Project, model: Model, upto: str, *, rows: int, columns: tuple[str, ...]
) -> BuiltRelation:
    """Computes what changed of one model since the snapshot `upto`, inside the caller's transaction.

    The rows before and after are in temporary tables until the transaction ends; see `render.replaced` and `written`.
    `rows` is how many the table had, `columns` are its columns as `name type`.
    """
    relation = project.relation(model.name)
    parts = _parts(model, relation)
    text = model_sql(project, model, upto=upto)
    conn.execute(statement("create_written", query=query(text), **parts))
    _keep_replaced(conn, project, model, parts)
    for kept in (written, replaced):
        conn.execute(statement("know_rows", rows_of_model=query(kept(model.name))))
    conn.execute(statement("forget_equal", **parts))
    if model.by_change.empty_when:
        conn.execute(statement("forget_empty", empty_when=query(model.by_change.empty_when), **parts))
    deleted = _delete_replaced(conn, parts)
    inserted = conn.execute(statement("insert_written", **parts)).rowcount
    done = BuiltRelation("incremental", rows - deleted + inserted, deleted + inserted, columns)
    if done.is_mostly_new:
        conn.execute(statement("analyze", relation=relation))
    return done


def keep_empty(conn: Connection, project: Project, model: Model) -> None:
    """Says that nothing of a model that was not built was replaced or written."""
    relation = project.relation(model.name)
    for kept in (written, replaced):
        conn.execute(statement("create_empty", rows_of_model=query(kept(model.name)), relation=relation))


def _keep_replaced(
    conn: Connection, project: Project, model: Model, parts: dict[str, sql.Composable]
) -> None:
    """Keeps the old rows that the new ones take the place of."""
    how = model.by_change
    if how.within:
        kind = "portals_and_keys" if how.and_keys else "portals"
        own = {"portals": project.relation(how.within)} | _keys(model.unique_key)
    elif how.replaces:
        kind = "keys"
        own = {"keys": project.relation(how.replaces)}
        own |= _keys(project.models[how.replaces].unique_key)
    elif model.is_by_change and model.name not in project.lists:
        kind = "keys"
        own = {"keys": parts["new_rows"]} | _keys(model.unique_key)
    else:
        kind, own = "all", {}
    conn.execute(statement(f"create_replaced_of_{kind}", **parts | own))


def _keys(key: Sequence[str]) -> dict[str, sql.Composable]:
    """The columns of the keys by which old rows are looked up."""
    return {
        "key": columns_of(key),
        "touched_key": columns_of(key, "touched"),
        "stored_key": columns_of(key, "stored"),
    }


def _delete_replaced(conn: Connection, parts: dict[str, sql.Composable]) -> int:
    conn.execute(statement("look_up"))
    deleted = conn.execute(statement("delete_replaced", **parts)).rowcount
    conn.execute(statement("plan_freely"))
    return deleted


def _parts(model: Model, relation: sql.Identifier) -> dict[str, sql.Composable]:
    key = model.unique_key
    return {
        "relation": relation,
        "new_rows": query(written(model.name)),
        "old_rows": query(replaced(model.name)),
        "new_key": columns_of(key, "new"),
        "old_key": columns_of(key, "old"),
        "stored_key": columns_of(key, "stored"),
    }
