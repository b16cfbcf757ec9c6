"""`b24 portal add` takes the secret of a portal in ways that other users of the machine do not see."""

from __future__ import annotations

import io
import os
import pty
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from b24_pipeline.sandbox import Sandbox, SandboxConfig
from tests.acceptance.conftest import B24, connect

ADD = (sys.executable, "-m", "b24_pipeline", "portal", "add", "acme")


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(SandboxConfig(leads=3, deals=3)) as portal:
        yield portal


def add(
    folder: Path, env: dict[str, str], *options: str, given: str = ""
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*ADD, *options],
        cwd=folder,
        env=env,
        input=given,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_a_terminal_asks_for_it_without_showing_it(
    tmp_path: Path, b24_env: dict[str, str], sandbox: Sandbox
) -> None:
    """The way that the README shows first."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        ADD, cwd=tmp_path, env=b24_env, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True
    )
    os.close(theirs)
    shown = b""
    while b"not shown" not in shown:
        shown += os.read(ours, 1000)
    os.write(ours, sandbox.webhook_url.encode() + b"\n")
    while True:
        try:
            more = os.read(ours, 1000)
        except OSError:  # the terminal is closed at the other end
            break
        if not more:
            break
        shown += more
    assert process.wait(60) == 0, shown
    assert b"acme is connected" in shown
    assert sandbox.webhook_url.encode() not in shown


def test_standard_input_and_the_environment_give_it_to_scripts(
    tmp_path: Path, b24_env: dict[str, str], b24_here: B24, sandbox: Sandbox
) -> None:
    """`-` reads a line, and another one for the application token; the value of the option works as before."""
    by_input = add(tmp_path, b24_env, "--webhook-url", "-", given=f"{sandbox.webhook_url}\n")
    assert by_input.returncode == 0, by_input.stderr
    both = ("--webhook-url", "-", "--application-token", "-")
    assert add(tmp_path, b24_env, *both, given=f"{sandbox.webhook_url}\ntoken123\n").returncode == 0
    assert b24_here("portal", "add", "acme", env={"B24_WEBHOOK_URL": sandbox.webhook_url}).returncode == 0
    connect(b24_here, sandbox)


def test_nothing_is_told_in_one_line(
    tmp_path: Path, b24_env: dict[str, str], b24_here: B24, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where nobody can be asked, the error says what to do."""
    missing = add(tmp_path, b24_env)
    assert (missing.returncode, missing.stderr.count("\n")) == (2, 1)
    assert "set B24_WEBHOOK_URL, or give it on standard input with --webhook-url -" in missing.stderr
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    empty = b24_here("portal", "add", "acme", "--webhook-url", "-")
    assert (empty.returncode, empty.stderr) == (2, "b24: the inbound webhook is empty\n")


def test_a_name_that_dagster_takes_for_a_range_is_refused(b24_here: B24, sandbox: Sandbox) -> None:
    """A new portal cannot have it; with a portal of an earlier version commands go on."""
    for name in ("a...b", "acme."):
        refused = b24_here("portal", "add", name, "--webhook-url", sandbox.webhook_url)
        assert refused.returncode == 2
        assert "Dagster takes it for a range of portals; choose another name" in refused.stderr
