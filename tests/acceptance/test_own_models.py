"""`B24_MODELS_PATH`: the operator's own models by the command."""

from __future__ import annotations

import json
from pathlib import Path

import psycopg

from tests.acceptance.conftest import B24

GOOD = "select portal, count(*) as deals from {{ ref('fct_deal') }} group by portal"


def test_own_models_are_built_after_ours_and_break_none_of_them(
    b24_here: B24, tmp_path: Path, database_url: str
) -> None:
    """One that fails is one line on stderr and exit 1; ours and the others are there."""
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "by_portal.sql").write_text(GOOD, "utf-8")
    (folder / "broken.sql").write_text("select nothing from {{ ref('fct_deal') }}", "utf-8")
    env = {"B24_MODELS_PATH": str(folder)}
    done = b24_here("models", env=env)
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1 and "broken" in done.stderr and "nothing" in done.stderr
    assert "by_portal" in done.stdout and "funnel_stats" in done.stdout
    found = json.loads(b24_here("doctor", "--json", env=env).stdout)["findings"]
    assert ["broken: " in one["problem"] and "nothing" in one["problem"] for one in found][1:] == [True]
    (folder / "broken.sql").write_text("select nothing from {{ ref('nowhere') }}", "utf-8")
    found = json.loads(b24_here("doctor", "--json", env=env).stdout)["findings"]
    assert ["own models: " in one["problem"] and "nowhere" in one["problem"] for one in found][1:] == [True]
    (folder / "broken.sql").unlink()
    assert "by_portal" in b24_here("models", env=env).stdout
    idle = b24_here("models", env=env)
    assert (idle.returncode, "up to date" in idle.stdout) == (0, True), idle.stderr
    assert "own models" not in b24_here("doctor", env=env).stdout
    with psycopg.connect(database_url) as connection:
        assert connection.execute("select * from own_models.by_portal").fetchall() == []
    forgotten = b24_here("models")
    assert (forgotten.returncode, forgotten.stderr.splitlines()) == (
        0,
        ["note: the models in own_models were not built, because B24_MODELS_PATH is not set"],
    )
    found = json.loads(b24_here("doctor", "--json").stdout)["findings"]
    assert {
        "portal": "",
        "problem": "the models in own_models are not built, because B24_MODELS_PATH is not set",
        "advice": "put B24_MODELS_PATH into .env",
    } in found
    with psycopg.connect(database_url) as connection:
        connection.execute("drop view own_models.by_portal")
    assert b24_here("models").stderr == ""  # whoever has none is told nothing of them
    assert "own_models" not in b24_here("doctor").stdout
    missing = b24_here("models", env={"B24_MODELS_PATH": str(tmp_path / "nowhere")})
    assert (missing.returncode, "B24_MODELS_PATH" in missing.stderr) == (1, True)


def test_own_tables_that_stay_behind_are_told(b24_here: B24, tmp_path: Path, database_url: str) -> None:
    """A service that does not know the folder builds the marts alone; whoever looks with the setting hears of it."""
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "by_portal.sql").write_text("{{ config(materialized='table') }}" + GOOD, "utf-8")
    env = {"B24_MODELS_PATH": str(folder)}

    def told() -> list[str]:
        found = json.loads(b24_here("doctor", "--json", env=env).stdout)["findings"]
        return [one["problem"] for one in found if "own models" in one["problem"]]

    assert b24_here("models", env=env).returncode == 0
    with psycopg.connect(database_url) as connection:
        connection.execute(
            "insert into user_accounts (name, bitrix24_domain) values ('acme', 'acme.bitrix24.com')"
        )
    assert b24_here("models").returncode == 0
    assert told() == []  # a build of them may be on its way
    with psycopg.connect(database_url) as connection:
        connection.execute("update bitrix24_model_sources set built_at = built_at - interval '10 minutes'")
    (problem,) = told()
    assert problem.startswith("own models are older than the marts, which were built 10 min")
    with psycopg.connect(database_url) as connection:
        connection.execute("update user_accounts set name = 'acme2'")
    assert b24_here("models").returncode == 0
    assert told() == [problem]  # the marts of a portal that moves are never old
    assert b24_here("models", env=env).returncode == 0
    assert told() == []
    with psycopg.connect(database_url) as connection:
        connection.execute("update bitrix24_model_sources set built_at = built_at - interval '10 minutes'")
        connection.execute("update user_accounts set name = 'acme3'")
    assert b24_here("models").returncode == 0
    assert told() == []  # they were built long ago, and what they have not seen is of now


