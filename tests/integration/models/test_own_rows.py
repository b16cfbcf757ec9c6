"""Own incremental models keep the rows of earlier builds, which may be the only ones of their kind."""

from __future__ import annotations

from typing import Any

import pytest

from b24_pipeline.errors import ModelError, UsageError
from b24_pipeline.models import load_own_models, load_project
from tests.integration.models.conftest import Own
from tests.support.installation import execute, fetch

SOURCES = "sources: [{name: mine, schema: public, tables: [{name: amounts}]}]"
CONFIG = "materialized='incremental', unique_key=['day', 'owner']"
QUERY = "select day, owner, amount from {{ source('mine', 'amounts') }}"


class Daily:
    """A snapshot of each day, of which the earlier days can be read nowhere else."""

    def __init__(self, own: Own) -> None:
        self.own = own
        own.write("by_portal.sql", "select 'acme' as portal")  # one that needs no mart
        own.write("sources.yml", SOURCES)
        execute(own.warehouse, "create table amounts (day int, owner text, amount numeric, note text)")
        self.today(1, ann=10, bob=20)
        self.write(QUERY)
        self.done()
        self.today(2, ann=11)

    def today(self, day: int, **amounts: int) -> None:
        """The amounts of a day take the place of those of the day before."""
        execute(self.own.warehouse, "delete from amounts")
        for owner, amount in amounts.items():
            row = (day, owner, amount, "seen")
            execute(self.own.warehouse, "insert into amounts values (%s, %s, %s, %s)", *row)

    def write(self, query: str, config: str = "") -> None:
        settings = ", ".join(filter(None, [CONFIG, config]))
        self.own.write("daily.sql", "{{ config(" + settings + ") }} " + query)

    def done(self, **options: Any) -> str:
        """Builds the own models; what was done to this one."""
        return {one.name: one.action for one in self.own.build_alone(**options)}["daily"]

    def refused(self, **options: Any) -> str:
        """Builds, which has to fail and to change nothing; the reason, which is one line."""
        before = self.rows()
        with pytest.raises(ModelError) as refusal:
            self.done(**options)
        assert self.rows() == before
        assert "\n" not in str(refusal.value)
        return str(refusal.value)

    def rows(self) -> list[dict[str, Any]]:
        return fetch(self.own.warehouse, "select * from own_models.daily order by day, owner")

    def owners(self) -> list[str]:
        """Whose rows there are, with the day."""
        return [f"{row['owner']} {row['day']}" for row in self.rows()]


@pytest.fixture
def daily(own: Own) -> Daily:
    return Daily(own)


BOTH_DAYS = ["ann 1", "bob 1", "ann 2"]


def test_a_column_that_comes_is_added(daily: Daily) -> None:
    """Anywhere in the query; old rows have nothing in it, rights, views and the key's index stay."""
    execute(daily.own.warehouse, "create view on_it as select owner, amount from own_models.daily")
    daily.write("select day, upper(note) as note, owner, amount from {{ source('mine', 'amounts') }}")
    assert daily.done() == "incremental"
    assert daily.owners() == BOTH_DAYS
    assert [row["note"] for row in daily.rows()] == [None, None, "SEEN"]
    assert [int(row["amount"]) for row in daily.rows()] == [10, 20, 11]
    assert len(fetch(daily.own.warehouse, "select * from on_it")) == 3
    daily.today(2, ann=12)
    assert daily.done(only_changed=True) == "incremental"
    assert [int(row["amount"]) for row in daily.rows()] == [10, 20, 12]


def test_a_column_that_comes_may_be_of_the_key_and_described(daily: Daily) -> None:
    """It is there before the index of the key is made and the comments are written."""
    described = "models: [{name: daily, columns: [{name: note, description: A note.}]}]"
    daily.own.write("daily.yml", described)
    query = "select day, owner, amount, note from {{ source('mine', 'amounts') }}"
    daily.own.write(
        "daily.sql", "{{ config(materialized='incremental', unique_key=['day', 'note']) }} " + query
    )
    assert daily.done() == "incremental"
    assert daily.owners() == BOTH_DAYS
    told = "select col_description('own_models.daily'::regclass, 4) as note"
    assert fetch(daily.own.warehouse, told) == [{"note": "A note."}]


def test_a_query_that_only_reads_otherwise_goes_on(daily: Daily) -> None:
    """Another text, another order of the columns, a type that the column takes without a loss."""
    daily.write(
        "select owner, amount::integer as amount, day from {{ source('mine', 'amounts') }} where true"
    )
    assert daily.done() == "incremental"
    assert daily.owners() == BOTH_DAYS
    assert [int(row["amount"]) for row in daily.rows()] == [10, 20, 11]


def test_a_column_that_is_gone_is_refused(daily: Daily) -> None:
    """One line says which, what the table has, and what to do."""
    daily.write("select day, owner, note from {{ source('mine', 'amounts') }}")
    reason = daily.refused()
    assert reason.startswith("daily: its query has no column amount, which own_models.daily has (numeric)")
    assert "alter table own_models.daily drop column amount" in reason
    assert reason.endswith("b24 models --full-refresh --select daily")


