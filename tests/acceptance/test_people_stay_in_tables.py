"""Whatever goes wrong with the row of a person, nothing of her is told outside of the tables that hold such rows."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from b24_pipeline.sandbox import Sandbox, SandboxConfig
from tests.acceptance.conftest import B24, Result, connect
from tests.support.expected.tables import rows
from tests.support.installation import free_port
from tests.support.people import (
    EMAIL,
    IS_HERS,
    LAST_NAME,
    MARKS,
    NAME,
    PHONE,
    ROWS_OF_PEOPLE,
    enter,
    files_with_her,
    gives_away,
    tables_with_her,
)
from tests.support.servers.serving import serve
from tests.support.servers.web_service import BEARER
from tests.support.servers.web_service import KEY as ADMIN_KEY

ROOT = Path(__file__).parents[2]
FULL = "set temp_file_limit = '64kB' set work_mem = '64kB'"
FAULTS = {
    "cancelled": ("57014", "perform pg_cancel_backend(pg_backend_pid()); perform pg_sleep(5);", ""),
    "no_number": ("22P02", "perform (to_jsonb(new) ->> 'title')::int, new::text::int;", ""),
    "refused": ("23514", "insert into only_others values (to_jsonb(new)::text);", ""),
    "disk_full": ("53400", "perform new::text || n from generate_series(1, 50000) as n order by 1;", FULL),
    "raised": ("P0001", "raise exception 'not this one: %', new using detail = new::text;", ""),
}
"""PostgreSQL's code, and what the database does when it meets the row, each with the row in its own message."""

TABLES = ("bitrix24_leads", "bitrix24_deals", "bitrix24_contacts")
MASK_THAT_FAILS = """
create or replace function b24_masked_phone(phone text) returns text language plpgsql immutable as $$
begin return case when phone ~ '9214567891' then phone::date::text else '***' end; end $$
"""
RUNS = """
import sys
from dagster import DagsterInstance
from b24_pipeline.definitions import defs
from b24_pipeline.defs.ops import drain

drain.LINGER_SECONDS = 1.0
with DagsterInstance.get() as instance:
    for name in sys.argv[1:]:
        done = defs.resolve_job_def(name).execute_in_process(instance=instance, raise_on_error=False)
        print(name, "worked" if done.success else "failed")
"""


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(SandboxConfig(leads=20, deals=30)) as portal:
        yield portal


@pytest.fixture
def hers(sandbox: Sandbox, b24_here: B24) -> dict[str, int]:
    """The portal is connected, and she is in it: the ids of her lead, contact and deal."""
    connect(b24_here, sandbox)
    return enter(sandbox)


def stumble(url: str, fault: str, *tables: str) -> None:
    """From now on the database meets this fault where it stores a row of hers."""
    _, action, settings = FAULTS[fault]
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            f"""
            create table if not exists only_others (whole text check (whole !~* '{"|".join(MARKS)}'));
            create or replace function stumble_{fault}() returns trigger language plpgsql {settings} as $$
            begin if {IS_HERS} then {action} end if; return new; end $$;
            """.encode()
        )
        for table in tables:
            connection.execute(
                f"create trigger stumble_{fault} before insert or update on {table}"
                f" for each row execute function stumble_{fault}()".encode()
            )


def told_by(*results: Result) -> str:
    """All that commands wrote."""
    return "".join(result.stdout + result.stderr for result in results)


def assert_untold(url: str, home: Path, *told: str) -> None:
    """Nothing of her in what was told, in the logs of runs, in Dagster's tables, nor in ours beside her rows."""
    assert [gives_away(text) for text in told] == [[] for _ in told], "\n".join(told)[-4000:]
    assert files_with_her(home) == []
    assert tables_with_her(url) == []


def account_of(url: str) -> Any:
    return rows(url, "select id from user_accounts")[0]["id"]


def land(url: str, hers: dict[str, int]) -> None:
    """The portal has told that she changed."""
    with psycopg.connect(url) as connection:
        for kind, number in hers.items():
            connection.execute(
                "insert into bitrix24_webhook_events (member_id, user_account_id, event, entity_type, entity_id)"
                " values ('m', %s, %s, %s, %s)",
                (account_of(url), f"ONCRM{kind.upper()}UPDATE", kind, number),
            )


@pytest.mark.parametrize("fault", FAULTS)
def test_a_row_that_the_database_does_not_take(
    b24_here: B24, hers: dict[str, int], database_url: str, tmp_path: Path, fault: str
) -> None:
    """A COPY of a first load, and then a drain, end at her row: the code is told, with every detail asked for too."""
    stumble(database_url, fault, *TABLES)
    first = b24_here("--debug", "--log-json", "sync", "acme", "--no-models")
    assert first.returncode == 1
    assert FAULTS[fault][0] in first.stderr
    land(database_url, hers)
    drained = b24_here("--debug", "drain", "--no-models")
    failed = rows(database_url, "select error from bitrix24_webhook_events where error is not null")
    assert FAULTS[fault][0] in str(failed) + drained.stderr
    assert_untold(database_url, tmp_path, told_by(first), told_by(drained))


