"""`b24 up` notices changed files of own models."""

from __future__ import annotations

from pathlib import Path

import pytest

from b24_pipeline.commands.model_files import LOOK_EVERY, ModelFiles


class Clock:
    """Stands still until it is moved."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def answers(files: ModelFiles, clock: Clock, looks: int = 4) -> list[bool]:
    """What it says at so many looks, each after the usual time."""
    said = []
    for _ in range(looks):
        clock.now += LOOK_EVERY
        said.append(files.have_changed())
    return said


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """With one model."""
    (tmp_path / "a.sql").write_text("select 1")
    return tmp_path


def test_each_change_is_told_once_when_the_files_rest(folder: Path) -> None:
    """A file that is new, changed, gone, or lies in a folder of its own."""
    clock = Clock()
    files = ModelFiles(folder, clock)
    assert not any(answers(files, clock))
    (folder / "b.sql").write_text("select 2")
    assert answers(files, clock) == [False, True, False, False]
    (folder / "b.sql").write_text("select 2, 3")
    assert answers(files, clock) == [False, True, False, False]
    (folder / "b.sql").unlink()
    assert answers(files, clock) == [False, True, False, False]
    (folder / "deep").mkdir()
    (folder / "deep" / "schema.yml").write_text("models: []")
    assert answers(files, clock) == [False, True, False, False]


def test_files_that_are_being_written_are_waited_for(folder: Path) -> None:
    """Whoever saves one file after another is answered when the last one is there."""
    clock = Clock()
    files = ModelFiles(folder, clock)
    said = []
    for number in range(3):
        (folder / f"c{number}.sql").write_text("select 1")
        said += answers(files, clock, 1)
    assert said == [False, False, False]
    assert answers(files, clock, 2) == [True, False]


def test_what_is_no_model_does_not_matter(folder: Path) -> None:
    """Notes beside the models, and what an editor leaves there."""
    clock = Clock()
    files = ModelFiles(folder, clock)
    (folder / "notes.md").write_text("x")
    (folder / ".a.sql.swp").write_text("x")
    assert not any(answers(files, clock))


def test_without_a_folder_nothing_changes(tmp_path: Path) -> None:
    """Neither without the setting nor where it names nothing that is there."""
    clock = Clock()
    for folder in (None, tmp_path / "nowhere"):
        assert not any(answers(ModelFiles(folder, clock), clock))
