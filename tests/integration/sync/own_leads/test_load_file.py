"""Files of own leads in the database: what makes two rows one lead, and what never does."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest

from b24_pipeline.sync.own_leads.lead_columns import read_choices
from b24_pipeline.sync.own_leads.lead_file import open_lead_file
from b24_pipeline.sync.own_leads.load_file import LoadedFile, load_file
from tests.support.data.own_leads import Crm
from tests.support.installation import fetch

HEADER = "id;phone;email;created_at"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


def load(
    crm: Crm, folder: Path, *lines: str, header: str = HEADER, choices: tuple[str, ...] = (), **options: Any
) -> LoadedFile:
    """Loads a file of these lines; afterwards phones are read, as the command does it."""
    path = folder / "leads.csv"
    path.write_text("\n".join((header, *lines)) + "\n", encoding="utf-8")
    done = load_file(crm.warehouse, crm.portal, open_lead_file(path, read_choices(choices)), **options)
    crm.link()
    return done


def leads(crm: Crm, column: str = "phone") -> list[Any]:
    found = fetch(crm.warehouse, f"select {column} as value from leads order by created_at, id")
    return [row["value"] for row in found]


def counts(loaded: LoadedFile) -> tuple[int, int, int, list[int]]:
    done = loaded.imported
    return done.added, done.changed, done.repeated, [row.line for row in loaded.bad]


def test_a_corrected_phone_of_the_same_time_is_the_same_lead(crm: Crm, folder: Path) -> None:
    """And so is another time of the same phone or e-mail, and a file without times."""
    load(crm, folder, "1;+79215550101;a@b.example;2026-10-03 10:00")
    assert counts(load(crm, folder, "1;+79215550109;a@b.example;2026-10-03 10:00")) == (0, 1, 0, [])
    assert counts(load(crm, folder, "1;8 921 555-01-09;;2026-10-03 11:00")) == (0, 1, 0, [])
    assert counts(load(crm, folder, "1;+79215550101;;")) == (0, 1, 0, [])
    assert leads(crm) == ["+79215550101"]


def test_another_person_at_another_time_never_takes_a_stored_leads_place(crm: Crm, folder: Path) -> None:
    """Whatever of both is missing; the stored lead stays as it is, and the row loads without its id."""
    load(crm, folder, "1;+79215550101;;2026-10-03 10:00", "2;;a@b.example;2026-10-03 10:00")
    other = ("1;+79215550102;;2026-11-03 10:00", "2;;c@d.example;2026-11-03 10:00")
    assert counts(load(crm, folder, *other)) == (0, 0, 0, [2, 3])
    assert counts(load(crm, folder, "2;+79215550103;;2026-11-03 10:00")) == (0, 0, 0, [2])
    assert sorted(leads(crm, "coalesce(phone, email)")) == ["+79215550101", "a@b.example"]
    assert counts(load(crm, folder, *other, choices=("id=",))) == (2, 0, 0, [])


def test_an_id_that_all_rows_share_is_nobodys(crm: Crm, folder: Path) -> None:
    """A column of zeros is no column of ids, however long the file is."""
    lines = [f"0;+7921{number:07};;2026-10-03 10:00:{number % 60:02}" for number in range(5000)]
    loaded = load(crm, folder, *lines, "1;+79215550101;;")
    assert (loaded.imported.added, len(loaded.bad)) == (1, 5000)


@pytest.mark.parametrize(
    ("ids", "refused"),
    [
        (["1234567890123450"], []),
        (["7123456789012340000"], [2]),
        (["1234567890123450", "1234567890123460", "1234567890123470", "1234567890123480"], [2, 3, 4, 5]),
        (["1234567890123450", "1234567890123460", "1234567890123470", "1234567890123481"], []),
        (["7123456789012340000", "7123456789012340001", "7123456789012340002"], []),
        (["123456789012000", "1000000", "20000000000000000000a"], []),
    ],
)
def test_ids_are_rounded_where_the_file_as_a_whole_shows_it(
    crm: Crm, folder: Path, ids: list[str], refused: list[int]
) -> None:
    """An id may end in zeros by chance: one of sixteen digits tells nothing, most of a file's do."""
    lines = [f"{one};+7921555{number:04};;" for number, one in enumerate(ids)]
    assert counts(load(crm, folder, *lines)) == (len(ids) - len(refused), 0, 0, refused)


def earlier_key(name: str, phone: str, created: str) -> str:
    """The key of a row without an id in versions that knew columns by our own names alone: all of its values."""
    values = (name, phone, *[""] * 8, created)
    return f"row:{hashlib.sha256(chr(0).join(values).encode()).hexdigest()[:40]}"


