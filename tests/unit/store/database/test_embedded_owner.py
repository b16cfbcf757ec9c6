"""The embedded PostgreSQL stays its owner's: root, who may enter everywhere, is sent away before anything changes."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from b24_pipeline.errors import SettingsError
from b24_pipeline.store.database import embedded
from tests.unit.store.database.test_private_files import NOBODY, as_another_user, folder

__all__ = ["folder"]

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files to another user")
DAEMON = 1


def owned(home: Path, *, server: int) -> Path:
    """A home of `nobody` with the folder of a server of this user."""
    (home / "postgres").mkdir(parents=True)
    os.chown(home, NOBODY, NOBODY)
    os.chown(home / "postgres", server, server)
    return home


def test_root_takes_nothing_from_another_user(folder: Path) -> None:
    """Neither a server that is there, nor a home in which none was started yet."""
    home = owned(folder / ".b24", server=NOBODY)
    with pytest.raises(SettingsError, match=r"belongs to nobody; run this as that user \(sudo -u nobody"):
        embedded.start(home)
    assert (home / "postgres").stat().st_uid == NOBODY
    (home / "postgres").rmdir()
    with pytest.raises(SettingsError, match="belongs to nobody"):
        embedded.start(home)
    assert list(home.iterdir()) == []


def test_a_volume_of_root_that_others_may_write_is_begun(folder: Path) -> None:
    """As clusters mount one: its files are ours then, whoever owns the folder around them."""
    home = folder / ".b24"
    home.mkdir()
    home.chmod(0o777)
    assert as_another_user(lambda: embedded.require_ours(home / "postgres")) == "None"


def test_what_root_has_taken_is_told_with_the_mend(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An earlier version let root take it; the owner is told how to have it back."""
    monkeypatch.setattr(embedded, "ROOTS_USER", "daemon")
    home = owned(folder / ".b24", server=DAEMON)
    told = as_another_user(lambda: embedded.start(home))
    assert "was started by root, and is root's now" in told
    assert f"chown -R nobody {home / 'postgres'}" in told
