"""What lies under B24_HOME is for its owner alone."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from b24_pipeline.demo_home import has_database, has_demo
from b24_pipeline.errors import SettingsError
from b24_pipeline.store.database.private_files import home_folder, private_file, private_folder
from b24_pipeline.store.database.secret_file import kept_secret
from b24_pipeline.store.database.vault import key_of_home

NOBODY = 65534


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


def as_another_user(call: Callable[[], object]) -> str:
    """What a call raises in a process without root's rights, or what it returns."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:  # this branch never comes back
        with suppress(BaseException), os.fdopen(writing, "w") as out:
            if os.geteuid() == 0:
                os.setgroups([])
                os.setresgid(NOBODY, NOBODY, NOBODY)
                os.setresuid(NOBODY, NOBODY, NOBODY)
            try:
                out.write(str(call()))
            except SettingsError as error:
                out.write(str(error))
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as answer:
        told = answer.read()
    os.waitpid(child, 0)
    return told


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that every user may enter, unlike those of pytest."""
    made = Path(tempfile.mkdtemp(prefix="b24-"))
    made.chmod(0o755)
    yield made
    made.chmod(0o755)
    shutil.rmtree(made)


def test_a_folder_without_write_rights_is_named(folder: Path) -> None:
    """The home cannot be made in it."""
    folder.chmod(0o555)
    for call in (lambda: home_folder(folder / ".b24"), lambda: kept_secret(folder / ".b24" / "x.key", str)):
        told = as_another_user(call)
        assert f"{folder / '.b24'} cannot be used: Permission denied" in told
        assert "set B24_HOME" in told


@pytest.mark.skipif(os.geteuid() != 0, reason="only root makes a folder of another user")
@pytest.mark.parametrize("mode", [0o700, 0o755])
def test_the_home_of_another_user_is_named(folder: Path, mode: int) -> None:
    """Whether one may look into it or not."""
    home = folder / ".b24"
    home.mkdir(mode=mode)
    assert f"{home} cannot be used: it belongs to another user" in as_another_user(lambda: home_folder(home))
    assert f"{home} cannot be used" in as_another_user(lambda: key_of_home(home))
    assert as_another_user(lambda: (has_database(home), has_demo(home))) == "(False, False)"
