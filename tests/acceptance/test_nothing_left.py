"""The embedded PostgreSQL stops when its last user is gone, whatever has ended that one."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from b24_pipeline.store.database import embedded
from tests.acceptance.conftest import Result, environment, run_b24, user_of
from tests.support.installation import free_ports

PATIENCE_SECONDS = 60.0


def left_of(home: Path) -> list[str]:
    """The command lines of all processes that have to do with this home."""
    found = []
    for process in psutil.process_iter(["cmdline"]):
        line = " ".join(process.info["cmdline"] or ())
        if str(home) in line and process.pid != os.getpid() and process.status() != psutil.STATUS_ZOMBIE:
            found.append(line)
    return found


def nothing_left_of(home: Path) -> bool:
    """Waits until no process has to do with this home any more."""
    until = time.monotonic() + PATIENCE_SECONDS
    while left_of(home):
        if time.monotonic() > until:
            return False
        time.sleep(0.1)
    return True


@pytest.mark.parametrize(
    "number",
    [
        signal.SIGKILL,
        pytest.param(signal.SIGHUP, marks=pytest.mark.slow),
        pytest.param(signal.SIGTERM, marks=pytest.mark.slow),
    ],
)
def test_the_last_user_takes_the_server_along(tmp_path: Path, number: signal.Signals) -> None:
    """Killed, its terminal closed, or ended by a supervisor: nobody has to come back to clean up."""
    process = user_of(tmp_path / "home")
    process.send_signal(number)
    process.wait(PATIENCE_SECONDS)
    assert nothing_left_of(tmp_path / "home"), left_of(tmp_path / "home")


def test_a_user_that_is_killed_leaves_the_server_to_the_others(tmp_path: Path) -> None:
    """The first starts it, the second goes on with it; the end of the second ends it."""
    home = tmp_path / "home"
    first, second = user_of(home), user_of(home)
    first.kill()
    first.wait(PATIENCE_SECONDS)
    third = user_of(home)
    for process in (second, third):
        assert "postgres" in " ".join(left_of(home))
        process.kill()
        process.wait(PATIENCE_SECONDS)
    assert nothing_left_of(home), left_of(home)


def test_a_watch_that_was_killed_is_replaced(tmp_path: Path) -> None:
    """The next user starts another one."""
    home = tmp_path / "home"
    first = user_of(home)
    watch = [p for p in psutil.process_iter(["cmdline"]) if is_watch(p, home)]
    assert len(watch) == 1
    watch[0].kill()
    second = user_of(home)
    for process in (first, second):
        process.kill()
        process.wait(PATIENCE_SECONDS)
    assert nothing_left_of(home), left_of(home)


LOSES_IT = """
import os, signal, sys
from pathlib import Path
from b24_pipeline.store.database.embedded import start
start(Path(sys.argv[1]))
folder = Path(sys.argv[1]).resolve() / "postgres"
os.kill(int((folder / "postmaster.pid").read_text().split()[0]), signal.SIGKILL)
(folder / "global" / "pg_control").unlink()
start(Path(sys.argv[1]))
"""


def test_a_server_that_was_lost_is_not_said_never_to_have_started(tmp_path: Path) -> None:
    """It had started: who looks for the cause looks elsewhere."""
    command = [sys.executable, "-c", LOSES_IT, str(tmp_path)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "ended while it was used, and did not start again" in ended.stderr.splitlines()[-1]


def is_watch(process: psutil.Process, home: Path) -> bool:
    line = " ".join(process.info["cmdline"] or ())
    return embedded.WATCH.name in line and str(home) in line


def test_commands_at_once_share_the_server_without_a_traceback(tmp_path: Path) -> None:
    """They begin on an empty folder, end at about the same time, and begin again while the server stops."""

    def migrate(_number: int) -> Result:
        return run_b24("migrate", cwd=tmp_path, env=environment())

    with ThreadPoolExecutor(3) as pool:
        ended = list(pool.map(migrate, range(6)))
    assert [result.returncode for result in ended] == [0] * 6, ended
    assert not [result.stderr for result in ended if "Traceback" in result.stderr or "rror" in result.stderr]
    assert nothing_left_of(tmp_path / ".b24"), left_of(tmp_path / ".b24")


def close_its_output(process: subprocess.Popen[str]) -> None:
    """As `| head` does, or a terminal that is closed: its next line breaks."""
    assert process.stderr
    process.stderr.close()


@pytest.mark.parametrize(
    "end", [subprocess.Popen.kill, pytest.param(close_its_output, marks=pytest.mark.slow)]
)
def test_a_demo_that_ends_early_takes_its_portal_along(
    tmp_path: Path, end: Callable[[subprocess.Popen[str]], None]
) -> None:
    """Its sandbox lives in a session of its own, and would answer for ever."""
    command = [sys.executable, "-m", "b24_pipeline", "demo", "--once", "--leads", "50", "--deals", "50"]
    demo = subprocess.Popen(command, cwd=tmp_path, env=environment(), stderr=subprocess.PIPE, text=True)
    assert demo.stderr
    while "3/5" not in (line := demo.stderr.readline()):
        assert line, "the demo has ended"
    children = psutil.Process(demo.pid).children(recursive=True)
    assert [child for child in children if "b24_pipeline.sandbox" in child.cmdline()]
    with socket.create_server(("127.0.0.1", 0)) as taken:  # of the first demo it would be
        port = str(taken.getsockname()[1])
        second = run_b24("demo", "--port", port, cwd=tmp_path, env=environment())
    assert (second.returncode, "a demo runs in .b24/demo already" in second.stderr) == (2, True)
    end(demo)
    assert demo.wait(PATIENCE_SECONDS) != 0
    demo.stderr.close()
    assert psutil.wait_procs(children, timeout=PATIENCE_SECONDS)[1] == []
    assert nothing_left_of(tmp_path / ".b24"), left_of(tmp_path / ".b24")


@pytest.mark.slow
def test_services_that_lose_their_parent_end(tmp_path: Path) -> None:
    """SIGKILL of `b24 up` leaves neither Dagster, nor the HTTP service, nor the embedded PostgreSQL."""
    port, web_port = free_ports(2)
    options = ["--port", str(port), "--web-port", str(web_port)]
    command = [sys.executable, "-m", "b24_pipeline", "up", *options]
    up = subprocess.Popen(command, cwd=tmp_path, env=environment(), stderr=subprocess.PIPE, text=True)
    assert up.stderr
    while f"Dagster: http://127.0.0.1:{port}" not in (line := up.stderr.readline()):
        assert line, "b24 up has ended"
    children = psutil.Process(up.pid).children(recursive=True)
    assert len(children) > 4
    up.kill()
    up.wait(PATIENCE_SECONDS)
    up.stderr.close()
    assert psutil.wait_procs(children, timeout=PATIENCE_SECONDS)[1] == []
    assert nothing_left_of(tmp_path / ".b24"), left_of(tmp_path / ".b24")


@pytest.mark.parametrize(("killed", "code"), [("b24", -signal.SIGKILL), ("psql", 128 + signal.SIGKILL)])
def test_b24_and_psql_end_together(tmp_path: Path, b24_env: dict[str, str], killed: str, code: int) -> None:
    """Else psql would wait for its input, with a connection. A signal that ended it is told as a shell tells it."""
    command = [sys.executable, "-m", "b24_pipeline", "psql"]
    piped = subprocess.PIPE
    b24 = subprocess.Popen(command, cwd=tmp_path, env=b24_env, stdin=piped, stdout=piped, text=True)
    assert b24.stdin and b24.stdout
    b24.stdin.write("select 'here';\n")
    b24.stdin.flush()
    while "here" not in (line := b24.stdout.readline()):
        assert line, "psql has ended"
    (psql,) = psutil.Process(b24.pid).children()
    os.kill(b24.pid if killed == "b24" else psql.pid, signal.SIGKILL)
    assert b24.wait(PATIENCE_SECONDS) == code
    assert psutil.wait_procs([psql], timeout=PATIENCE_SECONDS)[1] == []
    b24.communicate()
