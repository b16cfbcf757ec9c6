"""Columns of exports are recognised by their names, or named by the user."""

from __future__ import annotations

from pathlib import Path

import pytest

from b24_pipeline.errors import LeadFileRefused, UsageError
from b24_pipeline.sync.own_leads.lead_columns import COLUMNS, PARTS, _names, read_choices, recognized
from b24_pipeline.sync.own_leads.lead_file import open_lead_file
from tests.unit.sync.own_leads.conftest import good, written


def test_a_name_is_of_one_column_and_ours_come_first() -> None:
    """The table is unambiguous, and a column with our own name is preferred to any other."""
    names = _names()
    listed = [name for known in names.values() for name in known]
    assert len(listed) == len(set(listed))
    assert [names[ours][0] for ours in COLUMNS] == [ours.replace("_", " ") for ours in COLUMNS]
    assert set(names) == {*COLUMNS, *PARTS}


@pytest.mark.parametrize(
    ("header", "ours"),
    [
        ("Телефон;Имя;Дата;Кампания", ["phone", "first_name", "created_at", "utm_campaign"]),
        ("№;ТЕЛЕФОН *;E-Mail;Дата/время", ["phone", "email", "created_at"]),
        ("Phone Number;Full_Name;Lead-ID", ["phone", "name", "id"]),
        ("phone;Телефон;name;Имя", ["phone", "name", "first_name"]),
        ("Время;Телефон", ["created_at", "phone"]),
        ("Тел.;Объявление", ["phone", "creative"]),
        ("id;create_date_time;client_ids;phones;emails;order_status", ["id", "created_at", "phone", "email"]),
    ],
)
def test_columns_are_recognised(header: str, ours: list[str]) -> None:
    """Case, dashes, underscores and stars do not matter; of two names for one column the first in the table counts."""
    assert [name for _, name in recognized(header.split(";"), {}).taken] == ours


def test_the_user_names_a_column(tmp_path: Path) -> None:
    """His choice counts before the table, and an empty one leaves a column of ours out."""
    chosen = read_choices(["phone=Куда звонить", "id="])
    path = written(tmp_path, "id;Куда звонить;Телефон;Имя\n1;+79211234567;+79217654321;Анна\n")
    (row,) = good(path, chosen)
    assert (row.phone, row.name) == ("+79211234567", "Анна")
    assert not row.import_key.startswith("id:")


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("phone", "expected OURS=NAME"),
        ("tel=Тел", "ours are id, name, phone"),
        ("phone=", "phone cannot be left out"),
    ],
)
def test_a_choice_that_means_nothing_is_wrong_usage(given: str, told: str) -> None:
    """The error says what is expected."""
    with pytest.raises(UsageError, match=told):
        read_choices([given])


def test_a_chosen_column_has_to_be_there(tmp_path: Path) -> None:
    """A name with a mistake is refused, and is not looked over."""
    path = written(tmp_path, "phone;name\n+79211234567;Ann\n")
    with pytest.raises(
        LeadFileRefused, match="has no column Компания, which --column names for utm_campaign"
    ):
        open_lead_file(path, read_choices(["utm_campaign=Компания"]))


def test_what_keeps_a_spreadsheet_from_reading_a_number_is_no_part_of_it(tmp_path: Path) -> None:
    """Meta writes `p:` and `l:`, other programs an apostrophe or a formula."""
    text = 'id;phone\nl:12;p:+79211234501\n\'13;\'+79211234502\n="14";="79211234503"\n'
    found = [(row.import_key, row.phone) for row in good(written(tmp_path, text))]
    assert found == [("id:12", "+79211234501"), ("id:13", "+79211234502"), ("id:14", "79211234503")]


def test_a_name_of_several_lines_is_one_line(tmp_path: Path) -> None:
    """Forms ask long questions."""
    columns = open_lead_file(written(tmp_path, 'phone;"What\nwindow?"\n+79211234501;x\n')).columns
    assert columns.unknown == ["What window?"]
