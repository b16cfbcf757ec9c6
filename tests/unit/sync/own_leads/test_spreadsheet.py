"""Spreadsheets of own leads, as Excel saves them."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest

from b24_pipeline.errors import LeadFileRefused
from b24_pipeline.sync.own_leads import spreadsheet
from b24_pipeline.sync.own_leads.lead_file import open_lead_file
from tests.support.data.spreadsheet import Cell, ErrorCell, write_xlsx
from tests.unit.sync.own_leads.conftest import bad, good

HEADER: list[Cell] = ["Телефон", "Имя", "Дата", "Кампания", "id"]


def test_a_spreadsheet_is_read_by_the_kinds_of_its_cells(tmp_path: Path) -> None:
    """Numbers are phones with all their digits, dates are in the portal's zone, a sheet without phones is skipped."""
    path = write_xlsx(
        tmp_path / "leads.xlsx",
        {
            "О файле": [["Отчёт"], ["за октябрь"]],
            "Заявки": [
                ["Отчёт"],
                [],
                HEADER,
                [79211234567, "Анна", datetime(2026, 11, 1, 12, 30, 15), "Осень", 71],
                [],
                ["8 921 765-43-21", "Борис", datetime(2026, 11, 2), None, "72"],
            ],
        },
    )
    ann, bob = good(path)
    assert (ann.line, ann.import_key, ann.phone, ann.phones) == (4, "id:71", "79211234567", ["+79211234567"])
    assert (ann.created_at, ann.utm_campaign) == ("2026-11-01T09:30:15+00:00", "Осень")
    assert (bob.line, bob.import_key, bob.created_at) == (6, "id:72", "2026-11-01T21:00:00+00:00")
    assert bad(path) == []


def test_numbers_of_too_many_digits_are_refused(tmp_path: Path) -> None:
    """A spreadsheet keeps fifteen: an id or a phone with more is not what was written."""
    rows: list[list[Cell]] = [
        [79211234567, "Анна", None, None, 7123456789012345678],
        [1234567890123456, "Борис"],
    ]
    path = write_xlsx(tmp_path / "leads.xlsx", {"Заявки": [HEADER, *rows]})
    assert [(line, reason.partition(":")[0]) for line, reason in bad(path)] == [
        (2, "id is a number in exponent form"),
        (3, "phone is a number in exponent form"),
    ]


def test_an_error_of_a_formula_is_no_empty_cell(tmp_path: Path) -> None:
    """A lead without its phone would load, and match nobody."""
    rows: list[list[Cell | ErrorCell]] = [
        [ErrorCell("#N/A"), "Анна"],
        [79211234567, "Борис"],
        [79211234568, ErrorCell("#REF!")],
    ]
    path = write_xlsx(tmp_path / "leads.xlsx", {"О файле": [["x"]], "Заявки": [[], HEADER, *rows]})
    assert [(line, reason.partition(" in place")[0]) for line, reason in bad(path)] == [
        (3, "phone holds an error of a spreadsheet"),
        (5, "first_name holds an error of a spreadsheet"),
    ]
    assert [row.name for row in good(path)] == ["Борис"]


def test_it_is_told_by_its_content(tmp_path: Path) -> None:
    """Whatever the file is called."""
    path = write_xlsx(tmp_path / "leads.csv", {"Заявки": [HEADER, [79211234567]]})
    assert open_lead_file(path).sheet == "Заявки"


@pytest.mark.parametrize(
    "content", [b"PK\x03\x04", b"PK\x03\x04" + b"x" * 5000, b"\xd0\xcf\x11\xe0" + b"x" * 5000]
)
def test_a_broken_spreadsheet_is_refused(tmp_path: Path, content: bytes) -> None:
    """In one line with what to do."""
    path = tmp_path / "leads.xlsx"
    path.write_bytes(content)
    with pytest.raises(
        LeadFileRefused,
        match=r"leads\.xlsx: is no spreadsheet that can be read, or it is encrypted; save it as",
    ):
        open_lead_file(path)


def test_a_spreadsheet_that_would_fill_the_memory_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By its unpacked size, before it is unpacked."""
    path = write_xlsx(tmp_path / "leads.xlsx", {"Заявки": [HEADER, ["x" * 10_000]]})
    monkeypatch.setattr(spreadsheet, "MOST_BYTES", 5_000)
    with pytest.raises(LeadFileRefused, match="export it as CSV"):
        open_lead_file(path)
