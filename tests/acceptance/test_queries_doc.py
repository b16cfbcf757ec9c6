"""Every query of docs/queries.md runs on the demo's portal, and gives the answer that is printed below it."""

from __future__ import annotations

import importlib.util
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pandas as pd
import psycopg
import pytest

from b24_pipeline.commands.demo_leads import advertise
from b24_pipeline.models import build, load_project
from b24_pipeline.sandbox import Sandbox, SandboxConfig
from b24_pipeline.settings import settings
from b24_pipeline.store.database.vault import Vault
from b24_pipeline.store.database.warehouse import Warehouse
from b24_pipeline.store.portals.portals import Portals
from tests.acceptance.conftest import KEY, call_b24, connect, environment
from tests.conftest import Server

DOCS = Path(__file__).parents[2] / "docs"
PAGE = DOCS / "queries.md"


@pytest.fixture(scope="module")
def database_url(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A database with the demo's portal, synced by the command; the tests only read."""
    url = server.by_code_point()  # as the answers are sorted, whatever the machine's language is
    env = environment(DATABASE_URL=url, B24_SECRET_KEYS=KEY, B24_ALLOWED_PORTALS="127.0.0.1")
    folder = tmp_path_factory.mktemp("queries")
    with pytest.MonkeyPatch.context() as patch, Sandbox(SandboxConfig(leads=3000, deals=3000)) as sandbox:
        connect(lambda *arguments: call_b24(patch, folder, env, arguments), sandbox, "demo")
        synced = call_b24(patch, folder, env, ("sync", "demo"))
        assert synced.returncode == 0, synced.stderr
        _advertise(url, folder)
        yield url
    server.drop(url)


def _advertise(url: str, folder: Path) -> None:
    """The own leads of the demo, and the models with them."""
    warehouse = Warehouse(url)
    advertise(warehouse, Portals(warehouse, Vault(KEY)).one("demo"), folder / "ad-leads.csv")
    build(warehouse.connect, load_project(), only_changed=True)
    warehouse.close()


@pytest.fixture
def generator(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The module that writes the answers, which is in no package."""
    spec = importlib.util.spec_from_file_location("generate_answers", DOCS / "generate_answers.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "generate_answers", module)  # its dataclass looks itself up there
    spec.loader.exec_module(module)
    return module


def queries() -> dict[str, str]:
    """The page's queries by the heading above each."""
    found = re.findall(r"^## ([^\n]+)\n(?:(?!^## ).)*?```sql\n(.*?)```", PAGE.read_text("utf-8"), re.M | re.S)
    return dict(found)


def test_every_query_runs_and_finds_rows(database_url: str) -> None:
    """None of them is empty."""
    with psycopg.connect(database_url) as connection:
        found = {
            heading: len(connection.execute(query.encode()).fetchall())
            for heading, query in queries().items()
        }
    assert len(found) == PAGE.read_text("utf-8").count("```sql")
    assert [heading for heading, count in found.items() if not count] == []


def test_answers_are_those_of_the_demo(database_url: str, generator: ModuleType) -> None:
    """Twenty questions have the answers that `docs/generate_answers.py` writes; those by the clock have some."""
    page = PAGE.read_text("utf-8")
    asked = generator.questions(page)
    assert len(asked) == 20 and all(len(one.answer.splitlines()) > 3 for one in asked)
    with psycopg.connect(database_url) as connection:
        assert generator.answered(page, connection) == page


def test_each_question_needs_one_join_at_most() -> None:
    """What an analyst asks is a query on documented marts, not a search for keys."""
    asked = [query for heading, query in queries().items() if re.match(r"\d+\. ", heading)]
    assert len(asked) == 20
    assert max(len(re.findall(r"\bjoin\b", query)) for query in asked) == 1
    assert [query for query in asked if re.search(r"\bwith\b|from bitrix24_", query)] == []


ONE_NAME = """
    select format('update %I.%I set %I = ''Anna'' where %I is not null', table_schema, table_name, name, name)
    from information_schema.columns
    inner join information_schema.tables using (table_schema, table_name)
    cross join lateral (select column_name::text as name) as named
    where
        table_type = 'BASE TABLE'
        and (
            (table_schema like 'analytics%' and name similar to '(category|pipeline|status|stage|source)_name')
            or (table_name = 'bitrix24_users' and name = 'last_name')
            or (table_name similar to 'bitrix24_(users|departments|statuses|pipelines)' and name = 'name')
            or (table_name = 'bitrix24_companies' and name = 'title')
        )
"""
"""Statements that call all persons, departments, companies, sources, pipelines and stages by one name."""


def figures(connection: psycopg.Connection[Any], query: str) -> list[str]:
    """All rows without their texts, in the order of the figures."""
    rows = connection.execute(re.sub(r"\blimit \d+", "", query).encode()).fetchall()
    return sorted(repr([value for value in row if not isinstance(value, str)]) for row in rows)


def test_namesakes_are_rows_of_their_own(database_url: str) -> None:
    """Where all are called by one name, every figure is as it was."""
    with psycopg.connect(database_url) as connection:
        before = {heading: figures(connection, query) for heading, query in queries().items()}
        renaming = connection.execute(ONE_NAME.encode()).fetchall()
        assert len(renaming) > 10
        for (statement,) in renaming:
            connection.execute(statement.encode())
        after = {heading: figures(connection, query) for heading, query in queries().items()}
        connection.rollback()
    assert [heading for heading in before if after[heading] != before[heading]] == []


def test_the_first_query_counts_all_deals(database_url: str) -> None:
    """Those in deleted stages too."""
    query = next(query for heading, query in queries().items() if heading.startswith("1. "))
    deals = "select count(*) from analytics.fct_deal where category_id = 0"
    with psycopg.connect(database_url) as connection:
        asked = connection.execute(query.encode())
        place = [column.name for column in asked.description or ()].index("in_stage")
        assert (sum(row[place] for row in asked.fetchall()),) == connection.execute(deals.encode()).fetchone()


def test_the_example_in_python_runs(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """On the same portal every frame and series of the example has rows."""
    monkeypatch.setenv("DATABASE_URL", database_url)
    settings.cache_clear()
    (code,) = re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.S)
    made: dict[str, Any] = {}
    exec(compile(code, str(PAGE), "exec"), made)
    settings.cache_clear()
    shown = {name: len(one) for name, one in made.items() if isinstance(one, pd.DataFrame | pd.Series)}
    assert set(shown) == {"deals", "won", "by_month", "visits", "days", "fields", "joined"}
    assert all(shown.values()), shown
    months = (
        "select to_char(date_create at time zone time_zone, 'YYYY-MM'), count(*)"
        " from analytics.fct_deal inner join analytics.dim_portal using (portal) group by 1"
    )
    with psycopg.connect(database_url) as connection:
        assert dict(connection.execute(months).fetchall()) == made["by_month"].to_dict()