def test_own_tables_that_were_never_built_are_told(b24_here: B24, tmp_path: Path, database_url: str) -> None:
    """Whoever sets the folder after a start of what builds hears that it has to be started again."""
    assert b24_here("models").returncode == 0
    with psycopg.connect(database_url) as connection:
        connection.execute("update bitrix24_model_sources set built_at = built_at - interval '10 minutes'")
        connection.execute(
            "insert into user_accounts (name, bitrix24_domain) values ('acme', 'acme.bitrix24.com')"
        )
    assert b24_here("models").returncode == 0
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "by_portal.sql").write_text("{{ config(materialized='table') }}" + GOOD, "utf-8")
    told = b24_here("doctor", env={"B24_MODELS_PATH": str(tmp_path / "mine"), "COLUMNS": "400"}).stdout
    assert "no own model was built yet" in told
    assert "older than the marts" not in told


def test_a_full_refresh_keeps_what_only_an_own_table_has(
    b24_here: B24, tmp_path: Path, database_url: str
) -> None:
    """A snapshot of each day gets a column and lives through a full refresh; by its name it is replaced."""
    folder = tmp_path / "mine"
    folder.mkdir()
    env = {"B24_MODELS_PATH": str(folder)}
    config = "{{ config(materialized='incremental', unique_key='day') }} "

    def days() -> list[tuple[object, ...]]:
        with psycopg.connect(database_url) as connection:
            return connection.execute("select * from own_models.daily order by day").fetchall()

    def wrote(query: str, *arguments: str) -> tuple[int, list[str]]:
        (folder / "daily.sql").write_text(config + query, "utf-8")
        done = b24_here("models", *arguments, env=env)
        return done.returncode, done.stderr.splitlines()

    assert wrote("select 1 as day") == (0, [])
    assert wrote("select 2 as day, 'new' as note from {{ ref('fct_deal') }} having true") == (0, [])
    assert days() == [(1, None), (2, "new")]
    code, (note,) = wrote("select 3 as day, 'new' as note", "--full-refresh")
    assert (code, days()) == (0, [(1, None), (2, "new"), (3, "new")])
    assert note.startswith("note: own incremental models keep the rows of earlier builds: daily; ")
    assert note.endswith("b24 models --full-refresh --select daily")
    code, (refusal,) = wrote("select 4 as day")
    assert (code, len(days())) == (1, 3)
    assert "its query has no column note" in refusal
    problems = [
        one["problem"] for one in json.loads(b24_here("doctor", "--json", env=env).stdout)["findings"]
    ]
    assert [one for one in problems if one.startswith("own model daily: its query has no column note")]
    assert wrote("select 4 as day", "--select", "nobody")[0] == 2
    assert wrote("select 4 as day", "--full-refresh", "--select", "daily") == (0, [])
    assert days() == [(4,)]
    assert wrote(
        "{{ config(full_refresh=false) }} select 5 as day", "--full-refresh", "--select", "daily"
    ) == (
        2,
        [
            "b24: daily: full_refresh=false in its config(...) keeps its rows: take that out to have them replaced"
        ],
    )
    done = b24_here("models", "--select", "dim_stage daily", env=env)
    assert (done.returncode, "dim_stage" in done.stdout, days()) == (0, True, [(4,), (5,)]), done.stderr
