"""Every query of docs/queries.md runs and finds something."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd
import psycopg
import pytest

from b24_pipeline.sandbox import Sandbox
from b24_pipeline.settings import settings
from tests.acceptance.conftest import B24, connect

PAGE = Path(__file__).parents[2] / "docs" / "queries.md"


def queries() -> dict[str, str]:
    """The page's queries by the heading above each."""
    found = re.findall(r"^## ([^\n]+)\n(?:(?!^## ).)*?```sql\n(.*?)```", PAGE.read_text("utf-8"), re.M | re.S)
    return dict(found)


def rows_found(connection: psycopg.Connection, query: str) -> int:
    """How many rows a query returns."""
    return len(connection.execute(query.encode()).fetchall())


def test_every_query_runs_and_finds_rows(b24_here: B24, sandbox: Sandbox, database_url: str) -> None:
    """On a small portal that was just synced, each query on the page returns rows."""
    connect(b24_here, sandbox)
    synced = b24_here("sync", "acme")
    assert synced.returncode == 0, synced.stderr
    with psycopg.connect(database_url) as connection:
        found = {heading: rows_found(connection, query) for heading, query in queries().items()}
    assert len(found) == PAGE.read_text("utf-8").count("```sql")
    assert [heading for heading, count in found.items() if not count] == []


def test_the_example_in_python_runs(
    b24_here: B24, sandbox: Sandbox, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On the same portal every frame and series of the example has rows."""
    connect(b24_here, sandbox)
    assert b24_here("sync", "acme").returncode == 0
    monkeypatch.setenv("DATABASE_URL", database_url)
    settings.cache_clear()
    (code,) = re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.S)
    made: dict[str, object] = {}
    exec(compile(code, str(PAGE), "exec"), made)
    settings.cache_clear()
    shown = {name: len(one) for name, one in made.items() if isinstance(one, pd.DataFrame | pd.Series)}
    assert set(shown) == {"deals", "won", "visits", "days", "fields", "joined"}
    assert all(shown.values()), shown
