"""A build of what changed leaves out all models that read nothing new, and misses no change."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from b24_pipeline.errors import ModelError
from b24_pipeline.models import build, load_project
from b24_pipeline.store.database.warehouse import Warehouse
from b24_pipeline.store.marts import sources
from tests.conftest import Server
from tests.integration.models.conftest import Small, build_two_portals
from tests.support.data import model_data

PROJECT = load_project()


def changed(warehouse: Warehouse) -> list[str]:
    """The models that a build of what changed builds."""
    return [done.name for done in build(warehouse.connect, PROJECT, only_changed=True).models]


@pytest.fixture
def built(server: Server) -> Iterator[Warehouse]:
    """A database with two portals, own leads, and all models built."""
    url = server.prepared("two portals, built", build_two_portals)
    warehouse = Warehouse(url)
    yield warehouse
    warehouse.close()
    server.drop(url)


def test_nothing_is_built_after_a_build(built: Warehouse) -> None:
    """A second build has nothing to do; one of a part has not either."""
    assert changed(built) == []
    assert build(built.connect, PROJECT, select="funnel_stats", only_changed=True).models == []


def test_the_state_of_each_source_is_known(built: Warehouse) -> None:
    """A table whose state is not read would make its models be built each time."""
    with built.connect() as connection:
        known = {*sources.states(connection), *sources.LOGGED}
    assert known == {source.relation for source in PROJECT.sources.values()}


@pytest.mark.parametrize(
    ("statement", "reader", "other"),
    [
        ("update bitrix24_deals set title = 'x', loaded_at = clock_timestamp() where id = 1", "fct_deal", ""),
        ("delete from bitrix24_qualification", "qualification", "stg_deals"),
        (
            "insert into creatives (user_account_id, name) select id, 'new' from user_accounts",
            "",
            "stg_deals",
        ),
        ("update account_directions set name = name || '!'", "stg_directions", "stg_deals"),
        ("update user_accounts set name = 'renamed' where name = 'acme'", "dim_portal", ""),
        ("delete from leads where phone is null or true", "stg_own_leads", "stg_deals"),
        ("delete from user_accounts where name = 'acme'", "funnel_stats", ""),
    ],
)
def test_each_kind_of_change_is_noticed(built: Warehouse, statement: str, reader: str, other: str) -> None:
    """The models above the changed table are built once, and the figures are those of a full build."""
    with built.connect() as connection:
        connection.execute(psycopg.sql.SQL(statement))
    done = changed(built)
    assert done
    assert not reader or reader in done
    assert other not in done
    assert changed(built) == []


def test_a_read_that_found_nothing_builds_nothing(built: Warehouse) -> None:
    """It moves how far was read, which views alone tell: they say it without a build."""
    told = "select count(*) from analytics.dim_portal where complete_until = '2026-02-03 04:00:00+00'"
    with built.connect() as connection:
        connection.execute(
            "insert into bitrix24_cursors (user_account_id, entity_type, watermark)"
            " select id, entity, '2026-02-03 04:00:00+00' from user_accounts cross join unnest(array['lead', 'deal'])"
            " as entity on conflict (user_account_id, entity_type) do update set watermark = excluded.watermark"
        )
    assert changed(built) == []
    with built.connect() as connection:
        assert (connection.execute(told).fetchone() or (0,))[0] > 0
    above = {
        name
        for name, model in PROJECT.models.items()
        if sources.PROGRESS in model.sources or "stg_cursors" in model.depends_on
    }
    assert above == {"stg_cursors", "dim_portal"}
    assert {PROJECT.models[name].materialized for name in above} == {"view"}
    # `dim_portal` is read by none of ours, so that no table keeps what it said at the last build
    assert not [name for name, model in PROJECT.models.items() if "dim_portal" in model.depends_on]


def test_a_row_that_is_committed_late_is_noticed(built: Warehouse) -> None:
    """Its stamp is older than the last one that was seen, yet it came after the build."""
    with built.connect() as connection:
        (account,) = connection.execute("select id from user_accounts where name = 'acme'").fetchone() or ()
        model_data.add_deal(connection, account, 901, "C0:S1")
        connection.execute(
            "update bitrix24_deals set loaded_at = ("
            "select max(loaded_at) - interval '2 s' from bitrix24_deals where id != 901) where id = 901"
        )
    assert "fct_deal" in changed(built)


def test_a_second_change_that_is_committed_late_is_noticed(built: Warehouse) -> None:
    """The row was new a moment ago, so neither the last stamp nor the number of new rows tells of its next change."""
    with built.connect() as connection:
        for number in (1, 2):
            connection.execute(
                "update bitrix24_deals set loaded_at = clock_timestamp() - make_interval(secs => %s) where id = %s",
                (60 / number, number),
            )
    changed(built)
    with built.connect() as connection:
        connection.execute(
            "update bitrix24_deals set stage_id = 'C0:S5', loaded_at = clock_timestamp() - interval '40 s' where id = 1"
        )
    assert "fct_deal" in changed(built)
    assert changed(built) == []


def test_changes_after_the_clock_was_put_back_are_noticed(built: Warehouse) -> None:
    """Rows are stamped before the last ones that a build has seen, until the clock has caught up."""
    with built.connect() as connection:
        connection.execute(
            "update bitrix24_deals set loaded_at = clock_timestamp() + interval '1 h' where id = 1"
        )
    changed(built)
    with built.connect() as connection:
        connection.execute(
            "update bitrix24_deals set opportunity = 7777, loaded_at = clock_timestamp() where id = 2"
        )
    changed(built)
    assert amounts(built, 2) == {7777}


def test_what_changed_while_the_clock_caught_up_is_noticed(built: Warehouse) -> None:
    """The first build after that still looks at all rows."""
    with built.connect() as connection:
        connection.execute(
            "update bitrix24_deals set loaded_at = clock_timestamp() + interval '3 s' where id = 1"
        )
    changed(built)
    with built.connect() as connection:
        connection.execute(
            "update bitrix24_deals set opportunity = 7777, loaded_at = clock_timestamp() - interval '1 h' where id = 2"
        )
        connection.execute("select pg_sleep(3.1)")
    changed(built)
    assert amounts(built, 2) == {7777}
    assert changed(built) == []


def amounts(warehouse: Warehouse, deal: int) -> set[int]:
    """The amounts of this deal of both portals in the models."""
    with warehouse.connect() as connection:
        found = connection.execute(
            "select opportunity from analytics_build.int_entity where entity_type = 'deal' and entity_id = %s",
            (deal,),
        )
        return {int(amount) for (amount,) in found.fetchall()}


def test_a_build_that_fails_is_done_again(small: Small) -> None:
    """What a failed test stopped is not taken for built."""
    small.run("insert into numbers values (1, 'again')")
    with pytest.raises(ModelError):
        small.build(only_changed=True)
    small.run("delete from numbers where name = 'again'")
    assert [done.name for done in small.build(only_changed=True)] == [
        "base",
        "top",
    ]


def test_a_changed_text_and_a_missing_table_are_built_anew(built: Warehouse) -> None:
    """An upgrade brings other texts, and somebody may drop a table."""
    with built.connect() as connection:
        connection.execute("drop table analytics.funnel_stats cascade")
    assert "funnel_stats" in changed(built)
    with built.connect() as connection:
        connection.execute("update bitrix24_model_sources set models = 'of an older version'")
    assert len(changed(built)) == len(PROJECT.models)
