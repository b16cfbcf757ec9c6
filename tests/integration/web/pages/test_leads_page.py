"""Own leads out of files by pages: a file is looked at with its columns, and loaded."""

from __future__ import annotations

import re
from collections.abc import Iterator
from io import BytesIO
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

import httpx
import pytest

from b24_pipeline.store.own_leads.uploads import delete_old
from b24_pipeline.web.body_limit import LARGEST_UPLOAD
from tests.conftest import Server
from tests.integration.web.pages.test_figures_pages import rows_of
from tests.support.installation import execute, fetch
from tests.support.servers.pages_site import PagesSite, Visit, pages_site, text_of

FILE = """Имя;Телефон;Объявление;Дата заявки;Примечание
Анна;+7 921 000-00-01;video;01.03.2026 10:00;x
Борис;+7 921 000-00-02;video;01.03.2026 11:00;y
;;;;z
Вера;7,92E+10;banner;02.03.2026 12:00;
"""
STRANGE = "who,number of theirs\nAnna,+79210000001\nBoris,+79210000002\n"


@pytest.fixture(scope="module")
def site(server: Server) -> Iterator[PagesSite]:
    """One for all tests of the module; each leaves no own leads of its own."""
    with pages_site(server, entities=20) as opened:
        execute(opened.warehouse, "delete from leads")
        yield opened


@pytest.fixture
def manager(site: PagesSite) -> Iterator[Visit]:
    """Somebody who may load files."""
    with site.visit(site.key("Maria", "manager")) as visit:
        visit.client.headers["Accept-Language"] = "en"
        yield visit
    execute(site.warehouse, "delete from leads")
    execute(site.warehouse, "delete from bitrix24_uploads")
    execute(site.warehouse, "delete from bitrix24_access_keys")


def leads_of(site: PagesSite) -> str:
    """Where the page is."""
    return f"/p/{site.portal}/leads"


def upload(visit: Visit, site: PagesSite, content: bytes, name: str = "leads.csv") -> httpx.Response:
    """Sends the form with the file."""
    token = re.search(r'name="form_token" value="([^"]+)"', visit.get("/portals").text)
    assert token
    return visit.client.post(
        f"{leads_of(site)}/upload",
        data={"form_token": token[1]},
        files={"file": (name, content)},
        headers={"Origin": visit.origin},
    )


def looked_at(visit: Visit, answer: httpx.Response) -> tuple[str, str]:
    """The page with the columns, and the key of the upload."""
    assert answer.status_code == 303, answer.text
    page = visit.get(answer.headers["location"])
    assert page.status_code == 200
    found = re.search(r'name="upload" value="([^"]+)"', page.text)
    assert found
    return page.text, found[1]


def chosen_in(page: str) -> list[str]:
    """What is chosen for each column."""
    return [
        (re.findall(r'<option value="([^"]*)" selected>', select) or [""])[0]
        for select in re.findall(r'<select name="column".*?</select>', page, re.DOTALL)
    ]


def stored(site: PagesSite) -> list[dict[str, Any]]:
    """The own leads."""
    return fetch(site.warehouse, "select name, phone from leads order by name")


def uploads(site: PagesSite) -> int:
    """How many files are kept."""
    return len(fetch(site.warehouse, "select 1 as one from bitrix24_uploads"))


def test_a_file_is_looked_at_and_loaded(site: PagesSite, manager: Visit) -> None:
    """Columns are recognised and shown with rows; what it would do is what it does; then the file is gone."""
    page, key = looked_at(manager, upload(manager, site, FILE.encode()))
    assert chosen_in(page) == ["first_name", "phone", "creative", "created_at", ""]
    assert [row[0] for row in rows_of(page, "columns")] == ["Анна", "Борис", "", "Вера"]
    assert "2 New 0 Changed" in re.sub(r"(New|Changed) (\d+)", r"\2 \1", text_of(page))
    assert [row[0] for row in rows_of(page, "bad")] == ["4", "5"]
    assert stored(site) == []
    done = manager.post(
        f"{leads_of(site)}/load",
        "/portals",
        upload=key,
        column=["first_name", "phone", "creative", "created_at", ""],
    )
    assert done.status_code == 200
    shown = text_of(done.text)
    assert "The row names nobody" in shown
    assert "dropped the last digits" in shown
    assert [row["name"] for row in stored(site)] == ["Анна", "Борис"]
    assert uploads(site) == 0
    (noted,) = fetch(
        site.warehouse, "select changed_by, subject, after from bitrix24_audit where what = 'own leads'"
    )
    assert noted == {"changed_by": "Maria", "subject": "leads.csv", "after": {"added": 2, "changed": 0}}


