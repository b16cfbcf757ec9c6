"""`make setup` in a fresh copy of the tree: enough to run the demo, and nothing that only tests need."""

from __future__ import annotations

import re
import subprocess
import tarfile
from pathlib import Path

import pytest

from tests.acceptance.conftest import environment

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.slow


def run(*command: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Runs a command in a folder, with the environment of a new user."""
    env = {name: value for name, value in environment().items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
    return subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, timeout=900, check=False)


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What is committed, set up by `make setup`."""
    folder = tmp_path_factory.mktemp("setup")
    archive = folder / "tree.tar"
    subprocess.run(["git", "-C", str(ROOT), "archive", "--output", str(archive), "HEAD"], check=True)
    tree = folder / "tree"
    with tarfile.open(archive) as packed:
        packed.extractall(tree, filter="data")
    made = run("make", "setup", cwd=tree)
    assert made.returncode == 0, made.stderr
    return tree


def test_the_command_answers(copy: Path) -> None:
    """`b24 --help` lists the commands."""
    answer = run(".venv/bin/b24", "--help", cwd=copy)
    assert answer.returncode == 0, answer.stderr
    assert "portal" in answer.stdout


@pytest.mark.parametrize("package", ["pytest", "dbt", "mypy", "playwright"])
def test_tools_are_not_installed(copy: Path, package: str) -> None:
    """The tools of tests and checks are left to `make dev`."""
    answer = run(".venv/bin/python", "-c", f"import {package}", cwd=copy)
    assert f"No module named '{package}'" in answer.stderr


def test_the_packages_fit_one_another(copy: Path) -> None:
    """Each package finds those that it needs, in versions that it takes."""
    answer = run(".venv/bin/python", "-m", "uv", "pip", "check", "--python", ".venv/bin/python", cwd=copy)
    assert answer.returncode == 0, answer.stderr


def test_the_demo_ends_with_the_funnel(copy: Path) -> None:
    """All of it works without the tools, from the sandbox to the models."""
    shown = run(".venv/bin/b24", "demo", "--once", "--leads", "40", "--deals", "40", cwd=copy)
    assert shown.returncode == 0, shown.stderr
    assert "in stage" in shown.stdout


def test_a_second_setup_does_nothing(copy: Path) -> None:
    """Only a lock that is newer than the last installation leads to another."""
    assert "installing" not in run("make", "setup", cwd=copy).stdout
    (copy / "requirements.lock").touch()
    assert "installing requirements.lock" in run("make", "setup", cwd=copy).stdout


def test_a_damaged_lock_is_refused(copy: Path) -> None:
    """A package whose hash is not the lock's is not installed; the right lock mends it."""
    lock = copy / "requirements.lock"
    right = lock.read_text()
    lock.write_text(re.sub("sha256:....", "sha256:0000", right))
    run(
        ".venv/bin/python", "-m", "uv", "pip", "uninstall", "--python", ".venv/bin/python", "orjson", cwd=copy
    )
    assert run("make", "setup", cwd=copy).returncode != 0
    assert run(".venv/bin/python", "-c", "import orjson", cwd=copy).returncode != 0
    lock.write_text(right)
    assert run("make", "setup", cwd=copy).returncode == 0
    assert run(".venv/bin/python", "-c", "import orjson", cwd=copy).returncode == 0
