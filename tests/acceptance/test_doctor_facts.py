"""What `b24 doctor` says of the installation: version, database, what its role may do, secrets, Dagster's daemon."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from dagster import DagsterInstance, Failure, job, op
from dagster._core.definitions.run_request import InstigatorType
from dagster._core.instance.ref import InstanceRef
from dagster._core.remote_origin import (
    RegisteredCodeLocationOrigin,
    RemoteInstigatorOrigin,
    RemoteRepositoryOrigin,
)
from dagster._core.scheduler.instigation import InstigatorState, InstigatorStatus, ScheduleInstigatorData
from dagster._daemon.types import DaemonHeartbeat
from sqlalchemy.engine import make_url

from b24_pipeline.sandbox import Sandbox
from tests.acceptance.conftest import B24, KEY, connect
from tests.conftest import Server
from tests.support.installation import raw
from tests.support.servers.roles import LOADER, OWNER, SERVICE, as_role, give_roles

STORAGE = {"custom": {"module": "b24_pipeline.defs.instance.storage", "class": "OurStorage", "config": {}}}


def told(b24: B24, **env: str) -> dict[str, Any]:
    """All that `b24 doctor --json` says."""
    asked = b24("doctor", "--json", env=env)
    found: dict[str, Any] = json.loads(asked.stdout)
    return found


def test_one_role_does_everything(b24_here: B24) -> None:
    """As people see it, and as programs do."""
    facts = told(b24_here)["installation"]
    assert facts["version"] == version("b24-pipeline")
    assert (facts["role"], facts["may_run"]) == ("postgres", ["b24 migrate", "b24 sync", "b24 serve"])
    assert (facts["settings_of_files"], facts["daemon_seconds"]) == ([], None)
    line = b24_here("doctor").stderr
    begun = f"b24-pipeline {version('b24-pipeline')}, database {facts['database']} as postgres, "
    assert line.startswith(begun + "which may run b24 migrate, b24 sync, b24 serve")


def test_each_role_is_told_by_its_rights(b24_here: B24, database_url: str) -> None:
    """Whatever it is called."""
    give_roles(database_url)
    expected = {
        OWNER: ["b24 migrate", "b24 sync", "b24 serve"],
        LOADER: ["b24 sync", "b24 serve"],
        SERVICE: ["b24 serve"],
    }
    for role, commands in expected.items():
        facts = told(b24_here, DATABASE_URL=as_role(database_url, role))["installation"]
        assert (facts["role"], facts["may_run"]) == (role, commands)


def test_an_analyst_is_told_what_works_and_not_to_make_keys(
    b24_here: B24, server: Server, database_url: str
) -> None:
    """In one line; without the role's rights the keys are what is missing."""
    role = server.role("ann")
    assert b24_here("analysts", "grant", role).returncode == 0
    address = make_url(database_url).set(username=role).render_as_string(hide_password=False)
    env = {"DATABASE_URL": address, "B24_SECRET_KEYS": ""}
    for command in (["status"], ["doctor"], ["doctor", "--json"], ["portal", "list"]):
        asked = b24_here(*command, env=env)
        name = " ".join(word for word in command if word != "--json")
        assert (asked.returncode, asked.stdout) == (1, "")
        assert asked.stderr.splitlines() == [
            "b24: this role only reads marts: b24 funnel, export, psql and b24_pipeline.read work with it; "
            f"b24 {name} needs the role that syncs"
        ]
    assert b24_here("analysts", "revoke", role).returncode == 0
    assert "B24_SECRET_KEYS is not set" in b24_here("status", env=env).stderr


def test_settings_of_files_are_named(b24_here: B24, tmp_path: Path) -> None:
    """Those that count: the environment goes before a file. Their values are not shown."""
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "b24_secret_keys").write_text(KEY)
    (tmp_path / "secrets" / "database_url").write_text("postgresql://nowhere/else")
    (tmp_path / "secrets" / "postgres_password").write_text("x")
    env = {"B24_SECRETS_PATH": str(tmp_path / "secrets"), "B24_SECRET_KEYS": ""}
    assert told(b24_here, **env)["installation"]["settings_of_files"] == ["B24_SECRET_KEYS"]
    shown = b24_here("doctor", env=env).stderr
    assert "from files: B24_SECRET_KEYS" in shown
    assert KEY not in shown


@pytest.fixture
def dagster(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, b24_env: dict[str, str]
) -> Iterator[DagsterInstance]:
    """Dagster's own storage in the database."""
    del database_url
    for name, value in b24_env.items():
        monkeypatch.setenv(name, value)
    ref = InstanceRef.from_dir(str(tmp_path), overrides={"storage": STORAGE})
    with DagsterInstance.from_ref(ref) as instance:
        yield instance


