"""The same folder is a dbt project: dbt itself builds the same tables."""

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
from tests.support.data import model_data


def run_dbt(project: Project, warehouse: Warehouse, folder: Path) -> None:
    """`dbt build` into the schema dbt_built, with everything that it writes in a folder of the test's."""
    url = warehouse.url
    settings = {
        "B24_DBT_HOST": url.resolved["host"],
        "B24_DBT_PORT": url.resolved["port"],
        "B24_DBT_USER": url.resolved["user"],
        "B24_DBT_DATABASE": url.database,
        "B24_DBT_SCHEMA": "dbt_built",
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
    }
    where = ["--project-dir", str(project.path), "--profiles-dir", str(project.path)]
    output = ["--target-path", str(folder / "target"), "--log-path", str(folder / "logs")]
    done = subprocess.run(
        [str(Path(sys.executable).with_name("dbt")), "build", "--no-use-colors", *where, *output],
        env=os.environ | settings,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
    assert "eprecat" not in done.stdout, done.stdout


def rows(conn: psycopg.Connection[Any], schema: str, name: str) -> list[str]:
    """Every row as text."""
    found = conn.execute(f'select r::text from "{schema}"."{name}" as r').fetchall()
    return sorted(row[0] for row in found)


def columns(conn: psycopg.Connection[Any], schema: str, name: str) -> list[tuple[Any, ...]]:
    """Names, types and comments."""
    return conn.execute(
        "select attname, format_type(atttypid, atttypmod), col_description(attrelid, attnum)"
        " from pg_attribute where attrelid = to_regclass(%s) and attnum > 0 order by attnum",
        (f'"{schema}"."{name}"',),
    ).fetchall()


@pytest.mark.slow
def test_dbt_builds_the_same_tables(warehouse: Warehouse, tmp_path: Path) -> None:
    """Rows, columns, types and comments of every model agree, and dbt's own tests pass."""
    project = load_project()
    with warehouse.connect() as conn:
        model_data.populate(conn, 21, entities=30)
        conn.execute(
            "insert into reconciliation (user_account_id, entity_type, category_id, status_id, portal_count, "
            "our_count, portal_amounts, our_amounts, missing_ids, is_equal, is_explained, explanation) "
            "select user_account_id, entity_type, category_id, status_id, 3, 2, '{\"EUR\": \"10.50\"}', '{}', "
            "array[7], false, false, 'told' from bitrix24_pipeline_stages"
        )
    build(warehouse.connect, project)
    run_dbt(project, warehouse, tmp_path)
    with warehouse.connect() as conn:
        for name, model in project.models.items():
            theirs = model.schema.replace("analytics", "dbt_built")
            assert columns(conn, model.schema, name) == columns(conn, theirs, name), name
            assert rows(conn, model.schema, name) == rows(conn, theirs, name), name
