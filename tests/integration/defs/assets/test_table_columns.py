"""The columns of raw tables that Dagster shows before the first run."""

from __future__ import annotations

from b24_pipeline.defs.assets.table_columns import known_columns, read_columns
from b24_pipeline.runtime import Runtime


def test_they_are_those_of_the_database(installation: Runtime) -> None:
    """Otherwise `docs/generate_tables.py` writes them anew."""
    with installation.warehouse.connect() as connection:
        found = read_columns(connection)
    assert all(found.values())
    assert known_columns() == found
