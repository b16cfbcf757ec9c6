"""Whatever changes, a build of what changed gives the tables of a full build."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeAlias

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from b24_pipeline.models import build, load_project
from b24_pipeline.store.crm import directories
from b24_pipeline.store.crm.stage_flags import Flags, StageFlags
from b24_pipeline.store.database.warehouse import Warehouse
from b24_pipeline.store.own_leads.directions import Directions
from tests.conftest import Server
from tests.integration.models.test_incremental import contents
from tests.support.data import model_data, own_data

PROJECT = load_project()
ENTITIES = 12
LATE_SECONDS = 55
"""Rows may be stamped so long before they are committed."""

Change: TypeAlias = Callable[["Life", random.Random], None]


class Life:
    """A database in which something changes."""

    def __init__(self, warehouse: Warehouse) -> None:
        self.warehouse = warehouse

    def run(self, statement: str, **values: Any) -> list[tuple[Any, ...]]:
        with self.warehouse.connect() as connection:
            cursor = connection.execute(statement, values)
            return cursor.fetchall() if cursor.description else []

    def account(self, chance: random.Random) -> Any:
        return chance.choice(self.run("select id from user_accounts order by name"))[0]


def a_row_is_stored(life: Life, chance: random.Random) -> None:
    """By a transaction that may end after younger rows were stored and built."""
    table, column = chance.choice([("bitrix24_deals", "stage_id"), ("bitrix24_leads", "status_id")])
    life.run(
        f"update {table} set {column} = %(stage)s, opportunity = %(amount)s,"
        " deleted_at = case when %(is_gone)s then now() end,"
        " loaded_at = last.stamp + make_interval(secs => %(seconds)s)"
        f" from (select max(loaded_at) as stamp from {table}) as last where id = %(id)s"
        # whoever stores a row stamps it after those who did before
        " and loaded_at < last.stamp + make_interval(secs => %(seconds)s)",
        stage=f"C0:S{chance.randrange(6)}",
        amount=chance.randrange(1000),
        is_gone=chance.random() < 0.3,
        seconds=chance.choice([0.001, -LATE_SECONDS * chance.random()]),
        id=chance.randrange(1, ENTITIES),
    )


def a_row_is_stored_now(life: Life, chance: random.Random) -> None:
    with life.warehouse.connect() as connection:
        model_data.add_deal(
            connection, life.account(chance), chance.randrange(1, 20), "C0:S2", amount=chance.randrange(99)
        )


def a_move_is_read(life: Life, chance: random.Random) -> None:
    life.run(
        "insert into bitrix24_status_history (user_account_id, entity_type, history_id, bitrix24_deal_id,"
        " to_status_id, to_category_id, changed_at, source, loaded_at)"
        " select %(account)s, 'deal', %(number)s, %(id)s, 'C0:S1', 0, now(), 'history',"
        " max(loaded_at) + make_interval(secs => %(seconds)s) from bitrix24_status_history",
        account=life.account(chance),
        number=chance.randrange(10**9, 2 * 10**9),
        id=chance.randrange(1, ENTITIES),
        seconds=chance.choice([0.001, -LATE_SECONDS * chance.random()]),
    )


def a_flag_is_set(life: Life, chance: random.Random) -> None:
    account = life.account(chance)
    flags = StageFlags(life.warehouse)
    stage = chance.choice(flags.stages(account))
    flags.set_flags(
        account, stage.id, Flags(chance.random() < 0.5, *chance.choice([(True, False), (False, True)]))
    )


def stages_are_read(life: Life, chance: random.Random) -> None:
    account = life.account(chance)
    known = StageFlags(life.warehouse).stages(account)
    kept = chance.sample(known, len(known) - 1)
    rows = [
        {
            "entity_type": stage.entity_type,
            "category_id": stage.category_id,
            "category_name": "Pipeline",
            "status_id": stage.status_id,
            "status_name": f"Stage {chance.randrange(3)}",
            "sort": chance.randrange(100),
            "semantics": "process",
        }
        for stage in kept
    ]
    life.warehouse.transact(directories.replace_stages, account, rows)


def directories_are_read(life: Life, chance: random.Random) -> None:
    account, name = life.account(chance), f"name {chance.random()}"
    life.warehouse.transact(
        directories.replace_statuses, account, [{"directory": "SOURCE", "status_id": "WEB", "name": name}]
    )
    pipelines = [{"entity_type": "deal", "category_id": 0, "name": name, "sort": 1, "is_default": True}]
    life.warehouse.transact(directories.replace_pipelines, account, pipelines)


def a_user_is_read(life: Life, chance: random.Random) -> None:
    life.run(
        "insert into bitrix24_users (user_account_id, id, name) values (%(account)s, 1, %(name)s)"
        " on conflict (user_account_id, id) do update set name = excluded.name, loaded_at = clock_timestamp()",
        account=life.account(chance),
        name=f"user {chance.randrange(99)}",
    )


def key_stages_are_chosen(life: Life, chance: random.Random) -> None:
    account = life.account(chance)
    directions = Directions(life.warehouse)
    chosen = chance.choice(directions.all(account))
    directions.set_key_stages(account, chosen.id, "deal", [])


def own_leads_are_matched(life: Life, chance: random.Random) -> None:
    with life.warehouse.connect() as connection:
        own_data.change(connection, chance.randrange(1000))


def an_own_lead_is_added(life: Life, chance: random.Random) -> None:
    account = life.account(chance)
    with life.warehouse.connect() as connection:
        creative = own_data.add_creative(connection, account, f"creative {chance.random()}")
        own_data.add_own_lead(connection, account, creative=creative, deal=chance.randrange(1, ENTITIES))


def one_is_qualified(life: Life, chance: random.Random) -> None:
    life.run(
        "update bitrix24_qualification set is_qualified = not is_qualified, loaded_at = clock_timestamp()"
        " where entity_id = %(id)s",
        id=chance.randrange(1, ENTITIES),
    )


def one_is_not_qualified_any_more(life: Life, chance: random.Random) -> None:
    life.run("delete from bitrix24_qualification where entity_id = %(id)s", id=chance.randrange(1, ENTITIES))


def a_portal_is_renamed(life: Life, chance: random.Random) -> None:
    life.run(
        "update user_accounts set name = %(name)s, bitrix24_time_zone = %(zone)s where id = %(account)s",
        name=f"portal{chance.randrange(10**6)}",
        zone=chance.choice(["Asia/Tokyo", "UTC", "America/New_York"]),
        account=life.account(chance),
    )


CHANGES: list[Change] = [
    a_row_is_stored,
    a_row_is_stored_now,
    a_move_is_read,
    a_flag_is_set,
    stages_are_read,
    directories_are_read,
    a_user_is_read,
    key_stages_are_chosen,
    own_leads_are_matched,
    an_own_lead_is_added,
    one_is_qualified,
    one_is_not_qualified_any_more,
    a_portal_is_renamed,
]


def contents_after(warehouse: Warehouse, **options: Any) -> dict[str, list[str]]:
    build(warehouse.connect, PROJECT, raise_on_failure=False, **options)
    with warehouse.connect() as connection:
        return contents(connection)


@pytest.fixture(scope="module")
def template(server: Server) -> str:
    """The name of a database that is populated and built."""
    url = server.fresh()
    warehouse = Warehouse(url)
    with warehouse.connect() as connection:
        model_data.populate(connection, 4, entities=ENTITIES)
    contents_after(warehouse)
    warehouse.close()
    return url.split("?", maxsplit=1)[0].rsplit("/", 1)[1]


@contextmanager
def copy_of(server: Server, template: str) -> Iterator[Warehouse]:
    """A database like the template."""
    url = server.fresh(template)
    warehouse = Warehouse(url)
    try:
        yield warehouse
    finally:
        warehouse.close()
        server.drop(url)


@pytest.mark.slow
@pytest.mark.timeout(1800)
@settings(max_examples=40, deadline=None, derandomize=True, phases=[Phase.generate])
@given(
    changes=st.lists(st.lists(st.sampled_from(CHANGES), min_size=1, max_size=2), min_size=1, max_size=3),
    seed=st.integers(0, 2**31),
)
def test_any_changes_give_the_tables_of_a_full_build(
    server: Server, template: str, changes: list[list[Change]], seed: int
) -> None:
    """Few changes before each build, since more of one table would hide one that is not noticed."""
    chance = random.Random(seed)
    with copy_of(server, template) as warehouse:
        life = Life(warehouse)
        for before_a_build in changes:
            for change in before_a_build:
                change(life, chance)
            by_change = contents_after(warehouse, only_changed=True)
        anew = contents_after(warehouse, full_refresh=True, with_tests=False)
        differing = {name for name, rows in anew.items() if rows != by_change[name]}
        assert differing == set(), ([[change.__name__ for change in part] for part in changes], seed)


def live(warehouse: Warehouse, builds: int, changes: int, seed: int) -> tuple[int, dict[str, list[str]]]:
    """Makes random changes before each of many builds; how many of these were by change, and the tables then."""
    chance = random.Random(seed)
    life = Life(warehouse)
    by_change = 0
    for _ in range(builds):
        for _ in range(changes):
            chance.choice(CHANGES)(life, chance)
        done = build(warehouse.connect, PROJECT, only_changed=True, raise_on_failure=False)
        by_change += {model.action for model in done.models} <= {"incremental", "view"}
    with warehouse.connect() as connection:
        return by_change, contents(connection)


@pytest.mark.parametrize(
    ("builds", "changes"),
    [(5, 20), pytest.param(100, 100, marks=[pytest.mark.slow, pytest.mark.timeout(3600)])],
)
def test_many_builds_by_change_give_the_tables_of_a_full_build(
    server: Server, template: str, builds: int, changes: int
) -> None:
    """What is counted by differences stays exact, however often something was added and taken away."""
    with copy_of(server, template) as warehouse:
        by_change, tables = live(warehouse, builds, changes, seed=builds)
        assert by_change == builds
        anew = contents_after(warehouse, full_refresh=True, with_tests=False)
        assert {name for name, rows in anew.items() if rows != tables[name]} == set()
