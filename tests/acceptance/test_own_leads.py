"""`b24 leads import` and `b24 match` as a user runs them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from b24_pipeline.sandbox import Sandbox
from tests.acceptance.conftest import B24, connect
from tests.support.expected.tables import rows

HEADER = "id;name;phone;email;creative;direction;utm_campaign;created_at;manager\n"


def write(folder: Path, *lines: str, header: str = HEADER) -> str:
    path = folder / f"leads_{len(list(folder.iterdir()))}.csv"
    path.write_text(header + "\n".join(lines) + "\n", encoding="cp1251")
    return str(path)


def leads(url: str) -> list[dict[str, Any]]:
    return rows(
        url,
        "select l.import_key as key, l.name, l.phone, c.name as creative, d.name as direction, l.utm_campaign,"
        " to_char(l.created_at, 'YYYY-MM-DD HH24:MI') as created from leads l"
        " left join creatives c on c.id = l.creative_id left join account_directions d on d.id = l.direction_id"
        " order by l.import_key",
    )


def test_an_import_and_the_same_again(
    b24_here: B24, sandbox: Sandbox, database_url: str, tmp_path: Path
) -> None:
    """Bad rows are told by line, the others load; once more changes nothing; changed values do."""
    connect(b24_here, sandbox)
    ann = "1;Анна;8 921 123-45-67;;Видео;Окна;spring;01.11.2026 12:00;x"
    bob = "2;Боб;+7 921 765-43-21;;Видео;;spring;2026-11-01T12:00:00Z;x"
    bad = "3;Ева;+7921;;;;;завтра;x"
    done = b24_here("leads", "import", write(tmp_path, ann, bob, bad), "acme")
    assert done.returncode == 1
    assert "2 added, 0 changed, 0 as they were, 1 bad; 0 newly linked" in done.stdout
    assert "unknown columns are left out: manager" in done.stderr
    assert "line 4: created_at is no date; expected YYYY-MM-DD HH:MM or DD.MM.YYYY HH:MM" in done.stderr
    assert "Ева" not in done.stdout + done.stderr
    assert leads(database_url) == [
        {
            "key": "id:1",
            "name": "Анна",
            "phone": "8 921 123-45-67",
            "creative": "Видео",
            "direction": "Окна",
            "utm_campaign": "spring",
            "created": "2026-11-01 09:00",
        },
        {
            "key": "id:2",
            "name": "Боб",
            "phone": "+7 921 765-43-21",
            "creative": "Видео",
            "direction": "Окна",
            "utm_campaign": "spring",
            "created": "2026-11-01 12:00",
        },
    ]
    stamps = "select import_key, xmin::text, loaded_at from leads order by 1"
    before = rows(database_url, stamps)
    again = b24_here("leads", "import", write(tmp_path, ann, bob), "acme")
    assert again.returncode == 0, again.stderr
    assert "0 added, 0 changed, 2 as they were, 0 bad" in again.stdout
    assert rows(database_url, stamps) == before
    changed = write(tmp_path, "1;8 921 000-00-00;;Баннер", header="id;phone;utm_campaign;creative\n")
    assert "0 added, 1 changed, 0 as they were" in b24_here("leads", "import", changed, "acme").stdout
    (first, _) = leads(database_url)
    assert first == {
        **{
            "key": "id:1",
            "name": "Анна",
            "phone": "8 921 000-00-00",
            "creative": "Баннер",
            "direction": "Окна",
        },
        **{"utm_campaign": None, "created": "2026-11-01 09:00"},
    }


def test_rows_without_an_id_are_known_by_their_values(
    b24_here: B24, sandbox: Sandbox, database_url: str, tmp_path: Path
) -> None:
    """No doubles; without a date the first import's time stays."""
    connect(b24_here, sandbox)
    path = write(
        tmp_path, "Анна,+79211234567", "Анна,+79211234567", "Боб,+79211234567", header="name,phone\n"
    )
    first = b24_here("leads", "import", path, "acme")
    assert "2 added, 0 changed, 0 as they were, 1 repeated in the file, 0 bad" in first.stdout
    before = rows(database_url, "select id, created_at from leads order by id")
    assert "0 added, 0 changed, 2 as they were" in b24_here("leads", "import", path, "acme").stdout
    assert rows(database_url, "select id, created_at from leads order by id") == before


def test_what_cannot_be_imported(b24_here: B24, sandbox: Sandbox, tmp_path: Path) -> None:
    """One line, nothing stored: no file, no header; an unknown portal is wrong usage."""
    connect(b24_here, sandbox)
    for file, name, code in (
        (str(tmp_path / "none.csv"), "acme", 1),
        (write(tmp_path, "1;2", header=""), "acme", 1),
        (write(tmp_path, "1", header="phone\n"), "nobody", 2),
    ):
        refused = b24_here("leads", "import", file, name)
        assert (refused.returncode, refused.stdout) == (code, "")
        assert len(refused.stderr.strip().splitlines()) == 1


def test_match_finds_copied_and_unknown_people(
    b24_here: B24, sandbox: Sandbox, database_url: str, tmp_path: Path
) -> None:
    """Who is in the copy is linked by the import; `b24 match` asks the portal for the others; models follow."""
    connect(b24_here, sandbox)
    known = sandbox.add("contact", {"NAME": "A", "PHONE": [{"VALUE": "8 (921) 555-00-01"}]})
    deal = sandbox.add("deal", {"TITLE": "A deal", "CONTACT_ID": known, "STAGE_ID": "NEW"})
    assert b24_here("sync").returncode == 0
    new = sandbox.add("contact", {"NAME": "B", "PHONE": [{"VALUE": "8 (921) 555-00-02"}]})
    header = "id,phone,creative\n"
    path = write(tmp_path, "1,+79215550001,V", "2,+79215550002,V", "3,+79215550003,V", "4,,V", header=header)
    imported = b24_here("leads", "import", path, "acme")
    assert "4 added" in imported.stdout
    assert "1 newly linked to the CRM" in imported.stdout
    counted = "select creative_name, leads, matched from analytics.creative_stats where entity_type = 'deal'"
    assert rows(database_url, counted) == [{"creative_name": "V", "leads": 4, "matched": 1}]
    done = b24_here("match")
    assert done.returncode == 0, done.stderr
    assert re.search(
        r"portal +own leads +matched +newly linked +updated +not found +requests +seconds", done.stdout
    )
    assert re.search(r"acme +4 +2 +1 +0 +1 +2 ", done.stdout)
    told = rows(
        database_url,
        "select portal, entity_type, creative_name, contact_id, deal_id, method, chosen_because,"
        " unmatched_reason, is_older from analytics.lead_matches"
        " order by created_at, deal_id, contact_id, unmatched_reason",
    )
    nothing = dict.fromkeys(told[0])
    about = {"portal": "acme", "creative_name": "V"}
    assert sorted(told, key=str) == sorted(
        [
            {
                **nothing,
                **about,
                **{"entity_type": "deal", "contact_id": known, "deal_id": deal, "method": "contact_phone"},
                "chosen_because": "newest_open_deal",
                "is_older": True,
            },
            {
                **nothing,
                **about,
                **{"contact_id": new, "method": "portal_contact", "chosen_because": "only_contact"},
            },
            {**nothing, **about, "unmatched_reason": "not_found"},
            {**nothing, **about, "unmatched_reason": "no_phone"},
        ],
        key=str,
    )
    assert re.search(r"acme +4 +2 +0 +0 +1 +0 ", b24_here("match", "acme", "--no-models").stdout)
    assert b24_here("match", "nobody").returncode == 2
