"""Own leads by pages: the list with matches and reasons, and links that are set by hand."""

from __future__ import annotations

import re
from html import unescape

import pytest

from tests.integration.web.pages.test_figures_pages import rows_of
from tests.integration.web.pages.test_leads_page import STRANGE, leads_of, looked_at, manager, site, upload
from tests.support.data.model_data import add_stage
from tests.support.installation import execute, fetch
from tests.support.servers.pages_site import PagesSite, Visit, text_of

__all__ = ["manager", "site"]


@pytest.fixture
def own(site: PagesSite, manager: Visit) -> str:
    """An own lead that the phone of a contact leads to deal 1 of; deal 2 is another's."""
    execute(
        site.warehouse,
        "insert into bitrix24_contacts (user_account_id, id, phones) select id, 900001,"
        """ '[{"VALUE": "+79210000001"}]' from user_accounts where name = %s on conflict do nothing""",
        site.portal,
    )
    execute(
        site.warehouse,
        "update bitrix24_deals set contact_id = 900001, title = 'Deal <b>one</b>', deleted_at = null,"
        " is_recurring = false, loaded_at = clock_timestamp() where id = 1",
    )
    execute(site.warehouse, "update bitrix24_deals set deleted_at = null, is_recurring = false where id = 2")
    _, key = looked_at(manager, upload(manager, site, STRANGE.encode()))
    assert (
        manager.post(f"{leads_of(site)}/load", "/portals", upload=key, column=["name", "phone"]).status_code
        == 200
    )
    (row,) = fetch(site.warehouse, "select id from leads where name = 'Anna'")
    return str(row["id"])


def test_the_list_says_what_each_has_become(site: PagesSite, manager: Visit, own: str) -> None:
    """Or why nothing; found and not found ones apart, and searched by name and phone."""
    page = manager.get(leads_of(site)).text
    shown = {row[0]: row for row in rows_of(page, "own-leads")}
    assert set(shown) == {"Anna", "Boris"}
    assert re.fullmatch(r"Deal &lt;b&gt;one&lt;/b&gt; No\. \d+", shown["Anna"][4])
    assert "by the phone of a contact +79210000001" in shown["Anna"][6]
    assert shown["Boris"][6] == "nobody in the CRM has the phone"
    assert own in page
    for given, expected in (
        ({"linked": "yes"}, ["Anna"]),
        ({"linked": "no"}, ["Boris"]),
        ({"linked": "", "search": ""}, ["Anna", "Boris"]),
        ({"search": "bor"}, ["Boris"]),
        ({"search": "0000001"}, ["Anna"]),
    ):
        found = rows_of(manager.get(leads_of(site), **given).text, "own-leads")
        assert sorted(row[0] for row in found) == expected
    assert manager.get(leads_of(site), search="x" * 2001).status_code == 422
    assert "No own lead is like this" in manager.get(leads_of(site), search="%").text


def test_a_viewer_sees_no_phone_whole(site: PagesSite, manager: Visit, own: str) -> None:
    """Nor an e-mail, on any page of own leads, nor finds them out by searching; a manager sees both."""
    execute(
        site.warehouse,
        "update leads set email = 'anna@example.com', utm_campaign = 'spring', name = null where name = 'Anna'",
    )
    pages = (
        leads_of(site),
        f"{leads_of(site)}/one?lead={own}",
        f"/p/{site.portal}/creatives/one?by=campaign&campaign=spring&from=&to=",
    )
    with site.visit(site.key("Vera", "viewer")) as viewer:
        viewer.client.headers["Accept-Language"] = "en"
        for path in pages:
            whole, masked = manager.get(path).text, viewer.get(path).text
            assert "+79210000001" in whole, path
            assert "9210000001" not in masked.replace("-", "").replace(" ", ""), path
            assert "+7 *** ***-00-01" in text_of(masked), path
            assert "anna@" not in masked, path
        assert "anna@example.com" in manager.get(pages[1]).text
        assert "a***@example.com" in viewer.get(pages[1]).text
        for search, is_found in (("0000001", False), ("anna@", False), ("bor", True)):
            assert ("No own lead is like this" in manager.get(pages[0], search=search).text) is False
            assert ("No own lead is like this" in viewer.get(pages[0], search=search).text) is not is_found


