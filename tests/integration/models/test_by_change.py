"""A build by change: what it sees, what it counts, and when everything is built anew instead."""

from __future__ import annotations

import time
from collections.abc import Iterator

import psycopg
import pytest

from b24_pipeline.errors import ModelError
from b24_pipeline.models import BuildResult, ModelResult, build, load_project, update
from b24_pipeline.store.database.warehouse import Warehouse
from b24_pipeline.store.marts import sources
from tests.conftest import Server
from tests.integration.models.conftest import build_two_portals
from tests.integration.models.test_incremental import contents

PROJECT = load_project()


@pytest.fixture
def built(server: Server) -> Iterator[Warehouse]:
    """A database with two portals, own leads, and all models built."""
    url = server.prepared("two portals, built", build_two_portals)
    warehouse = Warehouse(url)
    yield warehouse
    warehouse.close()
    server.drop(url)


def is_by_change(result: BuildResult) -> bool:
    """Whether the build has computed nothing but what changed."""
    return {done.action for done in result.models} <= {"incremental", "view"}


def assert_as_built_anew(warehouse: Warehouse) -> None:
    """The tables are those of a build of everything."""
    with warehouse.connect() as connection:
        now = contents(connection)
    build(warehouse.connect, PROJECT, full_refresh=True, with_tests=False)
    with warehouse.connect() as connection:
        anew = contents(connection)
    assert {name for name in anew if anew[name] != now[name]} == set()


def write(warehouse: Warehouse, statement: str) -> None:
    """Runs one statement in a transaction of its own."""
    with warehouse.connect() as connection:
        connection.execute(psycopg.sql.SQL(statement))


MOVE = "update bitrix24_deals set stage_id = 'C0:S5', opportunity = 77.7 where id = 2"


def test_a_transaction_that_ends_after_a_build_is_seen_by_the_next(built: Warehouse) -> None:
    """It began before the build and had a lower number than others that were seen."""
    with built.connect() as late:
        late.execute(MOVE)
        write(built, "update bitrix24_deals set title = 'other' where id = 3")
        assert is_by_change(build(built.connect, PROJECT, only_changed=True))
    result = build(built.connect, PROJECT, only_changed=True)
    assert is_by_change(result)
    assert "funnel_stats" in {done.name for done in result.models}
    assert_as_built_anew(built)


def test_a_change_that_is_undone_is_none(built: Warehouse) -> None:
    """What is rolled back leaves no trace in the log."""
    with pytest.raises(psycopg.errors.DivisionByZero), built.connect() as connection:
        connection.execute(MOVE)
        connection.execute("select 1 / 0")
    assert build(built.connect, PROJECT, only_changed=True).models == []


def test_each_change_is_counted_once(built: Warehouse) -> None:
    """Builds one after another, with nothing or something in between, add nothing twice."""
    for statement in (MOVE, "select 1", MOVE.replace("S5", "S4"), MOVE):
        write(built, statement)
        assert is_by_change(build(built.connect, PROJECT, only_changed=True))
    assert_as_built_anew(built)


def test_only_what_changed_since_the_last_build_is_computed(built: Warehouse) -> None:
    """What earlier builds have computed is not computed again."""
    for deal in (1, 2, 3):
        write(built, f"update bitrix24_deals set opportunity = opportunity + 1 where id = {deal}")
        build(built.connect, PROJECT, only_changed=True)
        with built.connect() as connection:
            for name in ("int_changed_entity", "int_changed_journey"):
                found = connection.execute(
                    f"select distinct entity_id from analytics_build.{name}"
                ).fetchall()
                assert found == [(deal,)]


def test_a_name_that_another_portal_had_tells_them_apart(built: Warehouse) -> None:
    """Two portals swap their names between two builds, as where one is removed and another is added under its name."""
    write(built, "update bitrix24_deals set date_create = '2026-02-10 12:00+00'")
    build(built.connect, PROJECT, only_changed=True)
    with built.connect() as connection:
        names = "select name, id from user_accounts order by name"
        (one, its_id), (other, other_id) = connection.execute(names).fetchall()
        for name, portal in (("nobody", its_id), (one, other_id), (other, its_id)):
            connection.execute("update user_accounts set name = %s where id = %s", (name, portal))
    assert is_by_change(build(built.connect, PROJECT, only_changed=True))
    assert_as_built_anew(built)


