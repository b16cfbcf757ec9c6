"""`b24 leads import` with files as ad systems and spreadsheets export them."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from b24_pipeline.sandbox import Sandbox
from tests.acceptance.conftest import B24, connect
from tests.support.data.spreadsheet import Cell, write_xlsx
from tests.support.expected.tables import rows

EXPORTS = Path(__file__).parents[1] / "data" / "own_leads"
"""As exported by six ad systems, with invented people."""


def stored(url: str) -> list[dict[str, Any]]:
    """The first lead of a file: of Anna, or of what a test has written."""
    return rows(
        url,
        "select l.import_key as key, l.name, l.phones, l.email, c.name as creative, d.name as direction,"
        " concat_ws('/', l.utm_source, l.utm_medium, l.utm_campaign, l.utm_content, l.utm_term) as utm,"
        " to_char(l.created_at, 'YYYY-MM-DD HH24:MI:SS') as created from leads l"
        " left join creatives c on c.id = l.creative_id left join account_directions d on d.id = l.direction_id"
        " order by l.created_at",
    )


@pytest.mark.parametrize(
    ("file", "key", "anna"),
    [
        (
            "meta_lead_ads.csv",
            "id:1062269359945847",
            ("Анна Примерова", "Видео окна", "Замер окна", "fb/Осень окна", "2026-10-03 14:04:53"),
        ),
        (
            "vk_ads.csv",
            "id:50017731",
            ("Анна Примерова", "Карусель 1", "Замер окна", "VK осень", "2026-10-03 14:04:53"),
        ),
        (
            "yandex_direct.csv",
            "lead:",
            ("Анна", "Окна за неделю", None, "Поиск окна/пластиковые окна", "2026-10-03 14:04:00"),
        ),
        (
            "google_ads.csv",
            "id:Cj0KCQjwAAAA01",
            ("Anna Primerova", None, "Window visit", "Search windows", "2026-10-03 17:04:53"),
        ),
        (
            "tiktok_ads.csv",
            "id:7412345678901234567",
            ("Анна", "Spark 1", "Window visit", "Autumn", "2026-10-03 14:04:53"),
        ),
        (
            "tilda.csv",
            "id:7301:50017731",
            ("Анна", None, "Заявка на замер", "yandex/cpc/autumn/banner1/окна", "2026-10-03 14:04:53"),
        ),
    ],
)
def test_an_export_loads_as_it_is(
    b24_here: B24, sandbox: Sandbox, database_url: str, file: str, key: str, anna: tuple[str | None, ...]
) -> None:
    """With its name alone: columns are recognised, times without a zone are the portal's; twice adds nothing."""
    connect(b24_here, sandbox)
    tried = b24_here("leads", "import", str(EXPORTS / file), "acme", "--dry-run")
    assert tried.returncode == 0, tried.stderr
    assert "acme: 3 added, 0 changed, 0 as they were, 0 bad; nothing was stored" in tried.stdout
    assert stored(database_url) == []
    loaded = b24_here("leads", "import", str(EXPORTS / file), "acme")
    assert loaded.returncode == 0, loaded.stderr
    assert "acme: 3 added, 0 changed, 0 as they were, 0 bad" in loaded.stdout
    first = stored(database_url)[0]
    assert first["key"].startswith(key)
    assert first["phones"] == ["+79215550101"]
    assert tuple(first[name] for name in ("name", "creative", "direction", "utm", "created")) == anna
    again = b24_here("leads", "import", str(EXPORTS / file), "acme")
    assert "acme: 0 added, 0 changed, 3 as they were, 0 bad" in again.stdout