def beats(dagster: DagsterInstance, ago: timedelta) -> None:
    at = (datetime.now(UTC) - ago).timestamp()
    dagster.add_daemon_heartbeat(DaemonHeartbeat(at, "SCHEDULER", "an-id", []))


def test_a_daemon_that_is_down_is_why_portals_are_old(
    b24_here: B24, sandbox: Sandbox, database_url: str, dagster: DagsterInstance
) -> None:
    """As long as portals are fresh nobody needs it; where they are not and it reports, it is not the cause."""
    connect(b24_here, sandbox)
    assert b24_here("sync").returncode == 0
    assert told(b24_here)["installation"]["daemon_seconds"] is None
    beats(dagster, timedelta(hours=3))
    found = told(b24_here)
    assert found["findings"] == []
    assert 10_790 < found["installation"]["daemon_seconds"] < 10_900
    with raw(database_url) as connection:
        connection.execute(b"update bitrix24_cursors set watermark = watermark - interval '2 hours'")
    problems = [finding["problem"] for finding in told(b24_here)["findings"]]
    assert problems[-1] == "Dagster's daemon reported 3 h ago for the last time"
    assert len(problems) > 1
    beats(dagster, timedelta(seconds=20))
    assert [one["problem"] for one in told(b24_here)["findings"]] == problems[:-1]


def test_what_was_switched_off_is_named(b24_here: B24, dagster: DagsterInstance) -> None:
    """A person has their reasons, so it is no fault; of states under two names of the location the newer counts."""

    def stop(location: str, name: str, status: InstigatorStatus = InstigatorStatus.STOPPED) -> None:
        repository = RemoteRepositoryOrigin(RegisteredCodeLocationOrigin(location), "__repository__")
        origin = RemoteInstigatorOrigin(repository, name)
        dagster.add_instigator_state(
            InstigatorState(origin, InstigatorType.SCHEDULE, status, ScheduleInstigatorData("5 * * * *"))
        )

    assert told(b24_here)["installation"]["switched_off"] == []
    stop("old", "matches_hourly")
    stop("b24", "changes_every_10_minutes")
    stop("b24", "matches_hourly", InstigatorStatus.DECLARED_IN_CODE)
    assert told(b24_here)["installation"]["switched_off"] == ["changes_every_10_minutes"]
    assert "switched off in Dagster: changes_every_10_minutes" in b24_here("doctor").stderr


@op
def works() -> None:
    """As a step of ours that has no fault."""


@op
def refuses() -> None:
    raise Failure("the disk is full")


@job(name="changes")
def well() -> None:
    works()


@job(name="changes")
def ill() -> None:
    refuses()


def test_a_job_that_fails_again_and_again_is_told(
    b24_here: B24, sandbox: Sandbox, database_url: str, dagster: DagsterInstance
) -> None:
    """Three runs in a row within the hour; one that is well ends the row, and what is long ago is not told."""

    def runs(*, failed: int) -> list[str]:
        for _ in range(failed):
            assert not ill.execute_in_process(instance=dagster, raise_on_error=False).success
        return [finding["problem"] for finding in told(b24_here)["findings"]]

    connect(b24_here, sandbox)
    assert b24_here("sync").returncode == 0
    assert runs(failed=2) == []
    (problem,) = runs(failed=1)
    assert re.fullmatch(r"the last 3 runs of changes failed, the last \d+ s ago", problem)
    assert well.execute_in_process(instance=dagster).success
    assert runs(failed=2) == []
    (problem,) = runs(failed=2)
    assert problem.startswith("the last 4 runs of changes failed")
    assert b24_here("doctor").returncode == 1
    give_roles(database_url)
    assert told(b24_here, DATABASE_URL=as_role(database_url, SERVICE))["findings"] == []
    with raw(database_url) as connection:
        connection.execute("set time zone 'Asia/Vladivostok'")
        connection.execute(
            "update dagster.runs set update_timestamp = update_timestamp - interval '59 minutes', "
            "end_time = end_time - 59 * 60"
        )
        (problem,) = runs(failed=0)
        assert re.fullmatch(r"the last 4 runs of changes failed, the last (59|60) min ago", problem)
        connection.execute("update dagster.runs set update_timestamp = update_timestamp - interval '1 hour'")
    assert runs(failed=0) == []


def test_the_service_does_not_see_dagsters_tables(
    b24_here: B24, database_url: str, dagster: DagsterInstance
) -> None:
    """Its role has no right to, and the command works all the same."""
    beats(dagster, timedelta(seconds=20))
    give_roles(database_url)
    facts = told(b24_here, DATABASE_URL=as_role(database_url, SERVICE))["installation"]
    assert (facts["role"], facts["daemon_seconds"]) == (SERVICE, None)
