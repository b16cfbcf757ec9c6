"""CSV files of own leads as people send them, and what is told of bad rows."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from b24_pipeline.errors import LeadFileRefused
from b24_pipeline.sync.own_leads.lead_columns import COLUMNS
from b24_pipeline.sync.own_leads.lead_file import BadRow, LeadCells, open_lead_file
from tests.unit.sync.own_leads.conftest import bad, good, rows, written


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1251", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_encodings_and_delimiters_are_told_apart(
    tmp_path: Path, encoding: str, delimiter: str, end: str
) -> None:
    """Files are read as Excel, a Russian Windows and other programs write them."""
    lines = [["ID", " Name ", "phone", "UTM_source"], ["1", "Ольга", "8 921 123-45-67", "яндекс"]]
    text = end.join(delimiter.join(cells) for cells in lines) + end
    file = open_lead_file(written(tmp_path, text, encoding))
    assert (file.columns.imported, file.columns.unknown) == (["id", "name", "phone", "utm_source"], [])
    (row,) = file.rows()
    assert isinstance(row, LeadCells)
    assert row.line == 2
    assert row.values == {"id": "1", "name": "Ольга", "phone": "8 921 123-45-67", "utm_source": "яндекс"}


def test_unknown_columns_are_listed_and_left_out(tmp_path: Path) -> None:
    """Unknown columns are listed, and their cells are not read."""
    file = open_lead_file(written(tmp_path, "phone,manager,,name\n+7921,Bob,x,Ann\n"))
    assert (file.columns.imported, file.columns.unknown) == (["name", "phone"], ["manager"])
    (row,) = file.rows()
    assert isinstance(row, LeadCells)
    assert row.values == {"phone": "+7921", "name": "Ann"}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "none of its first 30 lines is a header with a column of phones"),
        ("1,Ann,+79211234567\n", "name it by --column phone=NAME; known columns: id, name"),
        ("id,name\n1,Ann\n", "none of its first 30 lines is a header with a column of phones"),
        ("phone,name,phone\n1,Ann,2\n", "has the column phone twice"),
    ],
)
def test_a_file_without_our_header_is_refused(tmp_path: Path, text: str, told: str) -> None:
    """A file without our header is refused with its name."""
    with pytest.raises(LeadFileRefused, match=told):
        open_lead_file(written(tmp_path, text))


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    """A missing file is refused in one line with its name."""
    with pytest.raises(LeadFileRefused, match=r"none\.csv: cannot be read: No such file"):
        open_lead_file(tmp_path / "none.csv")


def test_bad_rows_have_their_line_and_a_reason_without_text(tmp_path: Path) -> None:
    """Bad rows are reported, other rows are read, and empty lines are no rows."""
    text = (
        "id,name,phone,created_at\n"
        "1,Ann,+79211234567,2026-11-01\n"
        "\n"
        ",,,2026-11-01\n"
        "2,Bob,+79211234568,yesterday\n"
        "3,Eve,+79211234569\n"
        "4,Eve,+79211234569,2026-11-01,more\n"
        '5,"two\nlines",+79211234570,2026-11-01\n'
        f"{'9' * 256},Eve,+79211234569,2026-11-01\n"
        "6,E\0ve,+79211234569,2026-11-01\n"
        "7,Zoe,+79211234571,\n"
    )
    path = written(tmp_path, text)
    assert bad(path) == [
        (4, "names nobody: id, name, phone, email are empty"),
        (5, "created_at is no date; expected YYYY-MM-DD HH:MM or DD.MM.YYYY HH:MM"),
        (7, "has 5 cells, the header 4"),
        (10, "id is longer than 255 letters"),
        (11, "its quotes do not close, or it holds a NUL"),
    ]
    assert [(row.line, row.import_key, row.name) for row in good(path)] == [
        (2, "id:1", "Ann"),
        (6, "id:3", "Eve"),
        (8, "id:5", "two\nlines"),
        (12, "id:7", "Zoe"),
    ]


def test_a_quote_that_never_closes_costs_one_row(tmp_path: Path) -> None:
    """An open quote makes one row bad and not all rows after it."""
    lines = [f"{number},Ann,+7921{number:07}" for number in range(100)]
    lines[10] = '10,"Ann,+79210000010'
    path = written(tmp_path, "\n".join(["id,name,phone", *lines]))
    assert bad(path) == [(12, "its quotes do not close, or it holds a NUL")]
    assert len(rows(path)) == 100


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=200))
def test_any_bytes_are_read(tmp_path: Path, content: bytes) -> None:
    """Any bytes give rows or reasons and never another error, and each reason is one of a few sentences."""
    path = written(tmp_path, ",".join(COLUMNS).encode() + b"\n" + content)
    for one in rows(path):
        assert not isinstance(one, BadRow) or one.line > 1


@pytest.mark.parametrize("stray", [b"x\xffy", "\u041f".encode()[:1], "Пётр".encode("cp1251")])
def test_a_stray_byte_costs_its_row_alone(tmp_path: Path, stray: bytes) -> None:
    """A UTF-8 file with a stray byte is still read as UTF-8, so that no other name changes."""
    text = "phone,creative\n+7921,Видео\n".encode() + b"+7922," + stray + b"\n" + "+7923,Видео\n".encode()
    path = written(tmp_path, text)
    assert bad(path) == [(3, "has bytes that are no text in utf-8-sig")]
    kept = [one for one in open_lead_file(path).rows() if isinstance(one, LeadCells)]
    assert [one.values["creative"] for one in kept] == ["Видео", "Видео"]


def test_lines_behind_one_that_is_far_too_long_keep_their_numbers(tmp_path: Path) -> None:
    """A line that is far too long is one bad row, and the rows after it have their own line numbers."""
    lines = ["phone,name", "+79031112233," + "x" * 2_500_000, "+79031112299,ok", "+79031112299,a,b"]
    path = written(tmp_path, "\n".join(lines) + "\n")
    assert [line for line, _ in bad(path)] == [2, 4]
    assert len(rows(path)) == 3


def test_a_folder_is_named_as_it_was_given() -> None:
    """A folder in place of a file is refused under the name that the user gave."""
    with pytest.raises(LeadFileRefused, match=r"^\.: cannot be read"):
        open_lead_file(Path())


def test_a_very_long_cell_is_no_open_quote(tmp_path: Path) -> None:
    """A very long cell is read as a cell, and is refused later for its length."""
    path = written(tmp_path, "phone,name\n+7921," + "a" * 200_000 + "\n")
    (row,) = open_lead_file(path).rows()
    assert isinstance(row, LeadCells)
    assert len(row.values["name"]) == 200_000


@pytest.mark.parametrize(
    "text",
    [
        "id;phone;name;utm_source;email\nt2;+79211234503;name;vk\n",
        "id;phone;name;utm_source;email\nt2;+79211234503;name;vk;;;\n",
        "id;phone;name;utm_source;email;\nt2;+79211234503;name;vk;;\n",
        "id;phone;name;utm_source;email;;\nt2;+79211234503;name;vk;;\n",
        "sep=;\nid;phone;name;utm_source;email\nt2;+79211234503;name;vk;\n",
        '\ufeff"sep=;"\r\nid;phone;name;utm_source;email\r\nt2;+79211234503;name;vk;\r\n',
        "sep=^\nid^phone^name^utm_source^email\nt2^+79211234503^name^vk^\n",
        "\n\n;;;;\nid;phone;name;utm_source;email\nt2;+79211234503;name;vk;\n",
        'Leads, "autumn\n\nid;phone;name;utm_source;email\nt2;+79211234503;name;vk;\n',
    ],
)
def test_files_as_programs_make_them(tmp_path: Path, text: str) -> None:
    """Empty cells at the end may be missing or too many; a spreadsheet's first line and titles are no header."""
    path = written(tmp_path, text)
    (row,) = good(path)
    assert (row.import_key, row.phone, row.name, row.utm_source, row.email) == (
        *("id:t2", "+79211234503", "name", "vk", None),
    )
    assert bad(path) == []
    assert row.line == text.count("\n")


def test_a_cell_too_many_is_an_error_of_its_line(tmp_path: Path) -> None:
    """A delimiter within a value would shift the values behind it; a row may not end before its phone either."""
    text = "id;name;phone\n1;Ann;+79211234501;;x\n2;Ann;\n3;Ann\n4;Ann;+79211234504;;;\n"
    path = written(tmp_path, text)
    assert bad(path) == [(2, "has 5 cells, the header 3"), (4, "has 2 cells, the header 3")]
    assert [row.line for row in good(path)] == [3, 5]


def test_utf_16_without_a_mark_is_told_by_its_zeros(tmp_path: Path) -> None:
    """Also where nearly all of it is Russian, whose letters have no zero byte."""
    text = "Телефон;Имя\n" + "+79211234501;" + "Анна Примерова " * 60 + "\n"
    for encoding in ("utf-16-le", "utf-16-be"):
        assert open_lead_file(written(tmp_path, text, encoding)).encoding == encoding
