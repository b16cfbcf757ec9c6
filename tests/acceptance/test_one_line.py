"""What a newcomer runs into first is told in one line, never by a traceback."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from b24_pipeline.cli import unforeseen
from b24_pipeline.sandbox import Sandbox
from tests.acceptance.conftest import B24, KEY, call_b24, connect, environment
from tests.acceptance.test_bad_input import FAILURE, USAGE, assert_refused


@pytest.mark.parametrize("home", ["file", "file/inside", "/proc/b24"])
def test_a_home_where_nothing_can_be_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, home: str) -> None:
    """A file, what lies in a file, a folder in which nobody may make another."""
    (tmp_path / "file").touch()
    for command in (["migrate"], ["up"]):
        result = call_b24(monkeypatch, tmp_path, environment(B24_HOME=home), command)
        assert_refused(result, FAILURE, str(tmp_path / home), "B24_HOME")
    for command in (["status"], ["portal", "list"]):
        result = call_b24(monkeypatch, tmp_path, environment(B24_HOME=home), command)
        assert_refused(result, USAGE, f"there is no database in {home}", "B24_HOME")


def test_a_misspelt_setting_is_named(b24_here: B24, empty_database_url: str) -> None:
    """Beside the error that it leads to; a right one is not."""
    result = b24_here(
        "status", env={"DATABASE_URL": empty_database_url, "B24_SECRET_KEYS": "", "B24_SECRET_KEY": KEY}
    )
    assert_refused(result, FAILURE, "B24_SECRET_KEYS is not set", "b24 keys new")
    assert result.stderr.splitlines()[0] == "note: B24_SECRET_KEY is no setting; B24_SECRET_KEYS is"


def test_a_misspelt_setting_is_named_before_an_address_is_refused(b24_here: B24) -> None:
    """Once: whoever believes to have allowed the address sees why it is not."""
    given = {"B24_ALLOWED_PORTALS": "", "B24_ALOWED_PORTALS": "127.0.0.1"}
    result = b24_here(
        "portal", "add", "acme", "--webhook-url", "http://127.0.0.1:1/rest/1/abcdef12345/", env=given
    )
    assert_refused(result, FAILURE, "B24_ALLOWED_PORTALS")
    note = "note: B24_ALOWED_PORTALS is no setting; B24_ALLOWED_PORTALS is"
    assert [line for line in result.stderr.splitlines() if line.startswith("note: ")] == [note]


@pytest.mark.parametrize(
    ("key", "told"),
    [({"B24_SECRET_KEY": KEY}, "B24_SECRET_KEYS is"), ({"B24_SECRET_KEYS": KEY}, "run `b24 migrate`")],
)
def test_dagster_says_once_why_it_cannot_start(
    tmp_path: Path, empty_database_url: str, key: dict[str, str], told: str
) -> None:
    """A missing key or an unmigrated database; each schedule and sensor would say it otherwise, again and again."""
    shutil.copy(Path(__file__).parents[2] / "dagster.yaml", tmp_path)
    env = environment(DATABASE_URL=empty_database_url, DAGSTER_HOME=str(tmp_path), **key)
    command = [str(Path(sys.executable).parent / "dagster"), "instance", "info"]
    ended = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    (line,) = [line for line in ended.stderr.splitlines() if line.startswith("Error: ")]
    assert told in line
    assert "Traceback" not in ended.stdout + ended.stderr


def test_notes_are_json_where_the_log_is(b24_here: B24) -> None:
    """Every line on stderr is for a machine then: notes, errors, and with --debug their tracebacks."""
    lines = [
        *b24_here("--log-json", "portal", "list", env={"B24_SECRET_KEY": KEY}).stderr.splitlines(),
        *b24_here("--log-json", "--debug", "funnel", "nobody").stderr.splitlines(),
    ]
    told = [json.loads(line) for line in lines]
    assert {"info", "error"} <= {line["level"] for line in told}
    events = [line["event"] for line in told]
    assert events[:2] == [
        "B24_SECRET_KEY is no setting; B24_SECRET_KEYS is",
        "no portal yet; connect one with: b24 portal add NAME",
    ]
    assert "no portal is called 'nobody'" in events[-1]
    assert "UnknownPortal" in told[-1]["exception"]
    first, second = {line["run"] for line in told[:2]}, {line["run"] for line in told[2:]}
    assert (len(first), len(second), first & second) == (1, 1, set())


def test_an_error_that_nobody_foresaw_is_one_line_too() -> None:
    """Its traceback is for those who ask for it by --debug."""
    assert unforeseen(OSError(28, "No space left on device", "/srv/x")) == "No space left on device: /srv/x"
    foreign = unforeseen(PermissionError(13, "Permission denied", "/etc/none/.env"))
    assert foreign == (
        "Permission denied: /etc/none/.env, which is root's: let that user run it, or take a folder of your own"
    )
    assert (
        unforeseen(KeyError("x"))
        == "a fault of this program, KeyError: 'x'; --debug before the command shows where"
    )


@pytest.mark.parametrize("command", [["status"], ["funnel", "acme"], ["psql", "-c", "select 1"], ["doctor"]])
def test_a_misspelt_home_begins_no_database(b24_here: B24, tmp_path: Path, command: list[str]) -> None:
    """Else the commands would say that there is no portal."""
    refused = b24_here(*command, env={"DATABASE_URL": "", "B24_SECRET_KEYS": "", "B24_HOME": ".b24/dmeo"})
    assert_refused(refused, 2, "there is no database in .b24/dmeo: check B24_HOME")
    assert not (tmp_path / ".b24").exists()


@pytest.mark.parametrize("command", [["portal", "list"], ["access", "list"]])
def test_another_folder_begins_no_database(b24_here: B24, tmp_path: Path, command: list[str]) -> None:
    """What only looks says where it looked, and what begins one."""
    refused = b24_here(*command, env={"DATABASE_URL": "", "B24_SECRET_KEYS": ""})
    assert_refused(refused, 2, "there is no database in .b24: run it in the folder of the installation")
    assert not (tmp_path / ".b24").exists()


def test_what_was_never_synced_has_no_funnel_yet(b24_here: B24, sandbox: Sandbox) -> None:
    """The next step is the sync, which builds the models, too."""
    connect(b24_here, sandbox)
    assert_refused(b24_here("funnel", "acme"), FAILURE, "acme has never been synced; run `b24 sync acme`")