def test_she_is_found_where_she_may_be(b24_here: B24, hers: dict[str, int], database_url: str) -> None:
    """The search of these tests finds her in the tables that hold people, and only there."""
    assert b24_here("sync", "acme", "--no-models").returncode == 0
    found = {table.removeprefix("public.") for table in tables_with_her(database_url, allowed=())}
    assert set(TABLES) <= found <= set(ROWS_OF_PEOPLE)
    assert hers


def dagster_runs(env: dict[str, str], home: Path, *jobs: str) -> Result:
    """Runs of these jobs in a process of their own, with Dagster's tables where the product has them."""
    home.mkdir(exist_ok=True)
    shutil.copy(ROOT / "dagster.yaml", home)
    return subprocess.run(
        [sys.executable, "-c", RUNS, *jobs],
        env=env | {"DAGSTER_HOME": str(home)},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )


def own_lead(b24_here: B24, folder: Path) -> None:
    """She has left her phone in an advertisement, too."""
    path = folder.parent / f"{folder.name}_own.csv"
    path.write_text(f"id,name,phone,email\n1,{NAME} {LAST_NAME},{PHONE},{EMAIL}\n")
    imported = b24_here("leads", "import", str(path), "acme")
    assert imported.returncode == 0, imported.stderr
    path.unlink()


@pytest.fixture
def stumbling(
    b24_here: B24, hers: dict[str, int], sandbox: Sandbox, database_url: str, tmp_path: Path
) -> dict[str, int]:
    """She is in all tables, has changed in the portal, and every table meets another fault at her row."""
    own_lead(b24_here, tmp_path)
    assert b24_here("sync", "acme", "--no-models").returncode == 0
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(MASK_THAT_FAILS)
        # her own lead fails a model's test, and its phone is to be read again
        connection.execute("alter table leads drop constraint leads_bitrix24_entity_type_check")
        connection.execute(
            "update leads set bitrix24_entity_type = 'quote', phones_of = null, loaded_at = clock_timestamp()"
        )
    for kind, number in hers.items():
        sandbox.update(kind, number, {"COMMENTS": f"{NAME} again"})
    land(database_url, {"deal": hers["deal"]})
    for table, fault in (
        *zip(TABLES, ("cancelled", "no_number", "refused"), strict=True),
        ("leads", "raised"),
    ):
        stumble(database_url, fault, table)
    return hers


@pytest.mark.slow
def test_runs_of_dagster_that_fail_at_her(
    b24_env: dict[str, str], stumbling: dict[str, int], database_url: str, tmp_path: Path
) -> None:
    """Runs that load, drain, search and build, each with another fault, and all of Dagster's tables."""
    done = dagster_runs(b24_env, tmp_path / "dagster", "drain", "changes", "matches", "checks")
    for job in ("changes", "matches"):
        assert f"{job} failed" in done.stdout, done.stderr[-3000:]
    (event,) = rows(database_url, "select error from bitrix24_webhook_events")
    assert "22P02" in event["error"]
    told = str(rows(database_url, "select event from dagster.event_logs"))
    expected = ("57014", "22P02", "23514", "P0001", "accepted_values_stg_own_leads")
    assert [words for words in expected if words not in told] == []
    assert stumbling
    assert_untold(database_url, tmp_path, told_by(done))


def test_commands_that_fail_at_her(
    b24_here: B24, stumbling: dict[str, int], database_url: str, tmp_path: Path
) -> None:
    """With every detail asked for, and the figures of what failed looked at afterwards."""
    failing = ("sync", "match", "models", "export dim_contact acme")
    told = {
        words: b24_here("--debug", *words.split())
        for words in (*failing, "drain", "reconcile", "status", "doctor")
    }
    assert {words: told[words].returncode for words in failing} == dict.fromkeys(failing, 1)
    assert stumbling
    assert_untold(database_url, tmp_path, *(told_by(each) for each in told.values()))


def test_calls_of_the_service_that_fail_at_her(
    b24_env: dict[str, str], stumbling: dict[str, int], database_url: str, tmp_path: Path
) -> None:
    """Answers, metrics and the log, also where a stranger's event tells about her."""
    port = free_port()
    env = b24_env | {"B24_ADMIN_KEY": ADMIN_KEY}
    event = {"event": "ONCRMCONTACTUPDATE", "data[FIELDS][NAME]": NAME, "data[FIELDS][PHONE]": PHONE}
    with (
        serve(tmp_path, env, port, "--log-json", "--debug") as process,
        httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=60) as client,
    ):
        matched = client.post("/bitrix24/sync-leads", headers=BEARER)
        answers = [
            matched,
            client.get("/bitrix24/creative-funnel-stats", headers=BEARER),
            client.patch("/bitrix24/qualification-fields", headers=BEARER, json={"fields": [{"x": EMAIL}]}),
            client.patch("/bitrix24/entity-type", headers=BEARER, json={"entityType": PHONE}),
            client.post("/webhooks/bitrix24", data=event),
            client.post("/webhooks/bitrix24", json={"name": NAME}),
            client.get("/metrics", headers=BEARER),
            client.get("/readyz"),
        ]
        process.terminate()
        process.wait(20)
    assert matched.status_code == 503
    assert "/bitrix24/sync-leads" in (tmp_path / "serve.log").read_text()
    assert stumbling
    assert_untold(database_url, tmp_path, *(f"{answer.headers} {answer.text}" for answer in answers))
