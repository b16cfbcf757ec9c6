"""What the image does before it starts a program."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize(("given", "seconds"), [({}, 120), ({"RUN_START_SECONDS": "600"}, 600)])
def test_how_long_a_run_may_take_to_begin(tmp_path: Path, given: dict[str, str], seconds: int) -> None:
    """The image's dagster.yaml is in DAGSTER_HOME, with another time where the service names one."""
    environment = {
        "PATH": os.environ["PATH"],
        "DAGSTER_HOME": str(tmp_path / "home"),
        "IMAGE_FILES": str(ROOT),
    }
    subprocess.run(
        ["sh", ROOT / "deploy" / "entrypoint.sh", "true"], env=environment | given, check=True, timeout=60
    )
    written = yaml.safe_load((tmp_path / "home" / "dagster.yaml").read_text())
    assert written == yaml.safe_load((ROOT / "dagster.yaml").read_text()) | {
        "run_monitoring": written["run_monitoring"]
    }
    assert written["run_monitoring"]["start_timeout_seconds"] == seconds
