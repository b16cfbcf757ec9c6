"""The first second of a command: Ctrl-C ends it without a traceback, and a missing package is named."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.acceptance.conftest import KEY, environment
from tests.support.printed import ROOT

BEGINS = """
import sys
print("begun", flush=True)
sys.argv = ["b24", {command!r}]
from b24_pipeline.entry import main
main()
"""
LACKS_TYPER = """
import sys
from importlib.abc import MetaPathFinder

class Missing(MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name == "typer":
            raise ModuleNotFoundError(name, name=name)

sys.meta_path.insert(0, Missing())
from b24_pipeline.entry import main
main()
"""


@pytest.mark.parametrize("command", ["sync", "status"])
@pytest.mark.parametrize("seconds", [0.1, 0.3, 0.6, 2.0])
def test_it_can_be_interrupted_from_the_beginning(tmp_path: Path, command: str, seconds: float) -> None:
    """While modules are imported, and while a database is waited for that takes the connection and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"postgresql://nobody@127.0.0.1:{silent.getsockname()[1]}/none"
        process = subprocess.Popen(
            [sys.executable, "-c", BEGINS.format(command=command)],
            cwd=tmp_path,
            env=environment(DATABASE_URL=url, B24_SECRET_KEYS=KEY),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert process.stdout
        assert process.stdout.readline() == "begun\n"
        time.sleep(seconds)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=60)
    assert (process.returncode, len(said.splitlines()) <= 1) == (130, True), said
    assert "Traceback" not in said


def test_a_missing_package_names_the_wheel(tmp_path: Path) -> None:
    """The file of the README: what a public index has under our name is not ours."""
    done = subprocess.run(
        [sys.executable, "-c", LACKS_TYPER],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    (line,) = done.stderr.splitlines()
    assert (done.returncode, "the package typer is missing" in line) == (1, True)
    wheel = line.partition("pip install ")[2]
    assert f".venv/bin/pip install {wheel} " in (ROOT / "README.md").read_text("utf-8")
