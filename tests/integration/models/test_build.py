"""The runner: order, safety of readers, views of analysts, comments, tests, failures."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import psycopg
import pytest

from b24_pipeline.errors import ModelError
from b24_pipeline.models import ModelResult, Project, build, load_project, run_tests
from b24_pipeline.store.database.warehouse import Warehouse
from tests.conftest import Server
from tests.support.data import model_data

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


@pytest.fixture
def small(tmp_path: Path, warehouse: Warehouse) -> Small:
    """A small project on a fresh database."""
    return Small(tmp_path, warehouse)


def test_a_table_keeps_its_identity_and_writes_only_what_differs(small: Small) -> None:
    """Rights and views of analysts survive, and an unchanged row is not written."""
    small.build()
    small.run("create view analysts_own as select name from analytics.base")
    before = small.rows("select 'analytics.base'::regclass::oid, xmin from analytics.base where id = 1")
    small.run("update numbers set name = 'two' where id = 2")
    small.run("delete from numbers where id = 3")
    (base, _) = small.build()
    assert (base.action, base.rows, base.changed) == ("replaced", 2, 3)
    assert before == small.rows(
        "select 'analytics.base'::regclass::oid, xmin from analytics.base where id = 1"
    )
    assert small.rows("select name from analysts_own order by 1") == [("1",), ("two",)]


def test_other_columns_replace_the_table_under_the_views_on_it(small: Small) -> None:
    """A column more is a new table; views on the old one are there again, and read the new one."""
    small.build()
    small.run("create view analysts_own as select name from analytics.base")
    small.run("create materialized view kept as select count(*) as rows from analysts_own")
    small.model("base", BASE.replace("name from", "name, 7 as added from"))
    small.run("insert into numbers values (4, 'four')")
    assert small.build()[0].action == "replaced"
    assert len(small.rows("select name from analysts_own")) == 4
    assert small.rows("select rows from kept") == [(4,)]
    assert len(small.rows("select id from analytics.top")) == 4


def test_a_view_that_does_not_fit_any_more_stops_the_build_by_name(small: Small) -> None:
    """A column that an analyst's view needs is not taken away under it."""
    small.build()
    small.run("create view analysts_own as select name from analytics.base")
    small.model("base", BASE.replace(", name", ""))
    with pytest.raises(ModelError, match=r"base: .* view public\.analysts_own does not fit"):
        small.build()
    assert len(small.rows("select name from analysts_own")) == 3


def test_a_view_of_ours_that_does_not_fit_any_more_is_built_anew(small: Small) -> None:
    """Where the project changes both, the view follows its table."""
    small.model("top", "{{ config(materialized='view') }} select name from {{ ref('base') }}")
    small.build()
    small.model("base", BASE.replace(", name", ""))
    small.model("top", "{{ config(materialized='view') }} select id from {{ ref('base') }}")
    small.build()
    assert len(small.rows("select id from analytics.top")) == 3


@pytest.mark.parametrize("first, second", [("view", "table"), ("table", "view")])
def test_a_model_may_change_between_view_and_table(small: Small, first: str, second: str) -> None:
    """Its dependents stay."""
    for materialized in (first, second):
        small.model("base", BASE.replace("unique_key='id'", f"materialized='{materialized}'"))
        small.build()
        assert len(small.rows("select id from analytics.top")) == 3


def test_rows_that_share_a_key_are_all_kept(small: Small) -> None:
    """A wrong unique_key must not hide rows: the test of uniqueness has to find them."""
    small.run("insert into numbers values (1, '1')")
    small.describe("not_null")
    small.build()
    assert small.build()[0].rows == 4


def test_comments_are_those_of_schema_yml(small: Small) -> None:
    """Descriptions become SQL comments, and follow when they change."""
    small.build()
    described = (
        "select obj_description('analytics.base'::regclass), col_description('analytics.base'::regclass, 1)"
    )
    assert small.rows(described) == [("It's a base.", "A number.")]


def test_a_failed_test_of_severity_error_stops_what_follows(small: Small) -> None:
    """The error names the test, the rows and the query that shows them; the table stays to be looked at."""
    small.run("insert into numbers values (1, '1')")
    seen: list[str] = []
    with pytest.raises(ModelError) as caught:
        small.build(on_model=lambda done: seen.append(done.name))
    assert "base: test unique_base_id failed on 1 rows" in str(caught.value)
    query = str(caught.value).split("see the rows with: ", 1)[1]
    assert small.rows(query) == [(1, 2)]
    assert seen == ["base"]
    assert small.rows("select to_regclass('analytics.top')") == [(None,)]


def test_a_failed_test_of_severity_warn_is_only_reported(small: Small) -> None:
    """The build goes on, and the result tells."""
    small.run("insert into numbers values (1, '1')")
    small.describe("{unique: {config: {severity: warn}}}")
    base, top = small.build()
    assert [(test.passed, test.failures, test.severity) for test in base.tests] == [(False, 1, "warn")]
    assert top.name == "top"


def test_failures_can_be_collected_instead(small: Small) -> None:
    """With raise_on_failure=False everything is built; run_tests gives the same result later."""
    small.run("insert into numbers values (1, '1')")
    assert len(small.build(raise_on_failure=False)) == 2
    (test,) = run_tests(small.warehouse.connect, small.load())
    assert (test.name, test.model, test.column, test.failures) == ("unique_base_id", "base", "id", 1)


