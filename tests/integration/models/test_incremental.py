"""Building by change gives what building anew gives."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import psycopg
import pytest

from b24_pipeline.models import build, load_project
from b24_pipeline.store.database.warehouse import Warehouse
from tests.support.data import model_data

PROJECT = load_project()
RELATIONS = [
    name for name, model in PROJECT.models.items() if model.layer != "staging" and name not in PROJECT.lists
]


def contents(conn: psycopg.Connection[Any]) -> dict[str, list[str]]:
    """Every row of every relation, as text."""
    return {
        name: sorted(
            row[0]
            for row in conn.execute(
                f"select r::text from {PROJECT.models[name].schema}.{name} as r"
            ).fetchall()
        )
        for name in RELATIONS
    }


def built(warehouse: Warehouse, *, full_refresh: bool = False) -> dict[str, list[str]]:
    """The contents after a build."""
    build(warehouse.connect, PROJECT, full_refresh=full_refresh)
    with warehouse.connect() as conn:
        return contents(conn)


@pytest.mark.parametrize("seed", [11, pytest.param(12, marks=pytest.mark.slow)])
def test_changes_give_the_same_tables_as_a_full_refresh(warehouse: Warehouse, seed: int) -> None:
    """After each of several days of changes, both ways of building agree row by row."""
    with warehouse.connect() as conn:
        model_data.populate(conn, seed, entities=25)
    built(warehouse)
    for day in range(2):
        with warehouse.connect() as conn:
            model_data.change(conn, 100 * seed + day)
        by_change = built(warehouse)
        assert by_change == built(warehouse, full_refresh=True)


def test_only_changed_entities_are_computed_anew(warehouse: Warehouse) -> None:
    """One deal that moves costs its own rows, not the portal's."""
    with warehouse.connect() as conn:
        model_data.populate(conn, 5, entities=20)
    built(warehouse)
    with warehouse.connect() as conn:
        (account,) = conn.execute("select id from user_accounts where name = 'acme'").fetchone() or (None,)
        model_data.add_deal(conn, account, 3, "C0:S1", moved=model_data.START + timedelta(days=900))
    result = build(warehouse.connect, PROJECT)
    changed = {model.name: model.changed for model in result.models}
    assert {model.action for model in result.models} == {"incremental", "view"}
    assert changed["int_entity"] == 2  # its old row and its new one
    assert 0 < (changed["int_stage_interval"] or 0) < 20
    assert 0 < (changed["int_reach"] or 0) < 20


def test_the_first_rows_after_an_empty_build_are_found(warehouse: Warehouse) -> None:
    """An empty table has no last row to start from; then everything is new."""
    built(warehouse)
    with warehouse.connect() as conn:
        model_data.populate(conn, 6, entities=10)
    assert built(warehouse) == built(warehouse, full_refresh=True)


def test_a_row_that_is_committed_late_is_found(warehouse: Warehouse) -> None:
    """A row stamped before the last one seen, yet committed after it, is inside the overlap."""
    with warehouse.connect() as conn:
        account = model_data.add_portal(conn, "acme")
        model_data.add_stage(conn, account, "NEW", 10)
        model_data.add_deal(conn, account, 1, "NEW")
    built(warehouse)
    with warehouse.connect() as conn:
        model_data.add_deal(conn, account, 2, "NEW")
        conn.execute("update bitrix24_deals set loaded_at = loaded_at - interval '55 seconds' where id = 2")
    assert len(built(warehouse)["fct_deal"]) == 2


def test_flags_of_a_stage_take_effect_at_once(warehouse: Warehouse) -> None:
    """The user's flags are no change of any deal, and still reach every deal."""
    with warehouse.connect() as conn:
        account = model_data.add_portal(conn, "acme")
        model_data.add_stage(conn, account, "NEW", 10)
        model_data.add_deal(conn, account, 1, "NEW")
    built(warehouse)
    with warehouse.connect() as conn:
        conn.execute("update bitrix24_pipeline_stages set is_success_stage = true, is_qualified_stage = true")
    built(warehouse)
    with warehouse.connect() as conn:
        row = conn.execute("select is_won, is_open, is_qualified from analytics.fct_deal").fetchone()
    assert row == (True, False, True)


def test_days_follow_the_portals_time_zone(warehouse: Warehouse) -> None:
    """A zone that was set right afterwards moves every visit to its own day."""
    with warehouse.connect() as conn:
        model_data.populate(conn, 8, entities=10)
    built(warehouse)
    with warehouse.connect() as conn:
        conn.execute("update user_accounts set bitrix24_time_zone = 'Pacific/Auckland' where name = 'acme'")
    by_change = built(warehouse)
    assert by_change == built(warehouse, full_refresh=True)
    assert any("Pacific/Auckland" in row for row in by_change["int_stage_interval"])


def test_a_won_stage_is_what_the_user_says(warehouse: Warehouse) -> None:
    """Moves into a stage are wins as soon as its flag says so, though no deal has changed."""
    with warehouse.connect() as conn:
        account = model_data.add_portal(conn, "acme")
        for number, status in enumerate(("NEW", "PAID")):
            model_data.add_stage(conn, account, status, 10 * number)
            model_data.add_move(
                conn, account, "deal", 1, status, model_data.START + timedelta(days=number), history_id=number
            )
        model_data.add_deal(conn, account, 1, "PAID")
    built(warehouse)
    with warehouse.connect() as conn:
        conn.execute("update bitrix24_pipeline_stages set is_success_stage = true where status_id = 'PAID'")
    built(warehouse)
    with warehouse.connect() as conn:
        (kind,) = conn.execute(
            "select entry_kind from analytics.fct_stage_interval where status_id = 'PAID'"
        ).fetchone() or (None,)
        (won,) = conn.execute("select sum(won) from analytics.funnel_daily").fetchone() or (None,)
    assert (kind, won) == ("won", 1)


def test_a_portal_that_is_removed_leaves_the_marts(warehouse: Warehouse) -> None:
    """Its rows are gone from every mart after the next build."""
    with warehouse.connect() as conn:
        model_data.populate(conn, 7, entities=10)
    built(warehouse)
    with warehouse.connect() as conn:
        conn.execute("delete from user_accounts where name = 'acme'")
    by_change = built(warehouse)
    marts = [name for name in RELATIONS if PROJECT.models[name].layer == "marts"]
    again = built(warehouse, full_refresh=True)
    assert {name: by_change[name] for name in marts} == {name: again[name] for name in marts}
    assert not any("acme" in row for name in marts for row in by_change[name])
