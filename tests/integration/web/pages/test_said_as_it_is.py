"""Figures and states by names that say what they are: deleted stages, own leads, currencies, comparisons."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from tests.conftest import Server
from tests.integration.web.pages.test_figures_pages import ALL, rows_of
from tests.support.installation import execute
from tests.support.servers.pages_site import PagesSite, Visit, pages_site, text_of


@pytest.fixture(scope="module")
def site(server: Server) -> Iterator[PagesSite]:
    """One for all tests of the module, with a stage that the portal has deleted, which was compared."""
    with pages_site(server, entities=60) as opened:
        execute(
            opened.warehouse,
            "update bitrix24_pipeline_stages set deleted_at = now(), loaded_at = clock_timestamp()"
            " where entity_type = 'deal' and category_id = 0 and status_id = 'C0:S1'",
        )
        execute(
            opened.warehouse,
            "insert into reconciliation (user_account_id, checked_at, entity_type, category_id, status_id,"
            " portal_count, our_count, rows_compared, is_equal, is_explained, is_repaired,"
            " missing_ids, surplus_ids, differing_ids,"
            " explanation) select id, now(), 'deal', 0, 'C0:S1', 1, 2, 1, false, true, false, '{}', '{}', '{}',"
            " '1 changed in the portal since the sync: ids 7' from user_accounts where name = %s",
            opened.portal,
        )
        execute(
            opened.warehouse,
            "insert into bitrix24_sync_log (user_account_id, entity_type, sync_type, sync_status, finished_at)"
            " select id, 'status', 'pipelines', 'success', now() from user_accounts where name = %s",
            opened.portal,
        )
        opened.build()
        yield opened


@pytest.fixture
def visit(site: PagesSite) -> Iterator[Visit]:
    """Somebody who reads Russian."""
    with site.visit() as visit:
        visit.client.headers["Accept-Language"] = "ru"
        yield visit


@pytest.mark.parametrize("path", ["funnel", "cohorts", "speed", "flow", "trust"])
def test_a_deleted_stage_is_said_to_be_one(site: PagesSite, visit: Visit, path: str) -> None:
    """Wherever its figures stand: its name alone, or its code, would be a riddle."""
    page = visit.get(f"/p/{site.portal}/{path}", pipeline="deal-0", **ALL).text
    page = page.partition("<main")[2]
    assert re.search(r"C0:S1\s*(<span class=\"badge\">удалена|\(удалена\))", page)
    assert not re.search(r"C0:S2\s*(<span class=\"badge\">удалена|\(удалена\))", page)


def test_the_page_of_trust_is_in_the_language_of_its_reader(site: PagesSite, visit: Visit) -> None:
    """What a comparison found, and what was synced."""
    shown = text_of(visit.get(f"/p/{site.portal}/trust").text)
    assert "Изменены на портале после синхронизации: 1 (номера 7)" in shown
    assert "changed in the portal" not in shown
    assert "Справочники" in shown
    assert " status " not in shown


def test_own_leads_have_become_what_is_counted(site: PagesSite, visit: Visit) -> None:
    """The same own leads have two figures, by deals and by leads: each says which it is."""
    execute(
        site.warehouse, "update user_accounts set bitrix24_entity_type = 'both' where name = %s", site.portal
    )
    for of, name, other in (
        ("deal", "Стали сделкой", "Стали лидом"),
        ("lead", "Стали лидом", "Стали сделкой"),
    ):
        page = visit.get(f"/p/{site.portal}/creatives", of=of, **ALL)
        head = text_of(page.text.partition("<thead>")[2].partition("</thead>")[0])
        assert name in head
        assert other not in head
        written = visit.get(f"/p/{site.portal}/creatives/csv", of=of, **ALL)
        assert name in written.content.decode("utf-8-sig").splitlines()[0]


def test_loaded_own_leads_wait_for_their_figures(site: PagesSite, visit: Visit) -> None:
    """Whoever has just loaded a file is not told to load one."""
    execute(
        site.warehouse,
        "insert into leads (user_account_id, name, phone, created_at)"
        " select id, 'Anna', '+79210000001', '1999-05-05' from user_accounts where name = %s",
        site.portal,
    )
    days = {"from": "1999-05-01", "to": "1999-05-31"}
    assert "ещё не посчитаны" in text_of(visit.get(f"/p/{site.portal}/creatives", **days).text)
    none = {"from": "1998-05-01", "to": "1998-05-31"}
    assert "ещё считаются" not in text_of(visit.get(f"/p/{site.portal}/creatives", **none).text)


def test_the_rows_of_revenue_name_their_currency(site: PagesSite, visit: Visit) -> None:
    """Two rows of a month and a pipeline would look alike; days have one digit behind the comma, as on People."""
    rows = rows_of(visit.get(f"/p/{site.portal}/revenue", **ALL).text, "velocity")
    assert rows
    assert {row[2] for row in rows} & {"RUB", "EUR", "USD"}
    assert len({tuple(row[:3]) for row in rows}) == len(rows)
    assert all(re.fullmatch(r"–|[\d\xa0]+(,\d)?", row[7]) for row in rows), rows
