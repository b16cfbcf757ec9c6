"""The `b24` command as a user runs it: a process of its own, settings in the environment."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from b24_pipeline.cli import main
from b24_pipeline.sandbox import Sandbox, SandboxConfig
from b24_pipeline.settings import settings

Result = subprocess.CompletedProcess[str]
B24 = Callable[..., Result]

KEY = Fernet.generate_key().decode()


def environment(**own: str) -> dict[str, str]:
    """The environment of the command: nothing of ours but what is given."""
    ours = ("DATABASE_URL", "B24_", "BITRIX24_", "DAGSTER_")
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    return inherited | own


def run_b24(*arguments: str, cwd: Path, env: Mapping[str, str], timeout: float = 300) -> Result:
    """Runs `b24` and returns its exit code and output."""
    return subprocess.run(
        [sys.executable, "-m", "b24_pipeline", *arguments],
        cwd=cwd,
        env=dict(env),
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )


USES = """
import sys, time
from pathlib import Path
from b24_pipeline.store.database.embedded import start
print(start(Path(sys.argv[1])), flush=True)
time.sleep(600)
"""


def user_of(home: Path) -> subprocess.Popen[str]:
    """A process that uses the server of this home, and does nothing else."""
    command = [sys.executable, "-c", USES, str(home)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout and process.stderr
    assert process.stdout.readline().startswith("postgresql://"), process.stderr.read()
    return process


@pytest.fixture
def b24_env(database_url: str) -> dict[str, str]:
    """Settings of an installation on a fresh, migrated database, with the sandbox allowed."""
    return environment(DATABASE_URL=database_url, B24_SECRET_KEYS=KEY, B24_ALLOWED_PORTALS="127.0.0.1")


@pytest.fixture
def b24(tmp_path: Path, b24_env: dict[str, str]) -> B24:
    """The command in a process of its own; `b24("sync", "acme")` runs it, `env=` changes its settings."""

    def run(*arguments: str, env: Mapping[str, str] | None = None, timeout: float = 300) -> Result:
        return run_b24(*arguments, cwd=tmp_path, env=b24_env | dict(env or {}), timeout=timeout)

    return run


@pytest.fixture
def b24_here(tmp_path: Path, b24_env: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> B24:
    """The same command without a new process, for the many cases where only its answer matters."""

    def run(*arguments: str, env: Mapping[str, str] | None = None) -> Result:
        return call_b24(monkeypatch, tmp_path, b24_env | dict(env or {}), arguments)

    return run


def call_b24(
    monkeypatch: pytest.MonkeyPatch, cwd: Path, env: Mapping[str, str], arguments: Sequence[str]
) -> Result:
    """Calls the command line's entry point with this environment alone; returns what `run_b24` returns."""
    out, err = io.StringIO(), io.StringIO()
    with monkeypatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
        for name in set(os.environ) - set(environment()):
            patch.delenv(name)
        for name, value in env.items():
            patch.setenv(name, value)
        patch.chdir(cwd)
        patch.setattr(sys, "argv", ["b24", *arguments])
        patch.setattr(signal, "signal", lambda *_: None)
        settings.cache_clear()
        code = exit_code_of(main)
    settings.cache_clear()
    return subprocess.CompletedProcess(list(arguments), code, out.getvalue(), err.getvalue())


def exit_code_of(entry: Callable[[], None]) -> int:
    """What the shell would see."""
    try:
        entry()
    except SystemExit as end:
        return int(end.code or 0)
    return 0


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """A small portal without limits."""
    with Sandbox(SandboxConfig(leads=300, deals=300)) as portal:
        yield portal


def connect(b24: B24, sandbox: Sandbox, name: str = "acme") -> None:
    """Connects the sandbox as a portal."""
    added = b24("portal", "add", name, "--webhook-url", sandbox.webhook_url)
    assert added.returncode == 0, added.stderr
