"""Rows as they would be stored: whole names and times, what identifies them, and values that cannot be right."""

from __future__ import annotations

from pathlib import Path

import pytest

from b24_pipeline.sync.own_leads.moments import DateOrder
from tests.unit.sync.own_leads.conftest import bad, good, written


def keys(folder: Path, text: str) -> list[str]:
    return [row.import_key for row in good(written(folder, text))]


def test_the_key_is_the_id_or_a_digest(tmp_path: Path) -> None:
    """A date that is missing is no part of the digest, and a date that is there is part of it."""
    text = "id,phone,created_at\n1,+7921,\n1,+7922,\n,+7921,\n,+7921,\n,+7921,01.11.2026\n,+7922,\n"
    found = keys(tmp_path, text)
    assert found[0] == found[1] == "id:1"
    assert found[2] == found[3]
    assert len(set(found)) == 4


def test_without_an_id_a_person_and_a_time_identify_a_lead(tmp_path: Path) -> None:
    """However the phone and the time are written, and whatever other columns the file has."""
    one = keys(tmp_path, "phone,name,created_at\n8 (921) 123-45-67,Ann,2026-11-01 12:30:00\n")
    other = keys(tmp_path, "Телефон;Дата;Кампания\n+79211234567;01.11.2026 12:30;Осень\n")
    assert one == other
    assert keys(tmp_path, "phone,created_at\n+79211234567,2026-11-01 12:31\n") != one
    assert keys(tmp_path, "phone,email,created_at\n,a@b.example,2026-11-01 12:30\n") != one


def test_a_day_alone_identifies_nobody(tmp_path: Path) -> None:
    """Somebody may ask twice a day: then all values count."""
    text = "phone,utm_campaign,created_at\n+79211234567,a,01.11.2026 0:00\n+79211234567,b,01.11.2026 0:00\n"
    assert len(set(keys(tmp_path, text))) == 2


def test_a_row_has_the_key_that_an_earlier_version_gave_it(tmp_path: Path) -> None:
    """Earlier versions knew columns by our own names alone, and took all values for the key."""
    (before,) = keys(tmp_path, "phone,name\n+79211234567,Ann\n")
    (row,) = good(written(tmp_path, "phone,name,Кампания\n+79211234567,Ann,Осень\n"))
    assert (row.utm_campaign, row.earlier_key) == ("Осень", before)
    assert row.import_key != before
    (row,) = good(written(tmp_path, "phone,name,ID лида\n+79211234567,Ann,7\n"))
    assert (row.import_key, row.earlier_key) == ("id:7", before)
    (row,) = good(written(tmp_path, "phone,name\n+79211234567,Ann\n"))
    assert (row.import_key, row.earlier_key) == (before, None)


def test_parts_of_a_name_and_of_a_time_are_put_together(tmp_path: Path) -> None:
    """Exports have columns of their own for the last name and for the time of day."""
    text = "Имя;Фамилия;Телефон;Дата;Время\nАнна;Примерова;+79211234567;01.11.2026;12:30\nБорис;;+79211234568;;\n"
    ann, bob = good(written(tmp_path, text))
    assert (ann.name, ann.created_at) == ("Анна Примерова", "2026-11-01T09:30:00+00:00")
    assert (bob.name, bob.created_at) == ("Борис", None)


@pytest.mark.parametrize(
    ("column", "text", "told"),
    [
        (
            "phone",
            "9,211234567E+10",
            "phone is a number in exponent form: a spreadsheet has dropped its last",
        ),
        ("phone", "7.9211234567E+10", "format the column as text in the spreadsheet and export again"),
        ("phone", "7,92е+10", "phone is a number in exponent form"),
        ("phone", "########", "phone holds only #: the column was too narrow"),
        ("phone", "#N/A", "phone holds an error of a spreadsheet"),
        ("phone", "#Н/Д", "phone holds an error of a spreadsheet"),
        ("id", "7,12346E+18", "id is a number in exponent form"),
        ("id", "#REF!", "id holds an error of a spreadsheet"),
        ("created_at", "#####", "created_at holds only #: the column was too narrow"),
        ("created_at", "45291.5", "created_at is a number that a spreadsheet has made of a date"),
        ("created_at", "03/04/2026", "say it by --date-order dmy or mdy"),
        ("created_at", "9999-12-31", "created_at is in the future"),
        ("name", "#ИМЯ?", "name holds an error of a spreadsheet"),
        ("last_name", "#REF!", "last_name holds an error of a spreadsheet"),
        ("name", "<test lead: dummy data for full_name>", "is a test lead of the ad system"),
    ],
)
def test_a_cell_that_a_spreadsheet_has_damaged_is_refused(
    tmp_path: Path, column: str, text: str, told: str
) -> None:
    """With its line and what to do; the reason quotes nothing of the row."""
    values = {"id": "5", "phone": "+79211234567", "created_at": "2026-11-01", "name": "Ann", column: text}
    path = written(tmp_path, ";".join(values) + "\n" + ";".join(values.values()) + "\n")
    ((line, reason),) = bad(path)
    assert line == 2
    assert told in reason
    assert text not in reason


def test_the_order_of_day_and_month_is_named_once_for_a_file(tmp_path: Path) -> None:
    """A date that does not fit the order is refused, so a wrong order is noticed."""
    path = written(tmp_path, "phone;created_at\n+79211234567;03/04/2026\n+79211234568;03/25/2026\n")
    assert bad(path, DateOrder.MDY) == []
    assert [line for line, _ in bad(path, DateOrder.DMY)] == [3]
    assert [line for line, _ in bad(path)] == [2, 3]


def test_ids_beyond_the_digits_of_a_spreadsheet_are_counted(tmp_path: Path) -> None:
    """For each row: what the file as a whole shows is decided when all rows are known."""
    ids = ("7123456789012340000", "7123456789012345678", "123456789012345", "100", "a00000000000000000000")
    text = "id;phone\n" + "".join(f"{one};+79211234567\n" for one in ids)
    counted = [(row.id_digits, row.id_zeros) for row in good(written(tmp_path, text))]
    assert counted == [(4, 4), (4, 0), (0, 0), (0, 0), (0, 0)]
