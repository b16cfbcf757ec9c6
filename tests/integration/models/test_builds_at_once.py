"""Two builds of one model never mix, even where the first has lost the lock that keeps the second from beginning."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from b24_pipeline.models.materialize import materialize
from tests.integration.models.conftest import Small, _wait_for

WAITS = "select 1 from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()"


def test_a_build_waits_for_another_that_writes_the_same_table(small: Small) -> None:
    """The connection that held the lock of builds broke, and its model is still being written: no row comes twice."""
    small.build()
    small.run("insert into numbers values (4, 'new')")
    project = small.load()
    with ThreadPoolExecutor(1) as threads:
        with small.warehouse.connect() as connection:
            materialize(connection, project, project.models["base"], full_refresh=False)
            second = threads.submit(small.build)
            _wait_for(small, WAITS)
        second.result()
    assert small.rows("select id from analytics.base order by id") == [(1,), (2,), (3,), (4,)]
