"""A table or view in the database: what is there, its comments and rights, and the views that read it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from b24_pipeline.errors import ModelError
from b24_pipeline.store.database.faults import described, is_passing
from b24_pipeline.store.database.statements import query, quoted, statement
from b24_pipeline.store.database.warehouse import Connection

_KINDS: Mapping[str, Literal["view", "table", "materialized_view"]] = {
    "v": "view",
    "r": "table",
    "p": "table",
    "m": "materialized_view",
}


@dataclass(frozen=True)
class Relation:
    """A table or view by its name: its kind (None where there is none), and its columns as `name type`."""

    schema: str
    name: str
    kind: Literal["view", "table", "materialized_view"] | None
    columns: tuple[str, ...]

    @property
    def identifier(self) -> sql.Identifier:
        """The quoted name."""
        return sql.Identifier(self.schema, self.name)


@dataclass(frozen=True)
class Grant:
    """What a role (None: everybody) may do with a relation, and whether it may pass that on."""

    privilege: str
    grantee: str | None
    is_grantable: bool


@dataclass(frozen=True)
class DependentView:
    """A view that has to be dropped and made again with what it reads. `options` are `name=value`."""

    schema: str
    name: str
    is_materialized: bool
    definition: str
    owner: str
    is_ours: bool
    options: tuple[str, ...]
    grants: tuple[Grant, ...] = ()

    @property
    def identifier(self) -> sql.Identifier:
        """The quoted name."""
        return sql.Identifier(self.schema, self.name)


def rows_of(conn: Connection, composed: sql.SQL) -> list[dict[str, Any]]:
    """Runs a statement and returns its rows by column name."""
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(composed).fetchall()


def describe(conn: Connection, schema: str, name: str) -> Relation:
    """Reads the table or view of this name. Raises ModelError where something else has the name."""
    found = rows_of(conn, statement("describe_relation", relation_name=_literal(schema, name)))
    if not found:
        return Relation(schema, name, None, ())
    kind = _KINDS.get(found[0]["kind"])
    if kind is None:
        raise ModelError(f"{schema}.{name}: is neither a table nor a view; rename or drop it")
    return Relation(schema, name, kind, tuple(found[0]["columns"]))


def indexes_of(conn: Connection, relation: Relation) -> set[tuple[str, ...]]:
    """The columns of each index of a table."""
    named = _literal(relation.schema, relation.name)
    return {tuple(row["columns"]) for row in rows_of(conn, statement("find_indexes", relation_name=named))}


def view_definition(conn: Connection, schema: str, name: str) -> str:
    """The view's query in PostgreSQL's own words, by which two views can be compared."""
    (row,) = rows_of(conn, statement("view_definition", relation_name=_literal(schema, name)))
    return str(row["definition"])


def dependent_views(conn: Connection, relation: Relation) -> list[DependentView]:
    """All views that read a relation, directly or through others, nearest first."""
    named = _literal(relation.schema, relation.name)
    found = rows_of(conn, statement("find_dependent_views", relation_name=named))
    views = [DependentView(**row | {"options": tuple(row["options"])}) for row in found]
    return [replace(view, grants=grants_on(conn, view.schema, view.name)) for view in views]


def grants_on(conn: Connection, schema: str, name: str) -> tuple[Grant, ...]:
    """The rights of others than the owner on a relation; empty where there is no such relation."""
    found = rows_of(conn, statement("find_grants", relation_name=_literal(schema, name)))
    return tuple(Grant(**row) for row in found)


def probe(conn: Connection, text: sql.SQL) -> tuple[tuple[str, ...], str]:
    """A query's columns as `name type`, and its normal form."""
    conn.execute(statement("create_probe", query=text))
    columns = describe(conn, "pg_temp", "b24_probe").columns
    definition = view_definition(conn, "pg_temp", "b24_probe")
    conn.execute(statement("drop_probe"))
    return columns, definition


