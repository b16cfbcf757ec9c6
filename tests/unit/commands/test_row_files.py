"""Figures as CSV and JSON."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from b24_pipeline.commands.row_files import FileFormat, format_of, opened_output, write
from b24_pipeline.errors import UsageError
from b24_pipeline.store.database.exact_json import exact_json

ROW = {
    "amount": Decimal("12345678901234567890.10"),
    "nothing": Decimal("0E-7"),
    "by_currency": exact_json('{"RUB": 0.10, "EUR": 123456789012345678901234567890}'),
    "at": datetime(2026, 5, 6, 7, 8, 9, tzinfo=UTC),
    "day": date(2026, 5, 6),
    "id": UUID(int=7),
    "won": True,
    "label": 'a "b", c\nd',
    "none": None,
}


def written(form: FileFormat) -> str:
    out = io.StringIO(newline="")
    assert write(iter([ROW, ROW]), list(ROW), form, out) == 2
    return out.getvalue()


def test_json_has_every_digit_as_a_number() -> None:
    """Amounts are JSON numbers with all of their digits, zeros at the end included."""
    text = written(FileFormat.JSON)
    assert '"amount":12345678901234567890.10,"nothing":0.0000000' in text
    assert '"by_currency":{"RUB":0.10,"EUR":123456789012345678901234567890}' in text
    first, second = json.loads(text, parse_float=Decimal)
    assert first == second
    assert first["amount"] == ROW["amount"]
    assert first["at"] == "2026-05-06T07:08:09+00:00"
    assert (first["won"], first["none"], first["label"]) == (True, None, ROW["label"])


def test_csv_has_every_digit() -> None:
    """Amounts are plain digits, also within JSON; nothing is empty; any text comes back as it was."""
    one, _ = csv.DictReader(io.StringIO(written(FileFormat.CSV), newline=""))
    assert one["amount"] == "12345678901234567890.10"
    assert one["nothing"] == "0.0000000"
    assert one["by_currency"] == '{"RUB":0.10,"EUR":123456789012345678901234567890}'
    assert (one["at"], one["day"]) == ("2026-05-06T07:08:09+00:00", "2026-05-06")
    assert (one["won"], one["none"], one["label"]) == ("true", "", ROW["label"])


def test_no_rows_are_an_empty_list_and_a_heading() -> None:
    """A program that reads the output needs no special case."""
    out = io.StringIO(newline="")
    assert write([], ["a", "b"], FileFormat.JSON, out) == 0
    write([], ["a", "b"], FileFormat.CSV, out)
    assert out.getvalue() == "[\n]\na,b\r\n"


def test_file_appears_when_it_is_whole(tmp_path: Path) -> None:
    """A writer that fails half way leaves what was there before, and nothing beside it."""
    file = tmp_path / "funnel.csv"
    file.write_text("old")
    with pytest.raises(RuntimeError), opened_output(file) as out:
        out.write("half")
        raise RuntimeError
    assert [one.name for one in tmp_path.iterdir()] == ["funnel.csv"]
    assert file.read_text() == "old"
    with opened_output(file) as out:
        out.write("new")
    assert file.read_text() == "new"


def test_nobody_leads_the_writer_to_another_file(tmp_path: Path) -> None:
    """A link that stands where a part could be written is not followed, and no device is replaced."""
    secret, file = tmp_path / "secret", tmp_path / "x.csv"
    secret.write_text("kept")
    (tmp_path / "x.csv.part").symlink_to(secret)
    with opened_output(file) as out:
        out.write("new")
    assert (file.read_text(), secret.read_text()) == ("new", "kept")
    with pytest.raises(UsageError, match="/dev/null is no file that can be replaced"):
        opened_output(Path("/dev/null")).__enter__()
    assert Path("/dev/null").is_char_device()


def test_cells_of_csv_are_no_formulas_unless_raw() -> None:
    """Texts of a portal are made harmless; numbers, also negative ones, stay; JSON is for programs."""
    row: dict[str, Any] = {
        "name": '=HYPERLINK("http://evil.example")',
        "phone": "+79211234567",
        "debt": Decimal("-5.10"),
        "n": -3,
    }
    lines = {}
    for raw in (False, True):
        out = io.StringIO(newline="")
        write([row], list(row), FileFormat.CSV, out, raw=raw)
        (lines[raw],) = csv.DictReader(io.StringIO(out.getvalue(), newline=""))
    assert lines[False] == {**lines[True], "name": "'" + row["name"]}
    assert lines[True] == {"name": row["name"], "phone": "+79211234567", "debt": "-5.10", "n": "-3"}
    out = io.StringIO(newline="")
    write([row], list(row), FileFormat.JSON, out)
    assert json.loads(out.getvalue())[0]["name"] == row["name"]


def test_a_file_that_cannot_be_written_is_told_in_one_line(tmp_path: Path) -> None:
    """The path and the system's reason."""
    with pytest.raises(UsageError, match=r"nowhere/funnel\.csv cannot be written: No such file"):
        opened_output(tmp_path / "nowhere" / "funnel.csv").__enter__()


def test_the_name_of_a_file_says_its_format() -> None:
    """.csv and .json in any case; another name needs --format."""
    assert format_of(Path("a.CSV")) is FileFormat.CSV
    assert format_of(Path("a.b.json")) is FileFormat.JSON
    with pytest.raises(UsageError, match="--format"):
        format_of(Path("a.xlsx"))
