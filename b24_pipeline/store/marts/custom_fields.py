"""Typed views of custom fields, `analytics_<portal>.deal_custom_fields` and so on, kept in step with the catalogue.

They are made when a portal's catalogue has changed: after a sync of its
directories, not with the SQL models, since they need no build and are of use
where the models are built by dbt. Nothing is copied: they read the portal's
rows as they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from uuid import UUID

from psycopg import sql
from psycopg.rows import class_row, dict_row

from b24_pipeline.entities import CRM, DEAL, Entity
from b24_pipeline.entities.items import item_named
from b24_pipeline.errors import ModelError
from b24_pipeline.store.database import queries
from b24_pipeline.store.database.locks import try_for_transaction
from b24_pipeline.store.database.relation import describe, probe, put_view, write_comments
from b24_pipeline.store.database.statements import statement
from b24_pipeline.store.marts.field_columns import CustomField, FieldColumn, columns_of_fields
from b24_pipeline.store.marts.names import schema_name

if TYPE_CHECKING:
    from b24_pipeline.store.database.warehouse import Connection, Warehouse

_sql = queries.load(__file__)

VERSION = "2"  # of how the views are written: a new version makes them anew
ENTITY_ID = "The portal's number of the {}."
NAMES = {
    "category_name": "Name of the pipeline; null where it has none, or the portal has not told it.",
    "stage_name": "Name of the stage; null where it has none, or the portal has not told it.",
    "stage_semantics": "process, success or failure, as the portal says of the stage: an invoice in success is paid.",
    "opportunity_in_base": (
        "Amount in the currency of the account, by the portal's rate of now; null where there is no rate or no amount."
    ),
}
"""What no mart has of items, by their column: names for their codes, and amounts that may be summed."""


def keep_views(warehouse: Warehouse, account: UUID) -> bool:
    """Makes the views of a portal anew if its field catalogue or name has changed; returns whether it did.

    Raises ModelError where a view that somebody built upon ours does not fit
    any more; ours stay as they were, and it is tried again after an hour.
    """
    with warehouse.connect() as connection:
        state = _state(connection, account)
        if not _is_due(state):
            return False
        try:
            with connection.transaction():
                return _build(connection, account, state)
        except ModelError:
            _sql.note_problem(
                connection,
                account=account,
                schema_name=schema_name(state["portal"]),
                digest=state["present_digest"],
            )
            connection.commit()
            raise


def drop_views(connection: Connection, account: UUID) -> None:
    """Drops the schema of a portal that is removed, with whatever others built upon it."""
    schema = _sql.forget(connection, account=account)
    if schema is not None:
        connection.execute(statement("drop_schema", schema=sql.Identifier(schema)))


def schema_of(connection: Connection, portal: str) -> str | None:
    """The schema with the views of a portal; None where none were made yet."""
    found: str | None = _sql.schema_of(connection, portal=portal)
    return found


def _state(connection: Connection, account: UUID) -> Mapping[str, Any]:
    with connection.cursor(row_factory=dict_row) as cursor:
        row = cursor.execute(_sql.state.sql, {"account": account, "version": VERSION}).fetchone()
    return row or {"present_digest": None}


def _is_due(state: Mapping[str, Any]) -> bool:
    present = state["present_digest"]
    if present is None or (present == state["digest"] and state["present_schema"]):
        return False
    return not (present == state["problem_digest"] and state["is_problem_fresh"])


def _build(connection: Connection, account: UUID, state: Mapping[str, Any]) -> bool:
    if not try_for_transaction(connection, "custom fields", account):
        return False
    connection.execute(statement("wait_shortly"))
    for (orphan,) in _sql.orphans(connection):
        drop_views(connection, orphan)
    schema = _schema(connection, state["portal"], state["present_schema"])
    for entity in CRM:
        _put(connection, account, schema, entity, f"{entity.name}_custom_fields")
    for entity in _chosen(connection, account):
        _put(connection, account, schema, entity, entity.name)
    _sql.note_built(connection, account=account, schema_name=schema, digest=state["present_digest"])
    return True


def _schema(connection: Connection, portal: str, present: str | None) -> str:
    """The portal's schema, made or renamed; ModelError where somebody else's has the name."""
    wanted = schema_name(portal)
    named = sql.Identifier(wanted)
    if present == wanted:
        return wanted
    if _sql.schema_exists(connection, schema_name=wanted):
        raise ModelError(
            f"{portal}: its custom fields belong into the schema {wanted}, which is there already and is not "
            "ours; rename it"
        )
    if present:
        connection.execute(statement("rename_schema", schema=sql.Identifier(present), name=named))
    else:
        connection.execute(statement("create_schema", schema=named))
    comment = f"Custom fields of the portal {portal}, typed; b24-pipeline makes these views."
    connection.execute(statement("comment_on_schema", schema=named, comment=sql.Literal(comment)))
    return wanted


def _fields(connection: Connection, account: UUID, entity_type: str) -> list[CustomField]:
    with connection.cursor(row_factory=class_row(CustomField)) as cursor:
        parameters = {"account": account, "entity_type": entity_type}
        return cursor.execute(_sql.fields.sql, parameters).fetchall()


def _chosen(connection: Connection, account: UUID) -> list[Entity]:
    """The entities of which the portal told the fields, beside those of every portal: they are read by choice."""
    names = [name for (name,) in _sql.entity_types(connection, account=account)]
    found = (item_named(name) for name in names)
    return [entity for entity in found if entity is not None]


def _put(connection: Connection, account: UUID, schema: str, entity: Entity, view: str) -> None:
    """Makes the view of an entity: its custom fields, behind all that its rows have where no mart shows them."""
    own = _own_columns(connection, entity)
    named = {} if entity.part is None else NAMES
    columns = columns_of_fields(_fields(connection, account, entity.name), [*own, *named])
    old = describe(connection, schema, view)
    text = statement(
        "custom_fields",
        relation=sql.Identifier("public", entity.table),
        account=sql.Literal(account),
        part=None if entity.part is None else sql.Literal(entity.part),
        own=[{"name": sql.Identifier(name)} for name in own],
        columns=[_parts(column) for column in columns],
        leaves_out_templates=entity is DEAL,
    )
    new, definition = probe(connection, text)
    put_view(connection, old, new, definition)
    built = describe(connection, schema, view)
    labels = {column.name: column.label for column in columns}
    comments = {"entity_id": ENTITY_ID.format(entity.name)} | own | named | labels
    write_comments(connection, built, _comment(connection, account, entity), comments)


def _comment(connection: Connection, account: UUID, entity: Entity) -> str:
    if entity.part is None:
        return f"Custom fields of {entity.name}s, one row a {entity.name} alive; analytics has the rest by entity_id."
    title = _sql.title(connection, account=account, entity_type=entity.part) or entity.name
    return f"{title}: all that are alive, with their custom fields."


def _own_columns(connection: Connection, entity: Entity) -> dict[str, str]:
    """The columns of the entity's rows with their comments; none where marts show them."""
    if entity.part is None:
        return {}
    names = {column.name for column in entity.columns if column.name != "id"}
    names |= {name for _, name in entity.gathered} | {"category_id", "loaded_at"}
    found = _sql.columns_of(connection, relation=f"public.{entity.table}")
    return {name: comment for name, comment in found if name in names}


def _parts(column: FieldColumn) -> dict[str, Any]:
    return {
        "name": sql.Identifier(column.name),
        "key": sql.Literal(column.key),
        "reader": sql.Identifier("public", column.reader),
        "words": None if column.words is None else sql.Literal(column.words),
        "is_multiple": column.is_multiple,
    }
