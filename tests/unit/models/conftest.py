"""A small project of models."""

from __future__ import annotations

from pathlib import Path

import pytest

PROJECT_YML = "name: small\nprofile: small\nvars: {pause: 2 minutes}\n"
SCHEMA_YML = """
version: 2
sources: [{name: raw, schema: public, tables: [{name: deals, identifier: bitrix24_deals}]}]
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A project of one staging model."""
    (tmp_path / "models" / "staging").mkdir(parents=True)
    (tmp_path / "tests").mkdir()
    write(tmp_path, "dbt_project.yml", PROJECT_YML)
    write(tmp_path, "models/schema.yml", SCHEMA_YML)
    write(tmp_path, "models/staging/stg_deals.sql", "select id from {{ source('raw', 'deals') }}")
    return tmp_path


def write(folder: Path, name: str, text: str) -> None:
    """One file of the project."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