def test_leads_of_an_earlier_version_are_not_added_again(crm: Crm, folder: Path) -> None:
    """They keep their row and get the present key; columns that only this version recognises are filled in."""
    header, line = "name;phone;created_at;Кампания", "Ann;+79215550101;2026-10-03T10:00:00Z;Осень"
    load(crm, folder, line, header=header, choices=("utm_campaign=",))
    identity = leads(crm, "id"), leads(crm, "import_key")
    key = earlier_key("Ann", "+79215550101", "2026-10-03T10:00:00+00:00")
    crm.execute("update leads set import_key = %s", key)
    assert counts(load(crm, folder, line, header=header)) == (0, 1, 0, [])
    assert (leads(crm, "id"), leads(crm, "import_key")) == identity
    assert leads(crm, "utm_campaign") == ["Осень"]
    assert counts(load(crm, folder, line, header=header)) == (0, 0, 0, [])


def test_a_dry_run_stores_nothing(crm: Crm, folder: Path) -> None:
    """Neither leads nor creatives and directions, and it counts as the import does."""
    load(crm, folder, "1;+79215550101;;2026-10-03 10:00")
    header = "id;phone;creative;direction"
    lines = ("1;+79215550102;Видео;Окна", "2;+79215550103;Видео;Окна", "3;########;;")
    assert counts(load(crm, folder, *lines, header=header, dry_run=True)) == (1, 1, 0, [4])
    assert leads(crm) == ["+79215550101"]
    assert fetch(crm.warehouse, "select name from creatives union select name from account_directions") == []
    assert counts(load(crm, folder, *lines, header=header)) == (1, 1, 0, [4])


def test_phones_that_cannot_be_read_are_counted(crm: Crm, folder: Path) -> None:
    """So that a wrong column is noticed; such people are told apart by all of their values."""
    lines = (
        "Ann;нет;2026-10-03 10:00",
        "Bob;нет;2026-10-03 10:00",
        "Eve;+79215550101;2026-10-03 10:00",
        "X;###;",
    )
    loaded = load(crm, folder, *lines, header="name;phone;created_at")
    assert (loaded.imported.added, loaded.unreadable, len(loaded.bad)) == (3, 2, 1)


DIRECTIONS = (
    "select d.name as value from leads as l left join account_directions as d on l.direction_id = d.id"
)


def test_a_creative_tells_the_direction_of_a_lead_where_it_runs_in_one(crm: Crm, folder: Path) -> None:
    """One that runs in several tells nothing; a file without the column leaves what is stored."""
    header = "id;phone;created_at;creative;direction"
    load(
        crm,
        folder,
        "1;+79215550101;2026-10-03 10:00;banner;Doors",
        "2;+79215550102;2026-10-03 10:01;banner;",
        "3;+79215550103;2026-10-03 10:02;carousel;Doors",
        "4;+79215550104;2026-10-03 10:03;carousel;Windows",
        "5;+79215550105;2026-10-03 10:04;carousel;",
        header=header,
    )

    def told() -> list[Any]:
        return [row["value"] for row in fetch(crm.warehouse, f"{DIRECTIONS} order by l.created_at")]

    assert told() == ["Doors", "Doors", "Doors", "Windows", None]
    bare = "id;phone;created_at;creative"
    again = ("3;+79215550103;2026-10-03 10:02;carousel", "4;+79215550104;2026-10-03 10:03;carousel")
    assert counts(load(crm, folder, *again, header=bare)) == (0, 0, 0, [])
    load(crm, folder, "6;+79215550106;2026-10-03 10:05;banner;Windows", header=header)
    load(crm, folder, "7;+79215550107;2026-10-03 10:06;banner", header=bare)
    assert told() == ["Doors", "Doors", "Doors", "Windows", None, "Windows", None]


def test_a_file_that_is_loaded_again_with_other_columns_is_noticed(crm: Crm, folder: Path) -> None:
    """Without an id or a time of day its leads are others then: so many are counted before anything is stored."""
    header, lines = (
        "phone;created_at;campaign",
        ("+79215550101;2026-10-03;spring", "+79215550102;2026-10-04;spring"),
    )
    first = load(crm, folder, *lines, header=header, choices=("utm_campaign=campaign",))
    assert (first.imported.added, first.imported.alike) == (2, 0)
    once_more = load(crm, folder, *lines, header=header, choices=("utm_campaign=campaign",), dry_run=True)
    assert (once_more.imported.added, once_more.imported.alike) == (0, 0)
    other = load(crm, folder, *lines, header=header, choices=("direction=campaign",), dry_run=True)
    assert (other.imported.added, other.imported.alike) == (2, 2)
