"""A command that is interrupted ends at once, whatever the portal does."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from b24_pipeline.sandbox import Fault, Sandbox, SandboxConfig
from tests.acceptance.conftest import B24, connect

HANGS_SECONDS = 60.0
MOST_SECONDS = 30.0
PATIENCE_SECONDS = 60.0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interrupted_sync_does_not_wait_for_a_portal(
    b24_here: B24, b24_env: dict[str, str], tmp_path: Path, number: signal.Signals
) -> None:
    """The portal hangs; Ctrl-C, SIGTERM and a closed terminal end the command long before the portal's time-out."""
    with Sandbox(SandboxConfig(leads=20, deals=20)) as sandbox:
        connect(b24_here, sandbox)
        sandbox.faults.add(Fault("delay", seconds=HANGS_SECONDS))
        command = [sys.executable, "-m", "b24_pipeline", "sync", "acme", "--no-models"]
        process = subprocess.Popen(command, cwd=tmp_path, env=b24_env, stderr=subprocess.PIPE, text=True)
        try:
            until = time.monotonic() + PATIENCE_SECONDS
            while not sandbox.faults.listed()[0]["struck"]:
                assert process.poll() is None and time.monotonic() < until
                time.sleep(0.1)
            process.send_signal(number)
            interrupted = time.monotonic()
            _, told = process.communicate(timeout=HANGS_SECONDS * 3)
            took = time.monotonic() - interrupted
        finally:
            process.kill()
            sandbox.faults.clear()
    assert (took < MOST_SECONDS, process.returncode) == (True, 130), (took, told)
    assert "Traceback" not in told
