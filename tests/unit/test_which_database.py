"""Which database a command works on is said where there is more than one, and rightly."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

import pytest

from b24_pipeline.demo_home import which_database

OTHER = "postgresql://ann@db/crm"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home with an embedded database and a demo in it, both running."""
    for folder in (tmp_path, tmp_path / "demo"):
        (folder / "postgres").mkdir(parents=True)
        (folder / "postgres" / "postmaster.pid").write_text(f"12\n/data\n0\n5432\n{folder}/socket\n\n")
    (tmp_path / "demo" / "settings.json").write_text("{}")
    return tmp_path


def served_from(folder: Path) -> str:
    """The URL of an analyst on the embedded server of a folder."""
    return f"postgresql://ann@/b24?host={quote(str(folder / 'socket'))}"


def said(home: Path, url: str | None = None, *, is_named: bool = False) -> str | None:
    """The note where the database of the settings is used."""
    return which_database(home, home, url=url, is_named=is_named)


def test_the_demo_beside_ones_own_is_named(home: Path) -> None:
    """Unless the home was given: then it was meant."""
    names_it = f"not the demo's (B24_HOME={home}/demo names it)"
    assert said(home) == f"this is the database in {home}, {names_it}"
    assert said(home, is_named=True) is None


def test_a_url_may_name_what_lies_in_the_home(home: Path) -> None:
    """An analyst's URL names the demo's own server, or the home's; another is neither."""
    other = said(home, OTHER)
    assert other and other.startswith("this is the database of DATABASE_URL, not the embedded one in ")
    assert said(home, served_from(home / "demo")) == "this is the demo's database: DATABASE_URL names it"
    own = said(home, served_from(home))
    assert own and own.startswith(f"this is the database in {home}, not the demo's")


def test_the_demo_by_name_leaves_a_url_out(home: Path) -> None:
    """It never works on the user's database."""
    assert said(home / "demo", is_named=True) is None
    left_out = "DATABASE_URL is left out: the demo works on its own database alone"
    assert said(home / "demo", OTHER, is_named=True) == left_out


def test_the_demo_that_stands_in_is_told(home: Path) -> None:
    """A person learns that their own has no portal yet."""
    note = which_database(home / "demo", home, url=None, is_named=False)
    assert note and note.startswith(f"this is the demo's database, in {home}/demo")
    assert note.endswith(f"your own, in {home}, has no portal yet: `b24 portal add`")
