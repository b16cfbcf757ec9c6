"""The page of creatives: its figures are those of the marts, and each row opens its own leads."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from datetime import date
from html import unescape
from io import StringIO
from typing import Any

import pytest

from tests.conftest import Server
from tests.integration.web.pages.test_figures_pages import ALL, ENGLISH, numbers, of_marts, rows_of
from tests.support.installation import execute
from tests.support.servers.pages_site import PagesSite, Visit, pages_site, text_of


@pytest.fixture(scope="module")
def site(server: Server) -> Iterator[PagesSite]:
    """One for all tests of the module, which change nothing in it but names."""
    with pages_site(server, entities=80) as opened:
        yield opened


def path(site: PagesSite) -> str:
    """Where the page is."""
    return f"/p/{site.portal}/creatives"


@pytest.mark.parametrize("entity_type", ["deal", "lead"])
def test_creatives_are_those_of_the_marts(site: PagesSite, visit: Visit, entity_type: str) -> None:
    """Row by row: leads, matched, qualified and won; revenue by currency, never added up.

    Key stages that no direction has take no room.
    """
    shown = rows_of(visit.get(path(site), of=entity_type, sort="leads", **ALL).text, "table")
    expected = of_marts(
        site,
        "select * from analytics.creative_stats where portal = %s and entity_type = %s"
        " order by leads desc, coalesce(creative_name, ''), coalesce(direction_name, '')",
        entity_type,
    )
    assert len(expected) > 5
    key_stages = of_marts(
        site,
        "select distinct key_stage_index from analytics.key_stage_stats where portal = %s and entity_type = %s",
        entity_type,
    )
    assert len(key_stages) == {"deal": 3, "lead": 2}[entity_type]
    won = 6 + len(key_stages)
    assert [[row[2], row[3], row[4], row[won]] for row in shown] == numbers(
        expected, "leads", "matched", "qualified", "won"
    )
    currencies = sorted({currency for row in expected for currency in row["revenue_by_currency"]})
    assert currencies
    for cells, row in zip(shown, expected, strict=True):
        amounts = [
            ENGLISH.money(row["revenue_by_currency"][one], one) if one in row["revenue_by_currency"] else ""
            for one in currencies
        ]
        assert cells[won + 1 : -1] == [" ".join(amount.split()) for amount in amounts]
        closed = row["won"] + row["lost"]
        assert cells[-1] == ENGLISH.percent(row["won"] / closed if closed else None)
        assert cells[5] == ENGLISH.percent(row["qualified"] / row["matched"] if row["matched"] else None)


def test_own_leads_that_became_the_other_kind_are_told(site: PagesSite, visit: Visit) -> None:
    """Where none became a deal and some a lead, the page says so and leads there; else it says nothing of it."""
    told = "No own lead became a deal"
    assert told not in visit.get(path(site), of="deal", **ALL).text
    leads = visit.get(path(site), of="lead", **ALL).text
    became = sum(int(row[3]) for row in rows_of(leads, "table"))
    execute(site.warehouse, "create table kept_stats as table analytics.creative_stats")
    try:
        execute(site.warehouse, "update analytics.creative_stats set matched = 0 where entity_type = 'deal'")
        page = visit.get(path(site), of="deal", **ALL)
        assert f"{told}; {became} became leads." in text_of(page.text)
        (link,) = re.findall(r'href="([^"]*)">Count leads<', page.text)
        assert rows_of(visit.get(f"{path(site)}{unescape(link)}").text, "table") == rows_of(leads, "table")
        assert told not in visit.get(path(site), of="lead", **ALL).text
    finally:
        execute(
            site.warehouse,
            "delete from analytics.creative_stats; insert into analytics.creative_stats table kept_stats",
        )


def test_key_stages_are_those_of_the_mart(site: PagesSite, visit: Visit) -> None:
    """By creative and direction; of a chosen direction, under their names."""
    (direction,) = of_marts(
        site,
        "select distinct direction_id, direction_name from analytics.key_stage_stats where portal = %s"
        " and direction_name = 'spring'",
    )
    page = visit.get(path(site), direction=str(direction["direction_id"]), of="deal", **ALL).text
    reached = of_marts(
        site,
        "select coalesce(creative_name, 'without a creative') as name, key_stage_index as place, status_name,"
        " sum(reached)::bigint as reached from analytics.key_stage_stats"
        " where portal = %s and direction_name = 'spring' group by 1, 2, 3",
    )
    shown = {row[0]: row for row in rows_of(page, "table")}
    for row in reached:
        assert shown[row["name"]][5 + row["place"]] == ENGLISH.number(row["reached"])
        assert row["status_name"] in text_of(page)
    assert reached


@pytest.mark.parametrize("by", ["creative", "campaign"])
def test_days_and_campaigns_are_those_of_the_function(site: PagesSite, visit: Visit, by: str) -> None:
    """Own leads of some days alone, and what nothing has come from is left out."""
    days = {"from": "2026-01-31", "to": "2026-02-10"}
    shown = rows_of(visit.get(path(site), by=by, of="deal", **days).text, "table")
    expected = of_marts(
        site,
        "select * from analytics.creatives_of(%s, 'deal', '2026-01-31', '2026-02-10', by => %s) where leads > 0"
        " order by leads desc, coalesce(creative_name, utm_campaign, ''), coalesce(direction_name, '')",
        by,
    )
    assert [[row[2], row[3], row[4], row[9]] for row in shown] == numbers(
        expected, "leads", "matched", "qualified", "won"
    )
    assert expected


def test_columns_are_sorted_by_links(site: PagesSite, visit: Visit) -> None:
    """Up and down; rows without a value come last; an unknown column is as none."""
    for name, place in (("qualified", 4), ("won", 9), ("matched", 3)):
        for way in ("up", "down"):
            ordered = visit.get(path(site), sort=name, way=way, **ALL).text
            found = [int(row[place]) for row in rows_of(ordered, "table")]
            assert found == sorted(found, reverse=way == "down")
            assert 'aria-sort="' + ("ascending" if way == "up" else "descending") in ordered
    rates = [row[5] for row in rows_of(visit.get(path(site), sort="rate", way="up", **ALL).text, "table")]
    assert rates.index("–") == len(rates) - rates.count("–")
    assert visit.get(path(site), sort="revenue-XYZ", **ALL).status_code == 200
    assert visit.get(path(site), sort="<script>", **ALL).status_code == 200


@pytest.mark.parametrize(("language", "delimiter", "point"), [("en", ",", "."), ("ru", ";", ",")])
def test_the_file_has_what_is_shown(
    site: PagesSite, visit: Visit, language: str, delimiter: str, point: str
) -> None:
    """The same rows in the same order, exact, as the spreadsheet of the language reads them."""
    given = {"of": "deal", "sort": "matched", "way": "up", "lang": language, **ALL}
    shown = rows_of(visit.get(path(site), **given | {"lang": "en"}).text, "table")
    answer = visit.get(f"{path(site)}/csv", **given)
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert "attachment" in answer.headers["content-disposition"]
    lines = list(csv.reader(StringIO(answer.content.decode("utf-8-sig")), delimiter=delimiter))
    assert [line[2:5] for line in lines[1:]] == [row[2:5] for row in shown]
    rates = [line[5] for line in lines[1:] if line[5]]
    assert all(re.fullmatch(rf"\d+{re.escape(point)}\d\d", rate) for rate in rates)
    assert sum(title.endswith(", %") for title in lines[0]) == 2


def test_each_row_opens_its_stages_and_own_leads(site: PagesSite, visit: Visit) -> None:
    """The distribution is that of creative_funnel_stats, and there are as many own leads as the row says."""
    page = visit.get(path(site), of="deal", **ALL).text
    links = [
        unescape(link)
        for link in re.findall(r'href="([^"]*/creatives/one[^"]*)"', page.partition("<tbody>")[2])
    ]
    shown = rows_of(page, "table")
    assert len(links) == len(shown)
    for link, row in zip(links, shown, strict=True):
        found = re.findall(r"Own leads: (\d+)", text_of(visit.get(link).text))
        assert found == ([row[2]] if row[2] != "0" else [])
    row = next(row for row in shown if row[0] == "video" and row[3] != "0")
    link = links[shown.index(row)]
    opened = visit.get(link).text
    expected = of_marts(
        site,
        "select category_id, status_id, count, qualified, percentage from analytics.creative_funnel_stats"
        " where portal = %s and entity_type = 'deal' and creative_name = 'video'"
        " and direction_name is not distinct from nullif(%s, '')"
        " order by category_id, status_sort nulls last, status_id",
        row[1],
    )
    standing = {(one["category_id"]) for one in expected if one["count"]}
    wanted = [one for one in expected if one["category_id"] in standing]
    cells = [line for place in range(1, len(standing) + 1) for line in rows_of(opened, f"stages-{place}")]
    assert [[line[2], line[4]] for line in cells] == numbers(wanted, "count", "qualified")
    assert [line[3] for line in cells] == [ENGLISH.percent(one["percentage"] / 100) for one in wanted]
    assert "fill=" in opened


def test_the_list_says_how_each_was_matched(site: PagesSite, visit: Visit) -> None:
    """Or why it was not; fifty a page."""
    execute(
        site.warehouse,
        "insert into lead_matches (lead_id, user_account_id, method, matched_phone, chosen_because, matched_at,"
        " bitrix24_deal_id, unmatched_reason)"
        " select id, user_account_id, case when bitrix24_deal_id is not null then 'contact_phone' end, '+79990000001',"
        " case when bitrix24_deal_id is not null then 'newest_open_deal' end,"
        " case when bitrix24_deal_id is not null then now() end, bitrix24_deal_id,"
        " case when bitrix24_deal_id is null then 'not_found' end from leads on conflict do nothing",
    )
    page = visit.get(f"{path(site)}/one", by="campaign", of="deal", **ALL)
    shown = text_of(page.text)
    assert "by the phone of a contact +79990000001 the newest open deal" in shown
    assert "nobody in the CRM has the phone" in shown
    assert "/crm/deal/details/" in page.text


def test_hostile_names_stay_names(site: PagesSite, visit: Visit) -> None:
    """In the page, in the chart, in the list and in the file."""
    hostile = "=cmd|'/c calc'!A1<script>alert(1)</script>\"\u202e" + "x" * 180
    creative, direction = f"{hostile}1", f"{hostile}2"
    execute(site.warehouse, "update creatives set name = %s where name = 'video'", creative)
    execute(site.warehouse, "update account_directions set name = %s where name = 'spring'", direction)
    execute(
        site.warehouse, "update leads set name = %s, phone = %s, utm_campaign = %s", hostile, hostile, hostile
    )
    site.build()
    for by in ("creative", "campaign"):
        listed = visit.get(path(site), by=by, of="deal", **ALL).text
        link = unescape(re.findall(r'href="([^"]*/creatives/one[^"]*)"', listed.partition("<tbody>")[2])[0])
        for text in (listed, visit.get(link).text):
            assert "<script>alert" not in text
            assert "&lt;script&gt;alert(1)" in text
        lines = list(
            csv.reader(
                StringIO(visit.get(f"{path(site)}/csv", by=by, of="deal", **ALL).content.decode("utf-8-sig"))
            )
        )
        assert not any(cell.startswith("=") for line in lines for cell in line)
    assert visit.get(path(site), direction="x", **ALL).status_code == 422


def test_days_without_own_leads_say_so(site: PagesSite, visit: Visit) -> None:
    """And where to find some."""
    given: dict[str, Any] = {"from": date(2030, 1, 1), "to": date(2030, 1, 2)}
    assert "No own lead was left in these days" in text_of(visit.get(path(site), **given).text)
    assert visit.get(f"{path(site)}/one", **given).status_code == 200