def test_a_spreadsheet_loads_as_it_is(
    b24_here: B24, sandbox: Sandbox, database_url: str, tmp_path: Path
) -> None:
    """With Russian headers, phones as numbers and dates as dates."""
    connect(b24_here, sandbox)
    header: list[Cell] = ["Телефон", "Имя", "Дата", "Кампания", "Менеджер"]
    row: list[Cell] = [79215550101, "Анна", datetime(2026, 10, 3, 17, 4, 53), "Осень", "Иван"]
    path = write_xlsx(tmp_path / "заявки.xlsx", {"Заявки": [header, row]})
    tried = b24_here("leads", "import", str(path), "acme", "--dry-run")
    shown = [line.split() for line in tried.stdout.splitlines()]
    assert ["Телефон", "phone"] in shown
    assert ["Дата", "created_at"] in shown
    assert ["Менеджер", "(left", "out)"] in shown
    loaded = b24_here("leads", "import", str(path), "acme")
    assert loaded.returncode == 0, loaded.stderr
    assert "columns are taken so: Телефон as phone, Имя as first_name" in loaded.stderr
    assert "unknown columns are left out: Менеджер" in loaded.stderr
    (anna,) = stored(database_url)
    assert (anna["name"], anna["phones"], anna["utm"], anna["created"]) == (
        *("Анна", ["+79215550101"], "Осень", "2026-10-03 14:04:53"),
    )
    assert "0 added, 0 changed, 1 as they were" in b24_here("leads", "import", str(path), "acme").stdout


def test_a_column_that_is_not_recognised_is_named(b24_here: B24, sandbox: Sandbox, tmp_path: Path) -> None:
    """The refusal says how, and a wrong choice is wrong usage."""
    connect(b24_here, sandbox)
    path = tmp_path / "leads.csv"
    path.write_text("Куда звонить;Кто;День\n+79215550101;Анна;03/10/2026\n", encoding="utf-8")
    refused = b24_here("leads", "import", str(path), "acme")
    assert refused.returncode == 1
    assert "name it by --column phone=NAME" in refused.stderr
    named = ("--column", "phone=Куда звонить", "--column", "name=Кто", "--column", "created_at=День")
    bad = b24_here("leads", "import", str(path), "acme", *named)
    assert bad.returncode == 1
    assert "line 2: created_at does not tell whether the day or the month comes first" in bad.stderr
    loaded = b24_here("leads", "import", str(path), "acme", *named, "--date-order", "dmy")
    assert loaded.returncode == 0, loaded.stderr
    assert "1 added" in loaded.stdout
    assert b24_here("leads", "import", str(path), "acme", "--column", "tel=Кто").returncode == 2


def test_damaged_ids_make_no_two_people_one(
    b24_here: B24, sandbox: Sandbox, database_url: str, tmp_path: Path
) -> None:
    """Rounded ids, an id of two people in a file, and one that a stored lead has: all are refused by line."""
    connect(b24_here, sandbox)
    path = tmp_path / "leads.csv"

    def load(*lines: str) -> tuple[int, str, str]:
        path.write_text("id;phone;created_at\n" + "\n".join(lines) + "\n", encoding="utf-8")
        done = b24_here("leads", "import", str(path), "acme")
        return done.returncode, done.stdout, done.stderr

    code, out, err = load(
        "7123456789012340000;+79215550101;2026-10-03 10:00",
        "7123456789012340000;+79215550102;2026-10-03 11:00",
    )
    assert (code, "0 added, 0 changed, 0 as they were, 2 bad" in out) == (1, True)
    assert "line 2: id ends in zeros as of a spreadsheet" in err
    assert "line 3: id ends in zeros as of a spreadsheet" in err
    code, out, err = load(
        "7;+79215550101;2026-10-03 10:00",
        "7;8 921 555-01-01;2026-10-03 11:00",
        "8;+79215550102;2026-10-03 10:00",
    )
    assert (code, "2 added, 0 changed, 0 as they were, 1 repeated in the file, 0 bad" in out) == (0, True)
    code, out, err = load(
        "9;+79215550101;2026-10-03 10:00",
        "9;+79215550102;2026-10-03 11:00",
        "8;+79215550109;2026-11-03 10:00",
    )
    assert (code, "0 added, 0 changed, 0 as they were, 3 bad" in out) == (1, True)
    assert "line 2: id is that of another row, with another person and time" in err
    assert "line 3: id is that of another row, with another person and time" in err
    assert "line 4: id is that of a stored lead, with another person and time, which stays" in err
    assert "leave ids out by --column id=" in err
    assert [(lead["key"], lead["phones"]) for lead in stored(database_url)] == [
        ("id:8", ["+79215550102"]),
        ("id:7", ["+79215550101"]),
    ]
