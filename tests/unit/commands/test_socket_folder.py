"""Folders of sockets that a killed process left are removed by the next."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest

from b24_pipeline.commands.socket_folder import SocketFolder, remove_forsaken

LONG_AGO = 1_000_000_000


def test_a_folder_that_nobody_holds_is_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that is held stays, one that was made just now, and one of another program."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    held = SocketFolder()
    for name in ("b24-up-killed", "b24-up-young", "another"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "lock").touch()
    for name in (held.path.name, "b24-up-killed", "another"):
        os.utime(tmp_path / name, (LONG_AGO, LONG_AGO))
    remove_forsaken(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {held.path.name, "b24-up-young", "another"}
    held.remove()
    assert not held.path.exists()