def test_columns_are_assigned_by_hand(site: PagesSite, manager: Visit) -> None:
    """Where none is recognised, or a wrong one; the choice is tried before it is stored."""
    page, key = looked_at(manager, upload(manager, site, STRANGE.encode()))
    assert chosen_in(page) == ["", ""]
    assert "Choose the column that has the phones" in text_of(page)
    assert rows_of(page, "columns") == [["Anna", "+79210000001"], ["Boris", "+79210000002"]]
    load = f"{leads_of(site)}/load"
    for columns in (["name", ""], ["phone", "phone"], ["x", "y"], []):
        refused = manager.post(load, "/portals", upload=key, column=columns)
        assert refused.status_code == 422, columns
        assert 'role="alert"' in refused.text
    assert stored(site) == []
    tried = manager.get(f"{leads_of(site)}/upload", upload=key, column=["name", "phone"]).text
    assert chosen_in(tried) == ["name", "phone"]
    assert "2 New" in re.sub(r"(New) (\d+)", r"\2 \1", text_of(tried))
    assert stored(site) == []
    assert manager.post(load, "/portals", upload=key, column=["name", "phone"]).status_code == 200
    assert stored(site) == [
        {"name": "Anna", "phone": "+79210000001"},
        {"name": "Boris", "phone": "+79210000002"},
    ]


def test_a_file_that_is_loaded_again_with_other_columns_is_warned_of(site: PagesSite, manager: Visit) -> None:
    """Each of its leads would be there twice; before that, that no column is the direction."""
    file = "phone,created_at,about\n+79215550777,2026-10-03,spring\n"
    page, key = looked_at(manager, upload(manager, site, file.encode()))
    assert 'id="no-direction"' in page
    assert 'id="alike"' not in page
    columns = ["phone", "created_at", "utm_campaign"]
    load = f"{leads_of(site)}/load"
    assert manager.post(load, "/portals", upload=key, column=columns).status_code == 200
    _page, key = looked_at(manager, upload(manager, site, file.encode()))
    columns[2] = "direction"
    tried = manager.get(f"{leads_of(site)}/upload", upload=key, column=columns).text
    assert 'id="no-direction"' not in tried
    assert "1 of the new ones has the phone and the time of an own lead" in text_of(tried)


def test_one_column_that_is_strange_leaves_the_others_recognised(site: PagesSite, manager: Visit) -> None:
    """The phone alone is chosen by hand then: nothing else is lost."""
    file = FILE.replace("Телефон", "Как связаться", 1)
    page, _key = looked_at(manager, upload(manager, site, file.encode()))
    assert chosen_in(page) == ["first_name", "", "creative", "created_at", ""]
    assert "Choose the column that has the phones" in text_of(page)


def workbook(rows: list[list[str]]) -> bytes:
    """A small .xlsx with one sheet."""
    cells = "".join(
        f'<row r="{line}">'
        + "".join(
            f'<c r="{"ABCDEFGH"[place]}{line}" t="inlineStr"><is><t>{text}</t></is></c>'
            for place, text in enumerate(row)
        )
        + "</row>"
        for line, row in enumerate(rows, start=1)
    )
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    package = "http://schemas.openxmlformats.org/package/2006"
    packed = BytesIO()
    with ZipFile(packed, "w", ZIP_DEFLATED) as book:
        book.writestr(
            "[Content_Types].xml",
            f'<Types xmlns="{package}/content-types"><Default Extension="xml" ContentType="application/xml"/></Types>',
        )
        book.writestr(
            "_rels/.rels",
            f'<Relationships xmlns="{package}/relationships"><Relationship Id="r1" Type="{office}/officeDocument"'
            ' Target="xl/workbook.xml"/></Relationships>',
        )
        book.writestr(
            "xl/workbook.xml",
            f'<workbook xmlns="{main}" xmlns:r="{office}"><sheets><sheet name="A" sheetId="1" r:id="r1"/></sheets>'
            "</workbook>",
        )
        book.writestr(
            "xl/_rels/workbook.xml.rels",
            f'<Relationships xmlns="{package}/relationships"><Relationship Id="r1" Type="{office}/worksheet"'
            ' Target="worksheets/sheet1.xml"/></Relationships>',
        )
        book.writestr(
            "xl/worksheets/sheet1.xml",
            f'<worksheet xmlns="{main}"><sheetData>{cells}</sheetData></worksheet>',
        )
    return packed.getvalue()


