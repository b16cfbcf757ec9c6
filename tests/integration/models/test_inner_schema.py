"""What the marts are built of stands in a schema of its own, on databases of earlier versions too."""

from __future__ import annotations

from b24_pipeline.models import build, load_project
from b24_pipeline.paths import bundled
from b24_pipeline.store.database.warehouse import Warehouse
from b24_pipeline.store.marts.names import schema_name
from tests.support.data import model_data
from tests.support.installation import fetch

PROJECT = load_project()
SCHEMAS = """
select nspname as schema, relname as name from pg_class inner join pg_namespace on relnamespace = pg_namespace.oid
where nspname in ('analytics', 'analytics_build') and relkind in ('r', 'v')
"""

OID = "select oid from pg_class where relname = 'int_entity'"


def test_the_migration_moves_what_was_built_before(warehouse: Warehouse) -> None:
    """Tables, and views that others built upon them, stay the same; builds go on from them."""
    text = bundled("migrations").joinpath("0036_inner_models.sql").read_text("utf-8")
    with warehouse.connect() as conn:
        model_data.populate(conn, 1, entities=10)
    build(warehouse.connect, PROJECT, with_tests=False)
    expected = {(model.schema, name) for name, model in PROJECT.models.items()}
    assert {(row["schema"], row["name"]) for row in fetch(warehouse, SCHEMAS)} == expected
    with warehouse.connect() as conn:
        for name, model in PROJECT.models.items():
            if not model.is_mart:
                conn.execute(f"alter table analytics_build.{name} set schema analytics".encode())
        conn.execute("create view public.mine as select count(*) as n from analytics.int_entity")
        # a portal of this name had the schema before
        conn.execute("drop schema analytics_build")
        model_data.add_portal(conn, "build")
        conn.execute("create schema analytics_build")
        conn.execute(
            "insert into bitrix24_custom_field_views (user_account_id, schema_name)"
            " select id, 'analytics_build' from user_accounts where name = 'build'"
        )
    (before,) = fetch(warehouse, "select n from public.mine")
    oid = fetch(warehouse, OID)
    with warehouse.connect() as conn:
        conn.execute(text.encode())
    assert {(row["schema"], row["name"]) for row in fetch(warehouse, SCHEMAS)} == expected
    assert fetch(warehouse, "select n from public.mine") == [before]
    assert fetch(warehouse, "select schema_name from bitrix24_custom_field_views") == [
        {"schema_name": schema_name("build")}
    ]
    build(warehouse.connect, PROJECT, only_changed=True, with_tests=False)
    assert {(row["schema"], row["name"]) for row in fetch(warehouse, SCHEMAS)} == expected
    assert fetch(warehouse, OID) == oid