def put_view(
    conn: Connection,
    old: Relation,
    columns: tuple[str, ...],
    definition: str,
    rebuilt_later: frozenset[str] = frozenset(),
) -> None:
    """Make a view of what `probe` found in the place of `old`.

    One that is as it should be is not touched: replacing it would wait for its
    readers. Raises ModelError as `replace_relation` does.
    """
    if old.kind == "view" and view_definition(conn, old.schema, old.name) == definition:
        return
    make = statement("create_view", relation=old.identifier, query=query(definition.rstrip(";")))
    if old.kind in (None, "view") and columns[: len(old.columns)] == old.columns:
        conn.execute(make)
    else:
        replace_relation(conn, old, lambda: conn.execute(make), rebuilt_later)


def replace_relation(
    conn: Connection, old: Relation, make_new: Callable[[], object], rebuilt_later: frozenset[str]
) -> None:
    """Drop a relation whose columns or kind have changed, make the new one, restore the views on it.

    Runs in the caller's transaction, so nobody sees a gap. Rights that were
    given on it and on the views stay, and so do the views' owners: a view reads
    with its owner's rights, so that another's must not become ours. A view that
    does not fit any more is left out if it is among the models `rebuilt_later`,
    else ModelError names it and everything stays as it was.
    """
    rows_of(conn, statement("lock_replacing"))
    views = dependent_views(conn, old)
    grants = grants_on(conn, old.schema, old.name)
    if old.kind is not None:
        conn.execute(statement(f"drop_{old.kind}", relation=old.identifier))
    make_new()
    _grant(conn, old.identifier, grants)
    for view in views:
        _restore(conn, view, old, rebuilt_later)


def _restore(conn: Connection, view: DependentView, old: Relation, rebuilt_later: frozenset[str]) -> None:
    try:
        with conn.transaction():
            _make_again(conn, view)
    except psycopg.Error as error:
        if is_passing(error):
            raise
        if view.schema == old.schema and view.name in rebuilt_later:
            return
        raise ModelError(
            f"{old.name}: its columns have changed and the view {view.schema}.{view.name} does not fit "
            f"any more ({described(error)}); change or drop that view"
            + (f", or build it too with --select {old.name}+" if rebuilt_later else "")
        ) from None


def _make_again(conn: Connection, view: DependentView) -> None:
    kind = "materialized_view" if view.is_materialized else "view"
    definition = query(view.definition.rstrip(";"))
    conn.execute(statement(f"restore_{kind}", relation=view.identifier, query=definition))
    if view.options:
        options = sql.SQL(", ").join(_option(option) for option in view.options)
        conn.execute(statement(f"set_options_of_{kind}", relation=view.identifier, options=options))
    _grant(conn, view.identifier, view.grants)
    if not view.is_ours:
        owner = sql.Identifier(view.owner)
        conn.execute(statement(f"give_{kind}", relation=view.identifier, role=owner))


def _option(text: str) -> sql.Composed:
    name, _, value = text.partition("=")
    return sql.SQL("{} = {}").format(sql.Identifier(name), sql.Literal(value))


def _grant(conn: Connection, relation: sql.Identifier, grants: Iterable[Grant]) -> None:
    for grant in grants:
        role = sql.SQL("public") if grant.grantee is None else sql.Identifier(grant.grantee)
        name = "grant_further" if grant.is_grantable else "grant"
        conn.execute(statement(name, privilege=query(grant.privilege), relation=relation, role=role))


def write_comments(
    conn: Connection, relation: Relation, description: str, columns: Mapping[str, str]
) -> None:
    """Make the comments in the database those of schema.yml; only what differs is written."""
    named = _literal(relation.schema, relation.name)
    present = {
        row["column_name"]: row["description"]
        for row in rows_of(conn, statement("find_comments", relation_name=named))
    }
    if description and present.get("") != description:
        comment = sql.Literal(description)
        conn.execute(statement(f"comment_on_{relation.kind}", relation=relation.identifier, comment=comment))
    for column, text in columns.items():
        if text and present.get(column) != text:
            target = sql.Identifier(relation.schema, relation.name, column)
            conn.execute(statement("comment_on_column", column=target, comment=sql.Literal(text)))


def _literal(schema: str, name: str) -> sql.Literal:
    return sql.Literal(quoted(schema, name))
