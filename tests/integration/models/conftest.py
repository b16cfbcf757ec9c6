"""A small project of models in a folder of its own."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from b24_pipeline.models import (
    ModelResult,
    Project,
    build,
    build_own_models,
    load_own_models,
    load_project,
)
from b24_pipeline.store.database.warehouse import Warehouse
from tests.support.data import model_data
from tests.support.installation import fetch

SCHEMA_YML = """
version: 2
sources:
  - name: raw
    schema: public
    tables:
      - name: numbers
models:
  - name: base
    description: It's a base.
    columns:
      - name: id
        description: A number.
        data_tests: [{data_tests}]
"""
PROJECT_YML = """
name: small
profile: small
config-version: 2
models:
  small:
    marts:
      +materialized: table
"""
BASE = "{{ config(unique_key='id') }} select id, name from {{ source('raw', 'numbers') }}"

BY_OWNER = "select portal, count(*) as deals from {{ ref('fct_deal') }} group by portal"
OWN_SCHEMA_YML = """
version: 2
models:
  - name: by_portal
    description: Deals by portal.
    tags: [sales]
    columns: [{name: portal, description: Name of the portal., data_tests: [unique, not_null]}]
"""


class Small:
    """A project of a base table and a view on it, which a test may change."""

    def __init__(self, folder: Path, warehouse: Warehouse) -> None:
        self.folder, self.warehouse = folder, warehouse
        (folder / "models" / "marts").mkdir(parents=True)
        (folder / "dbt_project.yml").write_text(PROJECT_YML, "utf-8")
        self.describe()
        self.model("base", BASE)
        self.model("top", "{{ config(materialized='view') }} select id from {{ ref('base') }}")
        self.run("create table numbers as select id, id::text as name from generate_series(1, 3) as id")

    def describe(self, data_tests: str = "unique") -> None:
        text = SCHEMA_YML.replace("{data_tests}", data_tests)
        (self.folder / "models" / "marts" / "schema.yml").write_text(text, "utf-8")

    def model(self, name: str, text: str) -> None:
        (self.folder / "models" / "marts" / f"{name}.sql").write_text(text, "utf-8")

    def load(self) -> Project:
        return load_project(self.folder)

    def build(self, **options: Any) -> list[ModelResult]:
        return build(self.warehouse.connect, self.load(), **options).models

    def run(self, statement: str) -> None:
        with self.warehouse.connect() as conn:
            conn.execute(statement)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with self.warehouse.connect() as conn:
            return conn.execute(query).fetchall()


class Own:
    """A folder of models on a database with ours built."""

    def __init__(self, folder: Path, warehouse: Warehouse) -> None:
        self.folder, self.warehouse = folder, warehouse
        self.write("by_portal.sql", "{{ config(materialized='table', unique_key='portal') }} " + BY_OWNER)
        self.write("schema.yml", OWN_SCHEMA_YML)

    def write(self, name: str, text: str) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")

    def build(self) -> list[str]:
        """Builds ours, then these if something changed; the names of those that were built."""
        ours = load_project()
        build(self.warehouse.connect, ours, only_changed=True)
        return [done.name for done in self.build_alone(only_changed=True)]

    def build_alone(self, **options: Any) -> list[ModelResult]:
        """Builds these alone."""
        ours = load_project()
        own = load_own_models(self.folder, ours)
        return build_own_models(self.warehouse.connect, ours, own, **options).models

    def deals(self) -> int:
        (row,) = fetch(self.warehouse, "select sum(deals)::int as n from own_models.by_portal")
        return int(row["n"])


def build_two_portals(url: str) -> None:
    """Fills a database with two portals and own leads, and builds all models."""
    warehouse = Warehouse(url)
    with warehouse.connect() as connection:
        model_data.populate(connection, 3, entities=10)
    build(warehouse.connect, load_project())
    warehouse.close()


@pytest.fixture
def small(tmp_path: Path, warehouse: Warehouse) -> Small:
    """A small project on a fresh database."""
    return Small(tmp_path, warehouse)


@pytest.fixture
def own(tmp_path: Path, warehouse: Warehouse) -> Own:
    """A folder of own models, beside the rows of a portal."""
    with warehouse.connect() as conn:
        model_data.populate(conn, 1, entities=10)
    return Own(tmp_path / "mine", warehouse)


def _wait_for(small: Small, query: str) -> None:
    deadline = time.monotonic() + 10
    while not small.rows(query):
        assert time.monotonic() < deadline
        time.sleep(0.02)
