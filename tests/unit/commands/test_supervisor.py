"""The environment of the processes of `b24 up`."""

from __future__ import annotations

from pathlib import Path

import pytest

from b24_pipeline.commands.supervisor import GRPC_SECONDS, GRPC_TIMEOUT, process_environment
from b24_pipeline.settings import read_settings


@pytest.mark.parametrize(
    ("given", "found"),
    [(None, GRPC_SECONDS), ("", GRPC_SECONDS), ("30", "30")],
    ids=["unset", "empty", "set"],
)
def test_the_code_server_is_waited_for(
    given: str | None, found: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three minutes, as a busy machine needs them, or as long as the environment says."""
    if given is None:
        monkeypatch.delenv(GRPC_TIMEOUT, raising=False)
    else:
        monkeypatch.setenv(GRPC_TIMEOUT, given)
    environment = process_environment(read_settings(b24_home=tmp_path))
    assert environment[GRPC_TIMEOUT] == found
    assert environment["DAGSTER_HOME"] == str(tmp_path / "dagster")
