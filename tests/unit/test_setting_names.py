"""A misspelt setting is named, with the one that was meant."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from b24_pipeline.setting_names import misspelt
from b24_pipeline.settings import Settings, misspelt_settings

ROOT = Path(__file__).parents[2]
NAMES = [name.upper() for name in Settings.model_fields]


@pytest.mark.parametrize(
    ("given", "line"),
    [
        ("B24_SECRET_KEY", "B24_SECRET_KEY is no setting; B24_SECRET_KEYS is"),
        ("b24_secret_key", "B24_SECRET_KEY is no setting; B24_SECRET_KEYS is"),
        ("BITRIX_CLIENT_ID", "BITRIX_CLIENT_ID is no setting; BITRIX24_CLIENT_ID is"),
        ("BITRIX24_WEBHOOK_URL", "BITRIX24_WEBHOOK_URL is no setting; B24_WEBHOOK_URL is"),
        ("DATABASE_URLS", "DATABASE_URLS is no setting; DATABASE_URL is"),
        ("B24_DBT_HOTS", "B24_DBT_HOTS is no setting; B24_DBT_HOST is"),
        ("B24_FOO", "B24_FOO is no setting; README.md lists them"),
        ("B24_XYZ", "B24_XYZ is no setting; README.md lists them"),
    ],
)
def test_what_was_meant_is_named(given: str, line: str) -> None:
    """By our prefix, or because it differs by a letter."""
    assert misspelt([given], NAMES) == [line]


def test_settings_and_variables_of_others_are_left_alone() -> None:
    """In any case of letters; a variable of another program is none of ours."""
    others = ["HOME", "TEST_DATABASE_URL", "DATABASE_NAME", "DAGSTER_HOME", "B24_BENCH_DEALS", "PGHOST"]
    assert misspelt([*NAMES, *(name.lower() for name in NAMES), *others], NAMES) == []


def test_what_dbt_reads_is_known() -> None:
    """The variables of its profile, which is ours."""
    profile = (ROOT / "dbt_like_sql" / "profiles.yml").read_text("utf-8")
    read = re.findall(r"env_var\('(\w+)'", profile)
    assert "B24_DBT_HOST" in read
    assert misspelt(read, NAMES) == []


def test_every_variable_that_the_documentation_names_is_known() -> None:
    """The README's table, and whatever else is written on a page; the changelog names a wrong one as an example."""
    pages = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
    pages.remove(ROOT / "CHANGELOG.md")
    named = {name for page in pages for name in re.findall(r"\bB24_[A-Z_]*[A-Z]\b", page.read_text("utf-8"))}
    assert "B24_SECRET_KEYS" in named
    assert misspelt(named, NAMES) == []


def test_the_file_is_read_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where most settings are written down."""
    monkeypatch.chdir(tmp_path)
    assert not [line for line in misspelt_settings() if "B24_HOMES" in line]
    (tmp_path / ".env").write_text("B24_HOMES=/srv/b24\n")
    assert [line for line in misspelt_settings() if "B24_HOMES" in line]


def test_a_line_that_sets_nothing_is_named_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """With its file and number; not with its text, which may be a secret."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_text("# ours\n\nB24_HOME=here\nexport B24_UI_HOSTS=x\nFOO\nB24 ALLOWED=3\n")
    assert Settings().b24_home == Path("here")
    lines = [line for line in misspelt_settings() if ".env" in line]
    assert lines == [f"line {number} of .env is left out: it is no NAME=value" for number in (5, 6)]
    assert capfd.readouterr().err == ""
