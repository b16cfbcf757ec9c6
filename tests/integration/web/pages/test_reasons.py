"""What pages say that something did not work: in the reader's language, with what was typed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from uuid import uuid4

import httpx
import pytest

from b24_pipeline.store.own_leads.directions import Directions
from tests.conftest import Server
from tests.support.installation import execute, fetch
from tests.support.servers.pages_site import PagesSite, Visit, pages_site, text_of, unfolded


@pytest.fixture(scope="module")
def site(server: Server) -> Iterator[PagesSite]:
    """One for all tests of the module."""
    with pages_site(server, entities=20) as opened:
        yield opened


@pytest.fixture
def reader(site: PagesSite) -> Iterator[Visit]:
    """Somebody who reads Russian."""
    with site.visit() as visit:
        visit.client.headers.update({"Accept-Language": "ru", "Accept": "text/html"})
        yield visit


def said(answer: httpx.Response) -> str:
    """What a page says that went wrong. No English is among it but names and values."""
    assert answer.status_code >= 400
    found = re.search(r'role="alert" id="problem">(.*?)</div>', answer.text, re.DOTALL)
    found = found or re.search(r'<h1 class="bad">(.*?)</main>', answer.text, re.DOTALL)
    assert found, answer.text
    text = text_of(found[1])
    assert '<p lang="en">' not in found[1], text
    return text


@pytest.mark.parametrize(
    ("path", "given", "sentence"),
    [
        (
            "funnel",
            {"from": "2026-13-01"},
            "«2026-13-01» — не дата. Нужен день календаря, например 2026-11-29.",
        ),
        ("funnel", {"at": "yesterday"}, "«yesterday» — не дата"),
        ("flow", {"from": "2026-02-02", "to": "2026-02-01"}, "Первый день не может быть позже последнего."),
        ("speed", {"pipeline": "999"}, "Воронки «999» на этом портале нет."),
        ("cohorts", {"pipeline": "<b>"}, "Воронки «&lt;b&gt;» на этом портале нет."),
        ("funnel/stage", {"stage": "NONE"}, "В этой воронке нет такой стадии."),
        (
            "leads/one",
            {"lead": "00000000-0000-0000-0000-000000000000"},
            "Такого своего лида на этом портале нет.",
        ),
    ],
)
def test_an_address_that_does_not_fit(
    site: PagesSite, reader: Visit, path: str, given: dict[str, str], sentence: str
) -> None:
    """Its page says what was expected."""
    assert sentence in said(reader.get(f"/p/{site.portal}/{path}", **given))


def test_what_has_no_sentence_of_its_own_has_that_of_its_kind(site: PagesSite, reader: Visit) -> None:
    """Parameters that FastAPI refuses, with its message as a detail."""
    answer = reader.get(f"/p/{site.portal}/leads", page="0")
    assert "Часть адреса или формы непонятна" in text_of(answer.text)
    assert '<p lang="en"><small id="message">query.page' in answer.text
    assert "query.page" not in unfolded(answer.text), "English stands folded, for whoever runs the server"


def test_turned_days_keep_the_frame_and_the_filters(site: PagesSite, reader: Visit) -> None:
    """The days can be corrected where they are; the menu leads on with them the right way round."""
    chosen = {"from": "2026-02-02", "to": "2026-02-01", "pipeline": "deal-0", "definition": "implied"}
    answer = reader.get(f"/p/{site.portal}/funnel", **chosen)
    assert said(answer) == "Первый день не может быть позже последнего."
    form = re.search(
        r'<form class="filters" method="get" action="([^"]+)">(.*?)</form>', answer.text, re.DOTALL
    )
    assert form
    assert form[1] == f"/p/{site.portal}/funnel"
    assert dict(re.findall(r'name="(\w+)" value="([^"]*)"', form[2])) == chosen
    menu = answer.text.partition('<nav class="side"')[2].partition("</nav>")[0]
    assert menu.count("from=2026-02-01&amp;to=2026-02-02") > 5
    assert 'aria-current="page"' in menu


@pytest.mark.parametrize(
    ("path", "status", "sentence", "onward"),
    [
        ("/p/{portal}/nothing", 404, "Такой страницы нет.", "/p/{portal}/funnel?"),
        ("/p/{portal}/leads/one?lead=x", 422, "Часть адреса или формы непонятна", "/p/{portal}/funnel?"),
        ("/nothing", 404, "Такой страницы нет.", "/portals"),
        ("/p/nobody/funnel", 404, "Такого портала здесь нет", "/portals"),
        ("/access", 403, "Ваш ключ этого не разрешает", "/portals"),
        ("/connect", 403, "Ваш ключ этого не разрешает", "/portals"),
    ],
)
def test_an_error_keeps_the_navigation_of_whoever_is_signed_in(
    site: PagesSite, path: str, status: int, sentence: str, onward: str
) -> None:
    """What is missing or not allowed is said within the frame, with a way on; a stranger sees the bare page."""
    with site.visit(site.key(f"Vera {uuid4()}", "viewer")) as visit:
        visit.client.headers.update({"Accept-Language": "ru", "Accept": "text/html"})
        asked = path.format(portal=site.portal)
        answer = visit.get(asked)
        assert answer.status_code == status
        assert sentence in text_of(answer.text)
        assert "Not Found" not in answer.text
        assert 'href="/portals"' in answer.text.partition("<main")[0]
        assert ('<nav class="side"' in answer.text) is path.startswith("/p/{portal}")
        assert f'href="{onward.format(portal=site.portal)}' in answer.text.partition("<main")[2]
        form = visit.client.post(f"/p/{site.portal}/stages", headers={"Origin": site.address})
        assert (form.status_code, '<nav class="side"' in form.text) == (403, True)
        visit.client.cookies.clear()
        bare = visit.client.get("/nothing")
        assert (bare.status_code, "/sign-out" in bare.text) == (404, False)
    execute(site.warehouse, "delete from bitrix24_access_keys")


def test_key_stages_of_both_kinds_keep_what_was_chosen(site: PagesSite, reader: Visit) -> None:
    """The reason, and the choice as it was made."""
    path = f"/p/{site.portal}/key-stages"
    account = site.portals.one(site.portal).id
    direction = Directions(site.warehouse).add(account, "окна")
    stages = fetch(
        site.warehouse,
        "select distinct on (entity_type) entity_type, category_id, status_id from bitrix24_pipeline_stages"
        " where user_account_id = %s and deleted_at is null order by entity_type, category_id, status_id",
        account,
    )
    codes = [f"{one['entity_type']}:{one['category_id']}:{one['status_id']}" for one in stages]
    assert len(codes) == 2
    answer = reader.post(path, path, direction=str(direction.id), stage1=codes[0], stage2="", stage3=codes[1])
    assert said(answer) == "Ключевые стадии направления — либо все из лидов, либо все из сделок."
    form = re.search(rf'value="{direction.id}">(.*?)</form>', answer.text, re.DOTALL)
    assert form
    selects = re.findall(r"<select.*?</select>", form[1], re.DOTALL)
    chosen = [(re.findall(r'value="([^"]*)" selected', select) or [""])[0] for select in selects]
    assert chosen == [codes[0], "", codes[1]]
    answer = reader.post(f"{path}/directions", path, name="окна")
    assert said(answer) == "Направление с таким названием уже есть."
    assert 'value="окна"' in answer.text
    execute(site.warehouse, "delete from account_directions where id = %s", direction.id)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\n\n",
        b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x01",
        b"%PDF-1.4\n" + b"1 0 obj << >>\n" * 9 + b"\x00\xff\xfe\n",
    ],
)
def test_a_file_without_a_table_is_refused(site: PagesSite, reader: Visit, content: bytes) -> None:
    """An empty one, a picture, a document: nothing there could be loaded, and nothing of a command line is said."""
    shown = looked_at(site, reader, content)
    assert said(shown).startswith("В этом файле нет таблицы.")
    assert "--column" not in shown.text


def test_a_file_is_loaded_once_its_phones_are_known(site: PagesSite, reader: Visit) -> None:
    """Before that there is no button, and the sentence says what to do."""
    content = b"who,number of theirs\nAnna,+79210000001\n"
    page = looked_at(site, reader, content)
    assert "Укажите столбец с телефонами" in text_of(page.text)
    assert "--column" not in page.text
    assert ">Загрузить</button>" not in page.text
    tried = reader.client.get(str(page.url), params={"column": ["name", "phone"]} | dict(page.url.params))
    assert ">Загрузить</button>" in tried.text


def test_a_file_that_only_is_called_excel_is_told(site: PagesSite, reader: Visit) -> None:
    """Text under the name of a spreadsheet, in which nobody would find a column of phones."""
    shown = looked_at(site, reader, b"this is a letter, not a table\nof leads\n", "leads.xlsx")
    assert said(shown).startswith("Это не файл Excel")
    renamed = looked_at(site, reader, b"name,phone\nAnna,+79210000001\n", "leads.xlsx")
    assert renamed.status_code == 200, "a table that is understood may be called as it likes"


def test_a_file_without_a_good_row_is_not_loaded(site: PagesSite, reader: Visit) -> None:
    """It is said before and after, and never that own leads were loaded."""
    page = looked_at(site, reader, b"name,phone,created_at\nAnna,,soon\nBoris,,later\n")
    assert "Ни одну строку этого файла загрузить нельзя" in text_of(page.text)
    assert ">Загрузить</button>" not in page.text
    upload = re.search(r'name="upload" value="([^"]+)"', page.text)
    assert upload
    path = f"/p/{site.portal}/leads"
    sent = reader.post(f"{path}/load", path, upload=upload[1], column=["name", "phone", "created_at"])
    assert sent.status_code == 422
    assert "Ни одну строку этого файла загрузить нельзя" in text_of(sent.text)


def looked_at(site: PagesSite, reader: Visit, content: bytes, name: str = "leads.csv") -> httpx.Response:
    """The page that shows a file."""
    token = re.search(r'name="form_token" value="([^"]+)"', reader.get("/portals").text)
    assert token
    sent = reader.client.post(
        f"/p/{site.portal}/leads/upload",
        data={"form_token": token[1]},
        files={"file": (name, content)},
        headers={"Origin": reader.origin},
    )
    return reader.get(sent.headers["location"].replace("&amp;", "&"))


def test_what_cannot_be_linked(site: PagesSite, reader: Visit) -> None:
    """A number that the copy does not have, a text, and a card of another portal."""
    execute(
        site.warehouse,
        "insert into leads (user_account_id, name, phone)"
        " select id, 'Anna', '+79210000001' from user_accounts where name = %s",
        site.portal,
    )
    (own,) = fetch(site.warehouse, "select id from leads where name = 'Anna'")
    path = f"/p/{site.portal}/leads/one"
    for kind, entity, sentence in (
        ("deal", "99999999", "Сделки №99999999 в копии нет"),
        ("lead", "№99999999", "Лида №99999999 в копии нет"),
        ("deal", "мой", "Введите номер сделки или лида"),
        ("deal", "https://evil.example/crm/deal/details/2/", "Это карточка другого портала"),
    ):
        answer = reader.post(path, f"{path}?lead={own['id']}", lead=str(own["id"]), kind=kind, entity=entity)
        assert sentence in said(answer)
        assert f'value="{entity}"' in answer.text


def test_a_name_of_a_key_is_explained(reader: Visit) -> None:
    """What it may have in it, and what was typed."""
    answer = reader.post("/access/keys", "/access", name="<b>", role="viewer", sees="all")
    assert said(answer).startswith("Так ключ назвать нельзя.")