def test_a_month_ripens_though_nobody_of_it_changed(built: Warehouse) -> None:
    """Once the copy goes further than an age of all that were created in it, also by a row of another month."""
    write(built, "update bitrix24_deals set date_create = now() where id = 2")
    assert is_by_change(build(built.connect, PROJECT, only_changed=True))
    before = ripe_rows(built)
    write(
        built,
        "update bitrix24_deals set title = 'later', loaded_at = now() + interval '60 days' where id = 3",
    )
    assert is_by_change(build(built.connect, PROJECT, only_changed=True))
    assert ripe_rows(built) > before
    assert_as_built_anew(built)


def ripe_rows(warehouse: Warehouse) -> int:
    """Rows of funnel_cohort whose age all of their month have reached."""
    with warehouse.connect() as connection:
        found = connection.execute("select count(*) from analytics.funnel_cohort where is_mature").fetchone()
    return int(found[0]) if found else 0


@pytest.mark.parametrize("days", [1, 400])
def test_the_days_of_all_stages_reach_to_the_last_one(built: Warehouse, days: int) -> None:
    """A move of a new day lengthens them all, and when it is taken back they are as long as before."""
    lengths = days_of_stages(built)
    write(
        built,
        "insert into bitrix24_status_history (user_account_id, entity_type, history_id, bitrix24_deal_id,"
        " from_status_id, to_status_id, from_category_id, to_category_id, type_id, changed_at, source, is_linked)"
        " select user_account_id, 'deal', 999999, id, stage_id, 'C0:S4', category_id, 0, 2,"
        f" now() + interval '{days} days', 'history', true from bitrix24_deals where id = 2",
    )
    build(built.connect, PROJECT, only_changed=True)
    assert days_of_stages(built) != lengths
    assert_as_built_anew(built)
    write(built, "delete from bitrix24_status_history where history_id = 999999")
    build(built.connect, PROJECT, only_changed=True)
    assert days_of_stages(built) == lengths
    assert_as_built_anew(built)


def days_of_stages(warehouse: Warehouse) -> list[tuple[object, ...]]:
    """How many days each portal has in funnel_daily, and up to which."""
    with warehouse.connect() as connection:
        return connection.execute(
            "select portal, count(*), max(day) from analytics.funnel_daily group by 1 order by 1"
        ).fetchall()


def test_what_all_builds_have_seen_is_deleted(built: Warehouse) -> None:
    """The log does not grow with the years.

    A change is kept as long as any transaction of the server is older, also one of another database; those of other
    tests end within seconds.
    """
    left, until = [1], time.monotonic() + 60
    while left != [0] and time.monotonic() < until:
        write(built, MOVE.replace("77.7", str(time.monotonic_ns() % 1000)))
        build(built.connect, PROJECT, only_changed=True)
        with built.connect() as connection:
            left = [count for (count,) in connection.execute("select count(*) from bitrix24_changes")]
    assert left == [0]


@pytest.mark.parametrize(
    "statement",
    [
        # a copy of the database on another server, whose transactions are counted anew
        "update bitrix24_model_sources set state = '1' || state where relation = 'public.bitrix24_changes'",
        # the server was put back
        "update bitrix24_model_sources set state = split_part(state, ' ', 1) || ' 99999999:99999999:'"
        " where relation = 'public.bitrix24_changes'",
        "truncate bitrix24_qualification",
        "drop table analytics_build.int_reach cascade",
        "update bitrix24_model_sources set models = 'of an older version'",
    ],
)
def test_everything_is_built_anew_where_the_changes_do_not_tell(built: Warehouse, statement: str) -> None:
    """Once; the next build goes by change again."""
    write(built, statement)
    write(built, MOVE)
    assert not is_by_change(build(built.connect, PROJECT, only_changed=True))
    write(built, MOVE.replace("S5", "S4"))
    assert is_by_change(build(built.connect, PROJECT, only_changed=True))
    assert_as_built_anew(built)


