"""A build that fails: what the error names, what goes on, and what is left."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from b24_pipeline.errors import ModelError
from b24_pipeline.models import run_tests
from tests.integration.models.conftest import BASE, Small, _wait_for

NAPPING = BASE.replace(
    "id, name from", "id, name, (select pg_sleep(sum(seconds))::text from naps) as nap from"
)


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
    """The connection is cut in the middle of a model: the old table is there until it is built on another one."""
    small.build()
    small.run("create table naps as select 30 as seconds")
    small.model("base", NAPPING)
    asleep = "from pg_stat_activity where wait_event = 'PgSleep' and datname = current_database()"
    with ThreadPoolExecutor() as pool:
        killed = pool.submit(small.build)
        _wait_for(small, f"select pid {asleep}")
        assert len(small.rows("select id from analytics.base")) == 3
        small.run("delete from naps where seconds > 0")
        small.run(f"select pg_terminate_backend(pid) {asleep}")
        assert len(killed.result(timeout=60)) == 2
    assert len(small.rows("select id from analytics.base")) == 3
    assert len(small.build()) == 2
