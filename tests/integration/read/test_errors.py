"""What `b24_pipeline.read` says where it cannot read."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from sqlalchemy.exc import DBAPIError

from b24_pipeline import read
from b24_pipeline.errors import (
    DatabaseNotMigrated,
    DatabaseUnavailable,
    ReadingRefused,
    UnknownMart,
    UnknownPortal,
    UsageError,
    WrongDates,
)
from b24_pipeline.settings import settings
from b24_pipeline.store.database.warehouse import Warehouse
from tests.conftest import Server


@pytest.mark.parametrize(
    ("asked", "error", "says"),
    [
        ({"name": "funnel"}, UnknownMart, "no mart is called 'funnel'; known: .*funnel_stats"),
        ({"name": "stg_leads"}, UnknownMart, "no mart"),
        ({"name": "funnel_as_of"}, UnknownMart, r"no mart .*; it is read by `read.funnel_as_of\("),
        (
            {"name": "fct_deal", "portal": "nobody"},
            UnknownPortal,
            "no portal is called 'nobody'; connected: acme, büro",
        ),
        ({"name": "fct_deal", "portal": "' or true --"}, UnknownPortal, "no portal"),
        ({"name": "funnel_stats", "date_from": "2026-01-01"}, WrongDates, "funnel_stats has no dates"),
        (
            {"name": "fct_deal", "date_from": "yesterday"},
            WrongDates,
            "'yesterday' is no day; expected YYYY-MM-DD",
        ),
        ({"name": "fct_deal", "date_from": datetime(2026, 1, 1, 12, tzinfo=UTC)}, WrongDates, "is a time"),
        (
            {"name": "fct_deal", "date_from": "2026-02-01", "date_to": "2026-01-01"},
            WrongDates,
            "end .* before",
        ),
        (
            {"name": "fct_deal", "date_column": "title"},
            WrongDates,
            "no date column 'title'; it has date_create",
        ),
        ({"name": "fct_deal", "date_from": 5}, WrongDates, "5 is no day; expected YYYY-MM-DD"),
        ({"name": "fct_deal", "entity_type": "zz"}, UsageError, "'zz' is no entity type; known: lead, deal"),
        ({"name": "dim_portal", "entity_type": "deal"}, UsageError, "dim_portal has no column entity_type"),
    ],
)
def test_what_cannot_be_read_is_told(
    url: str, asked: dict[str, Any], error: type[Exception], says: str
) -> None:
    """Each mistake has its own error, which says what there is instead."""
    with pytest.raises(error, match=says):
        read.mart(**asked, url=url)


def test_a_program_that_ends_leaves_no_connection_open(url: str) -> None:
    """Python warns of each, where warnings are shown."""
    program = f"from b24_pipeline import read; read.funnel(url={url!r})"
    ended = subprocess.run(
        [sys.executable, "-W", "default", "-c", program], capture_output=True, text=True, check=True
    )
    assert "ResourceWarning" not in ended.stderr


@pytest.mark.parametrize("moment", [None, 5, "soon"])
def test_what_is_no_moment_is_told(url: str, moment: Any) -> None:
    """Whatever its type."""
    with pytest.raises(WrongDates, match=f"{moment!r} is no moment; expected YYYY-MM-DD or"):
        read.funnel_as_of("acme", "deal", moment, url=url)


def test_a_mart_that_is_not_built_is_told(database_url: str) -> None:
    """With the command that builds it."""
    with pytest.raises(
        DatabaseNotMigrated, match="funnel_stats is not built yet; run `b24 sync`, or `b24 models`"
    ):
        read.funnel(portal="acme", url=database_url)


def test_a_database_that_does_not_answer_is_told() -> None:
    """Without the password."""
    with pytest.raises(DatabaseUnavailable) as told:
        read.marts(url="postgresql://ann:s3cret@127.0.0.1:9/none")
    assert "s3cret" not in str(told.value)


def test_a_query_of_ones_own_reads_and_changes_nothing(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the database that the marts are read from, at its URL or that of the settings."""
    query = "select count(*) as stages from analytics.dim_stage"
    found = pd.read_sql(query, read.engine(url))["stages"][0]
    assert found == len(read.mart("dim_stage", url=url)) > 0
    monkeypatch.setenv("DATABASE_URL", url)
    settings.cache_clear()
    assert pd.read_sql(query, read.engine())["stages"][0] == found
    settings.cache_clear()
    with pytest.raises(DBAPIError, match="read-only transaction"), read.engine(url).begin() as connection:
        connection.exec_driver_sql("delete from bitrix24_deals")


def test_a_pipeline_that_is_not_there_is_told(url: str) -> None:
    """With those that are, as for a portal."""
    with pytest.raises(UsageError, match="there is no pipeline 99; there are: 0 Pipeline 0, 1 Pipeline 1, 7"):
        read.funnel(portal="acme", pipeline=99, url=url)
    with pytest.raises(UsageError, match="there is no pipeline 'Pipe'; there are: 0 Pipeline 0, 1"):
        read.funnel(portal="acme", pipeline="Pipe", url=url)


def test_what_a_role_may_not_read_is_told(built: Warehouse, server: Server) -> None:
    """With what the owner can do about it."""
    role = server.role("guest")
    url = built.url.for_role(role, None).for_people()
    with pytest.raises(ReadingRefused, match="b24 analysts grant"):
        read.funnel(url=url)


def test_a_portal_may_be_in_another_database(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where a demo lies in the folder, whoever asks for its portal is told which database was read."""
    (tmp_path / ".b24" / "demo" / "postgres").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATABASE_URL", url)
    settings.cache_clear()
    try:
        with pytest.raises(UnknownPortal) as alone:
            read.funnel(portal="demo")
        (tmp_path / ".b24" / "demo" / "settings.json").write_text("{}")
        with pytest.raises(UnknownPortal) as beside:
            read.funnel(portal="demo")
        with pytest.raises(UnknownPortal) as named:
            read.funnel(portal="demo", url=url)
    finally:
        settings.cache_clear()
    said = "no portal is called 'demo'; connected: acme, büro"
    hint = "this is the database of DATABASE_URL, not the demo's (B24_HOME=.b24/demo names it)"
    assert [str(one.value) for one in (alone, beside, named)] == [said, f"{said}; {hint}", said]