def test_many_changes_are_built_with_all_others(built: Warehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    """One by one they would take longer than everything."""
    monkeypatch.setattr(update, "FEW", 3)
    write(built, "update bitrix24_deals set opportunity = opportunity + 1")
    assert not is_by_change(build(built.connect, PROJECT, only_changed=True))
    write(built, MOVE)
    assert is_by_change(build(built.connect, PROJECT, only_changed=True))


def test_a_part_that_was_built_alone_makes_the_next_build_whole(built: Warehouse) -> None:
    """The journeys of a selection are of another moment than what counts them."""
    write(built, MOVE)
    build(built.connect, PROJECT, select="int_journey")
    assert not is_by_change(build(built.connect, PROJECT, only_changed=True))
    assert_as_built_anew(built)


def test_a_build_of_everything_that_breaks_off_is_not_gone_on_from(built: Warehouse) -> None:
    """Some tables are new and others old: what was counted does not fit what is counted next."""
    write(built, MOVE)
    write(
        built,
        "create function analytics.refuse() returns trigger language plpgsql as $$ begin"
        " raise exception 'no'; end $$;"
        "create trigger refuses before insert on analytics_build.int_reach execute function analytics.refuse()",
    )
    with pytest.raises(ModelError):
        build(built.connect, PROJECT, full_refresh=True)
    write(built, "drop function analytics.refuse cascade")
    build(built.connect, PROJECT, only_changed=True)
    assert_as_built_anew(built)


def test_what_changes_while_a_session_is_lost_is_seen(built: Warehouse) -> None:
    """The models that were built before the loss do not have it, and those after it may."""
    lost: list[bool] = []

    def lose(done: ModelResult) -> None:
        if done.name == "int_entity" and not lost:
            lost.append(True)
            write(built, MOVE)
            write(
                built,
                "select pg_terminate_backend(pid) from pg_stat_activity"
                " where datname = current_database() and pid != pg_backend_pid() and state != 'active'",
            )

    build(built.connect, PROJECT, full_refresh=True, on_model=lose)
    assert lost
    assert is_by_change(build(built.connect, PROJECT, only_changed=True))
    assert_as_built_anew(built)


def test_a_failed_test_undoes_the_build(built: Warehouse) -> None:
    """Everything is then built anew, and the test stops what is built on the model, as in any build of everything."""
    write(built, "update analytics_build.int_stock set entities = entities + 100")
    write(built, MOVE)
    assert not is_by_change(build(built.connect, PROJECT, only_changed=True))
    assert_as_built_anew(built)


def test_a_killed_build_has_changed_nothing(built: Warehouse) -> None:
    """The session that builds is ended in the middle; the build is done again and counts everything once."""
    write(built, MOVE)
    with built.connect() as connection:
        connection.execute(
            "create function analytics.end_session() returns trigger language plpgsql as $$ begin"
            " if (select count(*) from public.ended) = 0 then"
            " perform pg_terminate_backend(pg_backend_pid()); end if; return null; end $$"
        )
        connection.execute("create table public.ended (number integer)")
        connection.execute(
            "create trigger ends after insert on analytics.funnel_stats execute function analytics.end_session()"
        )
    with pytest.raises(psycopg.Error):
        build(built.connect, PROJECT, only_changed=True)
    write(built, "insert into ended values (1)")
    assert is_by_change(build(built.connect, PROJECT, only_changed=True))
    write(built, "drop function analytics.end_session cascade")
    assert_as_built_anew(built)


def test_readers_see_one_moment(built: Warehouse) -> None:
    """Who reads two marts in one transaction sees both before a build or both after it."""
    with built.connect() as reader:
        reader.execute("set transaction isolation level repeatable read")
        before = reader.execute("select sum(in_stage) from analytics.funnel_stats").fetchone()
        write(built, "update bitrix24_deals set deleted_at = now() where id < 5 and deleted_at is null")
        build(built.connect, PROJECT, only_changed=True)
        assert reader.execute("select sum(in_stage) from analytics.funnel_stats").fetchone() == before


def test_the_log_names_what_was_written(built: Warehouse) -> None:
    """One row a statement, portal and type."""
    write(built, MOVE)
    with built.connect() as connection:
        found = connection.execute(
            "select table_name, entity_type, entity_ids from bitrix24_changes order by number"
        ).fetchall()
    assert found == [("bitrix24_deals", "deal", [2])] * 2
    assert {f"public.{row[0]}" for row in found} <= sources.LOGGED