def test_a_link_is_set_by_hand(site: PagesSite, manager: Visit, own: str) -> None:
    """By a number or the address of a card; unlinked; and left to the phone again. The audit says who did it."""
    path = f"{leads_of(site)}/one"
    page = f"{path}?lead={own}"
    assert "Deal &lt;b&gt;one" in manager.get(page).text
    card = f"https://{site.portals.one(site.portal).domain}/crm/deal/details/2/?any=1"
    for entity in ("2", "№2", " # 2 ", card):
        done = manager.post(path, page, lead=own, wanted="link", kind="deal", entity=entity)
        assert done.status_code == 303
        shown = text_of(manager.get(unescape(done.headers["location"])).text)
        assert "How it was matched, or why not by hand" in shown
        assert manager.post(path, page, lead=own, wanted="nothing").status_code == 303
        assert "somebody has unlinked it" in text_of(manager.get(page).text)
    assert manager.post(path, page, lead=own, wanted="by_phone").status_code == 303
    assert "by the phone of a contact" in text_of(manager.get(page).text)
    noted = fetch(
        site.warehouse,
        "select changed_by from bitrix24_audit where what = 'own lead link' and subject = %s",
        own,
    )
    assert [row["changed_by"] for row in noted] == ["Maria"] * 9


def test_what_cannot_be_linked_is_said(site: PagesSite, manager: Visit, own: str) -> None:
    """With what was typed; nothing changes."""
    path = f"{leads_of(site)}/one"
    for entity in ("99999999", "", "x" * 400, "https://evil.example/crm/deal/details/2/", "9" * 19, "<b>"):
        answer = manager.post(path, f"{path}?lead={own}", lead=own, kind="deal", entity=entity)
        assert answer.status_code == 422, entity
        assert 'role="alert"' in answer.text
        assert "<b>" not in answer.text.replace("&lt;b&gt;", "")
    assert "by the phone of a contact" in text_of(manager.get(f"{path}?lead={own}").text)
    assert manager.get(path).status_code == 400
    assert manager.post(path, "/portals", lead="", wanted="nothing").status_code == 400


def test_a_viewer_reads_the_list_alone(site: PagesSite, manager: Visit, own: str) -> None:
    """Without the form and the links to change."""
    with site.visit(site.key("Viktor", "viewer")) as viewer:
        viewer.client.headers["Accept-Language"] = "en"
        page = viewer.get(leads_of(site))
        assert page.status_code == 200
        assert "Anna" in page.text
        assert 'type="file"' not in page.text
        assert "leads/one" not in page.text
        one = viewer.get(f"{leads_of(site)}/one", lead=own).text
        assert 'name="wanted"' not in one
        assert viewer.get(f"{leads_of(site)}/upload", upload=own).status_code == 403


def test_a_stage_that_the_portal_has_deleted_is_marked(site: PagesSite, manager: Visit, own: str) -> None:
    """In the list, on the page of one, and beside what it could be linked to; its name stays."""

    def stages() -> list[str]:
        listed = {row[0]: row[5] for row in rows_of(manager.get(leads_of(site)).text, "own-leads")}
        one = manager.get(f"{leads_of(site)}/one", lead=own).text
        told = text_of(one.partition("<dt>Stage</dt>")[2].partition("</dd>")[0])
        return [listed["Anna"], told, rows_of(one, "candidates")[0][2]]

    assert set(stages()) == {"stage without a name, C0:S9 (deleted)"}
    with site.warehouse.connect() as connection:
        add_stage(connection, site.portals.one(site.portal).id, "C0:S9", 90)
    assert set(stages()) == {"Stage C0:S9"}
    execute(
        site.warehouse, "update bitrix24_pipeline_stages set deleted_at = now() where status_id = 'C0:S9'"
    )
    assert set(stages()) == {"Stage C0:S9 (deleted)"}
    execute(site.warehouse, "delete from bitrix24_pipeline_stages where status_id = 'C0:S9'")