def test_a_query_that_fails_leaves_the_old_table(small: Small) -> None:
    """The error names the model and its file."""
    small.build()
    small.model("base", BASE.replace("select id", "select 1 / (id - 2) as id"))
    with pytest.raises(ModelError, match=r"base: division by zero .*base\.sql"):
        small.build()
    assert len(small.rows("select id from analytics.base")) == 3


def test_a_build_that_is_killed_leaves_the_old_table(small: Small) -> None:
    """The connection is cut in the middle of a model, and the next build finds nothing in its way."""
    small.build()
    small.model("base", BASE + ", pg_sleep(30) as nap")
    killed = threading.Thread(target=_fails, args=(small,))
    killed.start()
    _wait_for(small, "select pid from pg_stat_activity where wait_event = 'PgSleep'")
    small.run("select pg_terminate_backend(pid) from pg_stat_activity where wait_event = 'PgSleep'")
    killed.join(timeout=10)
    assert len(small.rows("select id from analytics.base")) == 3
    small.model("base", BASE)
    assert len(small.build()) == 2


def _fails(small: Small) -> None:
    with pytest.raises(ModelError):
        small.build()


def _wait_for(small: Small, query: str) -> None:
    deadline = time.monotonic() + 10
    while not small.rows(query):
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_second_build_waits_for_the_first(small: Small) -> None:
    """Two at once do not clash, and the second is not refused."""
    small.build()
    results: list[int] = []
    both = [threading.Thread(target=lambda: results.append(len(small.build()))) for _ in range(3)]
    with small.warehouse.autocommit() as conn:
        key = "hashtextextended('b24 models of analytics', 0)"
        conn.execute(f"select pg_advisory_lock({key})")
        for thread in both:
            thread.start()
        _wait_for(small, "select 1 from pg_locks where locktype = 'advisory' and not granted")
        assert results == []
        conn.execute(f"select pg_advisory_unlock({key})")
    for thread in both:
        thread.join(timeout=10)
    assert results == [2, 2, 2]


def test_an_unchanged_view_is_not_touched(small: Small) -> None:
    """Replacing a view waits for its readers: one that stays the same must not."""
    small.build()
    with small.warehouse.connect() as reader:
        reader.execute("select * from analytics.top")
        started = time.monotonic()
        small.build()
        assert time.monotonic() - started < 5


def test_readers_never_miss_a_table_nor_see_it_empty(warehouse: Warehouse) -> None:
    """While models are built over and over, every mart answers, with all of its rows."""
    with warehouse.connect() as conn:
        model_data.populate(conn, 3, entities=10)
    project = load_project()
    build(warehouse.connect, project)
    done, reads = threading.Event(), [0]
    failures: list[object] = []

    def read() -> None:
        while not done.is_set():
            for name in ("fct_deal", "fct_stage_interval", "funnel_stats", "funnel_daily", "dim_stage"):
                try:
                    with warehouse.connect() as conn:
                        (rows,) = conn.execute(f"select count(*) from analytics.{name}").fetchone() or (0,)
                    reads[0] += 1
                    if not rows:
                        failures.append(name)
                except psycopg.Error as error:
                    failures.append(error)

    readers = [threading.Thread(target=read) for _ in range(2)]
    for reader in readers:
        reader.start()
    for number in range(4):
        build(warehouse.connect, project, full_refresh=number % 2 == 1, with_tests=False)
    done.set()
    for reader in readers:
        reader.join()
    assert failures == []
    assert reads[0] > 5


@pytest.mark.parametrize(
    "select, expected", [("base", ["base"]), ("+top", ["base", "top"]), (None, ["base", "top"])]
)
def test_a_selection_is_built_in_order(small: Small, select: str | None, expected: list[str]) -> None:
    """Only what is named, upstream first."""
    assert [model.name for model in small.build(select=select)] == expected


def test_the_oldest_postgresql_builds_everything(oldest_server: Any) -> None:
    """PostgreSQL 15, the oldest that we support, knows all that the models use."""
    if oldest_server is None:
        return
    url = oldest_server.fresh()
    warehouse = Warehouse(url)
    with warehouse.connect() as conn:
        model_data.populate(conn, 4, entities=10)
    result = build(warehouse.connect, load_project())
    again = build(warehouse.connect, load_project())
    warehouse.close()
    oldest_server.drop(url)
    assert all(test.passed for test in result.tests + again.tests if test.severity == "error")


def test_rights_and_owners_outlive_the_table_and_the_views_on_it(small: Small, server: Server) -> None:
    """Who could read a table or view before its columns changed can afterwards, and no view changes hands."""
    ann, bob = server.role("ann"), server.role("bob")
    small.build()
    small.run(f"create schema {ann} authorization {ann}")
    small.run(f"grant usage on schema analytics to {ann}; grant select on analytics.base to {ann}, public")
    small.run(f"create view {ann}.own with (security_invoker) as select name from analytics.base")
    small.run(f"alter view {ann}.own owner to {ann}")
    small.run(f"create materialized view {ann}.kept with (fillfactor = 70) as select name from {ann}.own")
    small.run(
        f"grant select on {ann}.kept to {bob} with grant option; grant select, update on {ann}.own to {bob}"
    )
    rights = (
        "select relname, relowner::regrole::text, reloptions, array(select acl::text from unnest(relacl) as acl"
        " order by 1) from pg_class where relname in ('base', 'own', 'kept') order by 1"
    )
    before = small.rows(rights)
    old = small.rows("select 'analytics.base'::regclass::oid")
    small.model("base", BASE.replace("name from", "name, 7 as added from"))
    small.build()
    assert small.rows("select 'analytics.base'::regclass::oid") != old
    assert small.rows(rights) == before
