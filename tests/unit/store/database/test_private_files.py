"""What lies under B24_HOME is for its owner alone."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from b24_pipeline.store.database.private_files import home_folder, private_file, private_folder
from b24_pipeline.store.database.secret_file import kept_secret


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


@pytest.fixture(autouse=True)
def usual_umask() -> Iterator[None]:
    """By which everybody may read what a program writes."""
    before = os.umask(0o022)
    yield
    os.umask(before)


def test_a_new_home_is_its_owners(tmp_path: Path) -> None:
    """And one that is there keeps its rights: it may be a folder with other things in it."""
    assert mode(home_folder(tmp_path / "srv" / ".b24")) == 0o700
    assert mode(tmp_path / "srv") & 0o055
    shared = tmp_path / "shared"
    shared.mkdir(mode=0o755)
    assert mode(home_folder(shared)) == 0o755


def test_a_folder_of_ours_is_closed_also_if_it_was_open(tmp_path: Path) -> None:
    """An earlier version made it with the rights of the umask."""
    assert mode(private_folder(tmp_path / "dagster")) == 0o700
    (tmp_path / "dagster").chmod(0o755)
    assert mode(private_folder(tmp_path / "dagster")) == 0o700


def test_a_file_of_ours_is_readable_for_its_owner_alone(tmp_path: Path) -> None:
    """A log that was open is closed, and its text goes on."""
    path = tmp_path / "dagster.log"
    with private_file(path, "w") as file:
        file.write("a")
    assert mode(path) == 0o600
    path.chmod(0o644)
    with private_file(path, "a") as file:
        file.write("b")
    assert (mode(path), path.read_text()) == (0o600, "ab")


def test_a_secret_closes_the_home_that_it_makes(tmp_path: Path) -> None:
    """The first key is made before anything else."""
    kept_secret(tmp_path / ".b24" / "admin.key", lambda: "k")
    assert (mode(tmp_path / ".b24"), mode(tmp_path / ".b24" / "admin.key")) == (0o700, 0o600)
