"""Readers, views and rights of others outlive a build."""

from __future__ import annotations

import threading
import time

import psycopg
import pytest

from b24_pipeline.errors import ModelError
from b24_pipeline.models import build, load_project
from b24_pipeline.store.database.locks import held
from b24_pipeline.store.database.warehouse import Warehouse
from tests.conftest import Server
from tests.integration.models.conftest import BASE, Small
from tests.support.data import model_data


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


def test_a_second_build_waits_for_the_first(small: Small) -> None:
    """Two at once do not clash, and the second is not refused."""
    small.build()
    results: list[int] = []
    both = [threading.Thread(target=lambda: results.append(len(small.build()))) for _ in range(3)]
    with held(small.warehouse, "models of analytics", wait_seconds=0) as got:
        assert got
        for thread in both:
            thread.start()
        time.sleep(1)
        assert results == []
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
    for number in range(2):
        build(warehouse.connect, project, full_refresh=number % 2 == 1, with_tests=False)
    done.set()
    for reader in readers:
        reader.join()
    assert failures == []
    assert reads[0] > 5


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