@pytest.mark.parametrize(
    ("query", "old", "new"),
    [
        ("select day, owner, amount::text as amount from {{ source('mine', 'amounts') }}", "numeric", "text"),
        (
            "select day, owner, amount::float8 as amount from {{ source('mine', 'amounts') }}",
            "numeric",
            "double precision",
        ),
    ],
)
def test_another_type_is_refused(daily: Daily, query: str, old: str, new: str) -> None:
    """What would not go into the column as it is."""
    daily.write(query)
    reason = daily.refused()
    assert reason.startswith(f"daily: column amount is {old} in own_models.daily and {new} in its query")
    assert f"amount::{old}" in reason
    assert f"alter table own_models.daily alter column amount type {new}" in reason
    assert reason.endswith("b24 models --full-refresh --select daily")
    execute(daily.own.warehouse, f"alter table own_models.daily alter column amount type {new}")
    assert daily.done() == "incremental"
    assert daily.owners() == BOTH_DAYS


def test_fewer_digits_of_the_column_are_refused(daily: Daily) -> None:
    """A numeric(10,0) would round what comes without a word."""
    execute(daily.own.warehouse, "alter table own_models.daily alter column amount type numeric(10, 0)")
    assert "amount is numeric(10,0) in own_models.daily and numeric in" in daily.refused()


def test_on_schema_change_fail_refuses_a_column_that_comes(daily: Daily) -> None:
    """As in dbt; `append_new_columns` is what happens without it."""
    daily.write(
        "select day, owner, amount, note from {{ source('mine', 'amounts') }}", "on_schema_change='fail'"
    )
    reason = daily.refused()
    assert reason.startswith("daily: its query has a new column note (text), and on_schema_change is 'fail'")
    daily.write(
        "select day, owner, amount, note from {{ source('mine', 'amounts') }}",
        "on_schema_change='append_new_columns'",
    )
    assert daily.done() == "incremental"


def test_a_full_refresh_keeps_them_unless_one_is_named(daily: Daily) -> None:
    """Neither that of all, nor one that reaches it through another's name."""
    daily.own.write(
        "above.sql",
        "{{ config(materialized='incremental', unique_key='day') }} "
        "select day, count(*) as n from {{ ref('daily') }} group by day",
    )
    assert daily.done(full_refresh=True) == "incremental"
    assert daily.owners() == BOTH_DAYS
    assert daily.done(full_refresh=True, select="own") == "incremental"
    done = {one.name: one.action for one in daily.own.build_alone(full_refresh=True, select="daily+")}
    assert done == {"daily": "replaced", "above": "incremental"}
    assert daily.owners() == ["ann 2"]
    assert len(fetch(daily.own.warehouse, "select * from own_models.above")) == 2


def test_a_full_refresh_that_names_it_takes_other_columns(daily: Daily) -> None:
    """It is the way out of what was refused."""
    daily.write("select day, owner, note from {{ source('mine', 'amounts') }}")
    daily.refused()
    assert daily.done(full_refresh=True, select="daily") == "replaced"
    assert daily.rows() == [{"day": 2, "owner": "ann", "note": "seen"}]


@pytest.mark.parametrize("config", ["materialized='table'", "materialized='view'"])
def test_another_kind_is_refused_unless_named(daily: Daily, config: str) -> None:
    """A config that forgets that the model was incremental would drop what the table has."""
    daily.done()
    daily.own.write("daily.sql", "{{ config(" + config + ") }} " + QUERY)
    reason = daily.refused()
    assert reason.startswith(
        f"daily: own_models.daily keeps rows of earlier builds, which {config} would drop"
    )
    daily.refused(full_refresh=True)
    daily.done(full_refresh=True, select="daily")
    assert daily.owners() == ["ann 2"]
    daily.done()
    daily.write(QUERY)
    daily.done()
    execute(daily.own.warehouse, "drop table if exists own_models.daily")
    daily.own.write("daily.sql", "{{ config(" + config + ") }} " + QUERY)
    daily.done()  # nothing is there that could be lost


def test_full_refresh_of_the_config(daily: Daily) -> None:
    """True: replaced by each full refresh, and by nothing else; false: by none, also where it is named."""
    daily.write(QUERY, "full_refresh=false")
    assert daily.done(full_refresh=True) == "incremental"
    with pytest.raises(UsageError, match=r"daily: full_refresh=false .* keeps its rows"):
        daily.done(full_refresh=True, select="daily")
    assert daily.owners() == BOTH_DAYS
    daily.write(QUERY.replace("owner, amount", "owner, amount, note"), "full_refresh=true")
    assert daily.done() == "incremental"
    assert daily.owners() == BOTH_DAYS
    assert daily.done(full_refresh=True) == "replaced"
    assert daily.owners() == ["ann 2"]


def test_a_selection_leaves_the_others_to_the_next_build(daily: Daily) -> None:
    """What it has not built is not taken for built, and what failed is tried again."""
    assert "daily" in daily.own.build()
    daily.own.write("by_portal.sql", "select 'shop' as portal")
    assert [one.name for one in daily.own.build_alone(select="by_portal")] == ["by_portal"]
    assert {"by_portal", "daily"} <= {*daily.own.build()}
    with pytest.raises(UsageError, match="no model or layer is called 'nobody'"):
        daily.own.build_alone(select="nobody")


@pytest.mark.parametrize("setting", ["on_schema_change='ignore'", "on_schema_change='sync_all_columns'"])
def test_other_ways_of_dbt_are_refused(daily: Daily, setting: str) -> None:
    """With the values that are understood."""
    daily.write(QUERY, setting)
    with pytest.raises(ModelError, match="is not supported: it is 'append_new_columns' or 'fail'"):
        load_own_models(daily.own.folder, load_project())
