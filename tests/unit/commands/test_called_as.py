"""What is printed to be typed works in the next shell, too."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from b24_pipeline.commands.called_as import b24_as_called


@pytest.mark.parametrize(
    ("search_path", "printed"),
    [("venv/bin", "venv/bin/b24"), ("bin", "b24"), ("nothing", "venv/bin/b24")],
    ids=["of an environment that this shell has activated", "of every shell", "not found"],
)
def test_the_command_is_named_as_any_shell_finds_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, search_path: str, printed: str
) -> None:
    """A link in a folder that all shells search, as pipx makes it, is found without the path."""
    for folder in ("venv/bin", "bin"):
        (tmp_path / folder).mkdir(parents=True)
    installed = tmp_path / "venv" / "bin" / "b24"
    installed.touch(mode=0o700)
    (tmp_path / "bin" / "b24").symlink_to(installed)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path / search_path))
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "venv"))
    monkeypatch.setattr(sys, "argv", [str(installed)])
    assert b24_as_called() == printed