def test_a_spreadsheet_is_loaded_too(site: PagesSite, manager: Visit) -> None:
    """With lines above its header."""
    content = workbook([["Report"], ["full_name", "phone_number"], ["Anna", "+79210000001"]])
    page, key = looked_at(manager, upload(manager, site, content, "отчёт.xlsx"))
    assert chosen_in(page) == ["name", "phone"]
    assert rows_of(page, "columns") == [["Anna", "+79210000001"]]
    assert manager.post(f"{leads_of(site)}/load", "/portals", upload=key).status_code == 200
    assert stored(site) == [{"name": "Anna", "phone": "+79210000001"}]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("empty.csv", b""),
        ("broken.xlsx", b"PK\x03\x04 nothing"),
        ("old.xls", b"\xd0\xcf\x11\xe0 nothing"),
        ("noise.csv", bytes(range(256)) * 40),
        ("../../etc/passwd", b"phone\n"),
        ("\u202egnp.<script>", b'phone,"a\n'),
    ],
)
def test_what_is_no_file_of_leads_is_said(site: PagesSite, manager: Visit, name: str, content: bytes) -> None:
    """No fault, and nothing of the folder where it lay."""
    answer = upload(manager, site, content, name)
    assert answer.status_code == 303
    page = manager.get(answer.headers["location"])
    assert page.status_code in (200, 422)
    assert "/tmp" not in page.text
    assert "<script>" not in page.text.replace('<script src="', "")
    assert stored(site) == []


def test_a_spreadsheet_that_unpacks_to_gigabytes_is_refused(site: PagesSite, manager: Visit) -> None:
    """Before it is unpacked."""
    packed = BytesIO()
    with ZipFile(packed, "w", ZIP_DEFLATED) as bomb:
        bomb.writestr("xl/workbook.xml", b" " * (70 << 20))
    answer = upload(manager, site, packed.getvalue(), "bomb.xlsx")
    page = manager.get(answer.headers["location"])
    assert page.status_code == 422
    assert "has 70 MB unpacked" in page.text


def test_a_file_may_have_megabytes_where_a_manager_sends_it(site: PagesSite, manager: Visit) -> None:
    """Up to 20; nothing is read of one that somebody else sends."""
    lines = "".join(f"n{number},+7921{number:07d}\n" for number in range(1, 20_000))
    assert upload(manager, site, f"name,phone\n{lines}".encode()).status_code == 303
    assert uploads(site) == 1
    large = b"x" * (LARGEST_UPLOAD + 1)
    assert upload(manager, site, large).status_code == 413
    with site.visit(site.key("Viktor", "viewer")) as viewer:
        assert upload(viewer, site, b"x" * 100_000).status_code == 403
        viewer.client.cookies.clear()
        nobody = viewer.client.post(
            f"{leads_of(site)}/upload",
            files={"file": ("a.csv", b"x" * 100_000)},
            headers={"Origin": site.address},
        )
        assert (nobody.status_code, nobody.headers["location"]) == (303, "/sign-in")
    other = manager.client.post(
        f"{leads_of(site)}/load", data={"upload": "x" * 100_000}, headers={"Origin": site.address}
    )
    assert other.status_code == 413
    assert uploads(site) == 1


def test_a_file_is_kept_for_its_owner_and_for_an_hour(site: PagesSite, manager: Visit) -> None:
    """Nobody else can load it, a second one takes its place, and it is gone in time."""
    _, first = looked_at(manager, upload(manager, site, STRANGE.encode()))
    _, second = looked_at(manager, upload(manager, site, STRANGE.encode()))
    assert first != second
    assert uploads(site) == 1
    with site.visit(site.key("Other", "manager")) as other:
        for key in (second, first, "00000000-0000-0000-0000-000000000000"):
            answer = other.get(f"{leads_of(site)}/upload", upload=key)
            assert (answer.status_code, "gone=yes" in answer.headers["location"]) == (303, True)
    execute(site.warehouse, "update bitrix24_uploads set uploaded_at = now() - interval '61 minutes'")
    answer = manager.post(f"{leads_of(site)}/load", "/portals", upload=second, column=["name", "phone"])
    assert "gone=yes" in answer.headers["location"]
    assert stored(site) == []
    assert "not kept any more" in manager.get(answer.headers["location"]).text
    delete_old(site.warehouse)
    assert uploads(site) == 0
