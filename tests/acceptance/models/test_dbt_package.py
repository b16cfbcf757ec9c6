"""A dbt project of an analyst's own reads our marts as those of a package."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import psycopg
import pytest

from b24_pipeline.models import Project, build, load_project
from b24_pipeline.store.database.warehouse import Warehouse
from b24_pipeline.store.marts.analysts import Readable, grant
from tests.conftest import Server
from tests.support.data import model_data

PROJECT_YML = """
name: mine
version: 1.0.0
config-version: 2
profile: b24
flags: {send_anonymous_usage_stats: false}
vars: {least: 2}
models:
  mine:
    +materialized: table
    +schema: mine
"""
BY_PERSON = """
select portal, assigned_by_id, owner_name, count(*) as deals
from {{ ref('b24', 'fct_deal') }}
group by portal, assigned_by_id, owner_name
having count(*) >= {{ var('least') }}
"""
BY_PORTAL = "select portal, sum(deals) as deals from {{ ref('by_person') }} group by portal"
SCHEMA_YML = """
models:
  - name: by_person
    columns: [{name: portal, data_tests: [not_null]}]
"""
OWN = {
    "dbt_project.yml": PROJECT_YML,
    "models/by_person.sql": BY_PERSON,
    "models/by_portal.sql": BY_PORTAL,
    "models/schema.yml": SCHEMA_YML,
}


class OwnProject:
    """A folder with a dbt project that has ours as a package, and dbt in it."""

    def __init__(self, folder: Path, ours: Project, warehouse: Warehouse) -> None:
        self.folder, self.ours, self.url = folder, ours, warehouse.url
        for name, text in (OWN | {"packages.yml": f"packages: [{{local: {ours.path}}}]"}).items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text, "utf-8")

    def dbt(self, *arguments: str, schema: str = "analytics", user: str = "postgres") -> str:
        settings = {
            "B24_DBT_HOST": self.url.resolved["host"],
            "B24_DBT_PORT": self.url.resolved["port"],
            "B24_DBT_DATABASE": self.url.database,
            "B24_DBT_SCHEMA": schema,
            "B24_DBT_USER": user,
        }
        done = subprocess.run(
            [str(Path(sys.executable).with_name("dbt")), "--no-use-colors", *arguments],
            cwd=self.folder,
            env=os.environ | settings | {"DBT_PROFILES_DIR": str(self.ours.path)},
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )
        assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
        return done.stdout


@pytest.mark.slow
def test_a_project_of_ones_own_builds_upon_our_marts(
    server: Server, warehouse: Warehouse, tmp_path: Path
) -> None:
    """In a schema of its own, without touching ours; and all of ours can be built elsewhere, with the same rows."""
    with warehouse.connect() as conn:
        model_data.populate(conn, 21, entities=30)
    ours = load_project()
    build(warehouse.connect, ours)
    project = OwnProject(tmp_path, ours, warehouse)
    project.dbt("deps")
    ann = server.role("ann")
    marts = [model.name for model in ours.models.values() if model.is_mart]
    grant(warehouse, ann, Readable("analytics", marts, ["analytics_build"]))
    with warehouse.connect() as conn:
        conn.execute(f"create schema analytics_mine authorization {ann}".encode())
        reset = f"alter role {ann} in database {conn.info.dbname} reset default_transaction_read_only"
        conn.execute(reset.encode())
        before = tables(conn, "analytics")
    assert "eprecat" not in project.dbt("build", "--select", "package:mine", user=ann)
    with warehouse.connect() as conn:
        assert tables(conn, "analytics") == before
        assert {*tables(conn, "analytics_mine")} == {"by_person", "by_portal"}
        assert conn.execute("select bool_and(deals >= 2) from analytics_mine.by_person").fetchone() == (True,)
    project.dbt("build", "--select", "package:b24", schema="elsewhere")
    with warehouse.connect() as conn:
        assert {*tables(conn, "elsewhere")} == {*before}
        assert tables(conn, "analytics") == before
        assert described(conn, "elsewhere.fct_deal") == described(conn, "analytics.fct_deal") != []


def described(conn: psycopg.Connection[Any], relation: str) -> list[tuple[Any, ...]]:
    """Rows as text, and comments of columns."""
    rows = conn.execute(f"select r::text from {relation} as r order by 1".encode()).fetchall()
    comments = (
        "select attname, col_description(attrelid, attnum) from pg_attribute where attrelid = to_regclass(%s)"
    )
    return rows + conn.execute(comments.encode() + b" order by 1", (relation,)).fetchall()


def tables(conn: psycopg.Connection[Any], schema: str) -> dict[str, int]:
    """Tables and views by name, each with its identity."""
    return dict(
        conn.execute(
            "select relname, oid::int from pg_class where relnamespace = to_regnamespace(%s) and relkind in ('r', 'v')",
            (schema,),
        ).fetchall()
    )
