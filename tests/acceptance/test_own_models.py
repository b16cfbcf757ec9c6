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
    assert b24_here("models", env=env).returncode == 0
    assert told() == []
