"""`deploy/install.sh` beside a running installation: what others call stays there while packages change."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.acceptance.conftest import environment
from tests.support.printed import ROOT

pytestmark = pytest.mark.slow

NEEDED = ("uv", "hatchling", "packaging", "pathspec", "pluggy", "trove-classifiers")
PROJECT = """
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"

[project]
name = "b24-pipeline"
version = "1"

[tool.hatch.build]
dev-mode-dirs = ["."]

[project.scripts]
b24 = "b24_pipeline:main"
"""


def lock_of(*names: str) -> str:
    """The lines of our own lock for these packages, and for those that the set-up needs."""
    pins = re.findall(r"^\S.*(?:\n .*)*", (ROOT / "requirements-dev.lock").read_text("utf-8"), re.MULTILINE)
    return "\n".join(pin for pin in pins if pin.partition("==")[0] in (*NEEDED, *names)) + "\n"


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """A project of one line with a command of our name: what is installed is not what is tested."""
    (tmp_path / "pyproject.toml").write_text(PROJECT)
    (tmp_path / "b24_pipeline").mkdir()
    (tmp_path / "b24_pipeline" / "__init__.py").write_text("def main(): print('here')\n")
    return tmp_path


def of_a_new_user() -> dict[str, str]:
    """An environment that knows nothing of the one in which the tests run."""
    return {name: value for name, value in environment().items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}


def said(program: Path) -> str:
    """What the command prints."""
    return subprocess.check_output([program], env=of_a_new_user(), text=True)


def begun(folder: Path) -> subprocess.Popen[str]:
    """The script at its work, on the lock of the folder."""
    command = [str(ROOT / "deploy" / "install.sh"), sys.executable, ".venv", "requirements.lock"]
    return subprocess.Popen(command, cwd=folder, env=of_a_new_user(), stdout=subprocess.PIPE, text=True)


def installed(folder: Path) -> set[str]:
    """The packages of the environment."""
    places = (folder / ".venv" / "lib").glob("python3*/site-packages/*.dist-info")
    return {place.name.partition("-")[0].lower() for place in places}


def test_the_command_is_there_at_every_moment(small: Path) -> None:
    """A package is added and one is dropped; `b24` is missing for the moment only in which it is exchanged."""
    (small / "requirements.lock").write_text(lock_of("iniconfig"))
    first = begun(small)
    first.communicate(timeout=600)
    assert first.returncode == 0
    program = small / ".venv" / "bin" / "b24"
    assert said(program) == "here\n"

    (small / "requirements.lock").write_text(lock_of("babel", "numpy"))
    second, missing, looked = begun(small), 0.0, time.monotonic()
    while second.poll() is None:
        time.sleep(0.01)
        before, looked = looked, time.monotonic()
        if not os.path.lexists(program):
            missing += looked - before
    assert second.returncode == 0
    assert missing < 0.5
    assert said(program) == "here\n"
    there = installed(small)
    assert {"babel", "numpy", "b24_pipeline", "uv"} <= there
    assert "iniconfig" not in there
