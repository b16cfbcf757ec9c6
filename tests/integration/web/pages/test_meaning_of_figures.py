"""What a number means stands beside it, in the same words on each page; a chart has a scale for all that it shows."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import date
from html import unescape
from typing import Any
from urllib.parse import parse_qsl

import pytest

from b24_pipeline.store.portals.portal import zone_name
from b24_pipeline.web.frame.colors import told_apart
from b24_pipeline.web.frame.formats import Formats
from b24_pipeline.web.frame.translations import translations
from tests.conftest import Server
from tests.integration.web.pages.test_figures_pages import ALL, of_marts, rows_of
from tests.support.installation import execute
from tests.support.servers.pages_site import PagesSite, Visit, pages_site, text_of

RATE = "Win rate = won ÷ (won + lost); open ones are not in it."


@pytest.fixture(scope="module")
def site(server: Server) -> Iterator[PagesSite]:
    """One for all tests of the module."""
    with pages_site(server) as opened:
        yield opened


def page(site: PagesSite, visit: Visit, name: str, **asked: str) -> str:
    """A page over all time."""
    answer = visit.get(f"/p/{site.portal}/{name}", **ALL | asked)
    assert answer.status_code == 200
    return answer.text


def charts(html: str) -> dict[str, Any]:
    """The options of each chart."""
    found = re.findall(r'<script type="application/json" id="chart-([^"]+)">(.*?)</script>', html, re.DOTALL)
    return {name: json.loads(options) for name, options in found}


@pytest.mark.parametrize(
    ("name", "meaning"),
    [
        ("funnel", "created in the period, and won or lost now"),
        ("flow", "each time one came into a won or lost stage in the period"),
        ("people", "closed in the period, and won or lost now"),
        ("revenue", "closed in the period, and won or lost now"),
        ("creatives", "own leads left in the period"),
    ],
)
@pytest.mark.parametrize("language", ["en", "ru"])
def test_a_page_says_what_won_and_lost_are(
    site: PagesSite, visit: Visit, name: str, meaning: str, language: str
) -> None:
    """The meanings differ, the words that say so do not; a win rate is defined where one is shown."""
    shown = text_of(page(site, visit, name, lang=language))
    texts = translations(language)
    sentence = next(
        one
        for one in map(str, translations("ru")._catalog)
        if one.startswith("Won and lost here:") and meaning in one
    )
    assert texts.gettext(sentence) in shown
    assert (texts.gettext(RATE) in shown) is (name not in ("funnel", "flow"))


@pytest.mark.parametrize(
    ("name", "pipeline", "question", "other"),
    [
        ("funnel", "deal-0", "what became of those created in these days", "revenue"),
        ("funnel", "lead-0", "what became of those created in these days", "people"),
        ("flow", "deal-0", "what happened on which day", "revenue"),
        ("people", "deal-0", "who won and lost how many in these days", "funnel"),
        ("revenue", "deal-0", "the numbers to quote for a period", "funnel"),
        ("creatives", "", "what the advertising of these days has brought", "revenue"),
    ],
)
def test_a_page_says_which_question_its_won_ones_answer(
    site: PagesSite, visit: Visit, name: str, pipeline: str, question: str, other: str
) -> None:
    """With a link to the page that answers the other one, of the same days and the same pipeline."""
    days = {"from": "2000-01-01", "to": "2030-12-31"}
    asked = days | ({"pipeline": pipeline} if pipeline else {})
    shown = page(site, visit, name, **asked)
    (said,) = re.findall(r'<p class="soft" id="answers">(.*?)</p>', shown, re.DOTALL)
    assert question in text_of(said)
    (address,) = re.findall(r'href="([^"]+)"', said)
    path, _, query = unescape(address).partition("?")
    assert path == f"/p/{site.portal}/{other}"
    assert dict(parse_qsl(query)) == asked
    assert visit.client.get(unescape(address)).status_code == 200


@pytest.mark.parametrize("definition", ["standard", "implied", "strict"])
def test_what_the_definition_does_not_count_is_said(site: PagesSite, visit: Visit, definition: str) -> None:
    """Qualified and there now are of all who were there: where another definition is chosen, the page says so."""
    shown = text_of(page(site, visit, "funnel", definition=definition))
    assert ("Qualified of all who were there" in shown) is (definition != "standard")
    assert ("So these can be larger than reached." in shown) is (definition != "standard")


def test_a_number_has_a_list_where_the_list_has_those_that_it_counts(site: PagesSite, visit: Visit) -> None:
    """Of whom another definition counts there is none: the list is of those who have really been there."""
    for definition, is_listed in (("standard", True), ("implied", False), ("strict", False)):
        shown = page(site, visit, "funnel", pipeline="deal-0", definition=definition)
        table = shown[shown.index('id="table"') :]
        assert ("who=all" in table) is is_listed, definition


def test_the_money_of_what_is_won_stands_beside_its_number(site: PagesSite, visit: Visit) -> None:
    """A currency a line, as the rows of sources add up to."""
    shown = page(site, visit, "revenue", lang="en")
    amount = re.search(r"Their amount, by currency</dt><dd>(.*?)</dd>", shown, re.DOTALL)
    assert amount
    sums = of_marts(
        site,
        "select coalesce(currency_id, 'XXX') as currency, sum(opportunity) as amount from analytics.fct_deal"
        " where portal = %s and is_won group by 1",
    )
    written = Formats("en")
    expected = {written.money(row["amount"], row["currency"]) for row in sums if row["amount"]}
    assert expected <= {unescape(line.strip()) for line in amount[1].split("<br>")}


def test_the_amounts_of_won_leads_are_no_revenue(site: PagesSite, visit: Visit) -> None:
    """They are what was expected; what was won is in the deals."""
    of_leads = text_of(page(site, visit, "people", pipeline="lead-0", lang="en"))
    of_deals = text_of(page(site, visit, "people", pipeline="deal-0", lang="en"))
    assert "Expected in won leads" in of_leads
    assert "what was really won is in the deals" in of_leads
    assert "Expected in won leads" not in of_deals


def test_each_currency_has_a_scale_of_its_own(site: PagesSite, visit: Visit) -> None:
    """The account's currency first; no chart has two scales, and none is hidden."""
    shown = charts(page(site, visit, "revenue"))
    currencies = of_marts(
        site, "select distinct currency_id from analytics.won_revenue_daily where portal = %s"
    )
    own = of_marts(site, "select currency_id from analytics.dim_currency where portal = %s and is_base")
    assert {f"revenue-{one['currency_id']}" for one in currencies} == set(shown)
    assert len(shown) > 1
    if own and f"revenue-{own[0]['currency_id']}" in shown:
        assert next(iter(shown)) == f"revenue-{own[0]['currency_id']}"
    for options in shown.values():
        assert options["yAxis"] == {"type": "value"}
        assert len(options["series"]) == 1


@pytest.mark.parametrize("language", ["en", "ru"])
def test_days_of_a_chart_are_written_as_those_of_the_table(
    site: PagesSite, visit: Visit, language: str
) -> None:
    """Not as a program writes them."""
    formats = Formats(language)
    flow = page(site, visit, "flow", step="month", lang=language)
    days = charts(flow)["flow"]["xAxis"]["data"]
    assert [row[0] for row in rows_of(flow, "table")] == [" ".join(day.split()) for day in days[::-1]]
    assert " ".join(formats.month(date(2026, 9, 1)).split()) in ("Sep 2026", "сент. 2026 г.")
    by_day = charts(page(site, visit, "flow", step="day", lang=language))["flow"]["xAxis"]["data"]
    assert not [day for day in by_day if re.fullmatch(r"\d{4}-\d\d-\d\d", day)]


def test_the_chart_of_people_has_a_legend(site: PagesSite, visit: Visit) -> None:
    """Without one nobody knows which colour is won."""
    assert charts(page(site, visit, "people"))["people"]["legend"] == {"bottom": 0}


def test_stages_of_one_colour_are_told_apart() -> None:
    """A portal may have painted all of its stages in one blue; a colour of its own stays."""
    blue, nearly, red = "#47d1e2", "#47d0e8", "#d0525a"
    colors = told_apart([blue, nearly, blue, None, red])
    assert colors[0] == blue
    assert colors[4] == red or colors[4] not in colors[:4]
    assert len(set(colors)) == 5
    assert nearly not in colors


def test_stages_of_the_flow_differ_in_colour(site: PagesSite, visit: Visit) -> None:
    """On the page too."""
    execute(site.warehouse, "update bitrix24_pipeline_stages set status_color = '#39A8EF'")
    site.build()
    series = charts(page(site, visit, "flow"))["flow"]["series"]
    assert len(series) > 2
    assert len({one["color"] for one in series}) == len(series)


@pytest.mark.parametrize(
    ("zone", "written"),
    [
        ("Etc/GMT-3", "UTC+3"),
        ("Etc/GMT+5", "UTC-5"),
        ("Etc/GMT", "UTC"),
        ("Etc/GMT-0", "UTC"),
        ("Europe/Moscow", "Europe/Moscow"),
    ],
)
def test_an_offset_is_written_as_people_do(zone: str, written: str) -> None:
    """The sign of POSIX is turned."""
    assert zone_name(zone) == written


def test_the_portals_page_writes_the_offset(site: PagesSite, visit: Visit) -> None:
    """Where a portal's zone is only an offset."""
    execute(site.warehouse, "update user_accounts set bitrix24_time_zone = 'Etc/GMT-3'")
    shown = text_of(visit.get("/portals").text)
    execute(site.warehouse, "update user_accounts set bitrix24_time_zone = 'UTC'")
    assert "UTC+3" in shown
    assert "Etc/GMT" not in shown


def test_templates_of_recurring_deals_are_named_on_trust(site: PagesSite, visit: Visit) -> None:
    """Why the table of deals has more rows than the portal counts."""
    account = site.portals.one(site.portal).id
    execute(
        site.warehouse, "update bitrix24_deals set is_recurring = null where user_account_id = %s", account
    )
    assert "recurring" not in page(site, visit, "trust")
    execute(
        site.warehouse,
        "update bitrix24_deals set is_recurring = true where user_account_id = %s and deleted_at is null"
        " and id in (select id from bitrix24_deals where user_account_id = %s and deleted_at is null limit 3)",
        account,
        account,
    )
    execute(
        site.warehouse,
        "insert into reconciliation (user_account_id, entity_type, category_id, status_id, portal_count, our_count,"
        " is_equal, is_explained) select user_account_id, entity_type, category_id, status_id, 1, 1, true, true"
        " from bitrix24_pipeline_stages where user_account_id = %s",
        account,
    )
    shown = text_of(page(site, visit, "trust"))
    assert "3 deals of the tables are templates of recurring deals" in shown
    assert shown.count("not summed") == 1


def test_an_address_without_https_is_said_where_no_event_came(site: PagesSite, visit: Visit) -> None:
    """A portal that is connected by an application, and cannot reach us; one read by a webhook address never sends."""
    execute(site.warehouse, "delete from bitrix24_webhook_events")
    execute(site.warehouse, "update user_accounts set bitrix24_refresh_token = null")
    assert "B24_PUBLIC_URL" not in page(site, visit, "trust")
    execute(site.warehouse, "update user_accounts set bitrix24_refresh_token = 'locked'")
    shown = page(site, visit, "trust")
    assert "this service has none" in text_of(shown)
    assert "B24_PUBLIC_URL" in shown.partition('<details class="operator">')[2].partition("</details>")[0]


def test_a_removed_stage_keeps_the_name_that_it_had_last(site: PagesSite, visit: Visit) -> None:
    """Marked, on each page that shows one; where no name was ever read, that is said beside its code."""
    execute(site.warehouse, "update bitrix24_pipeline_stages set deleted_at = null")
    site.build()
    before = page(site, visit, "speed")
    assert "Stage C0:S1" in [row[1] for row in rows_of(before, "stuck")]
    assert "stage without a name, C0:S9 (deleted)" in [row[0] for row in rows_of(before, "table")]
    execute(site.warehouse, "update bitrix24_pipeline_stages set deleted_at = now()")
    site.build()
    after = rows_of(page(site, visit, "speed"), "stuck")
    assert "Stage C0:S1 (deleted)" in [row[1] for row in after]
    assert all(row[1].endswith(" (deleted)") for row in after)
    unnamed = {"en": "stage without a name", "ru": "стадия без названия"}
    for name, asked in {
        "funnel": {},
        "funnel/stage": {"stage": "C0:S1", "who": "all"},
        "cohorts": {},
        "flow": {},
        "speed": {},
        "creatives/one": {"by": "campaign"},
    }.items():
        for language, mark in (("en", "deleted"), ("ru", "удалена")):
            shown = page(site, visit, name, pipeline="deal-0", lang=language, **asked)
            stages = re.findall(r"Stage \w+:S\d+(?: \(\w+\))?", text_of(shown))
            assert stages, name
            assert {stage.partition("(")[2] for stage in stages} == {f"{mark})"}, name
            assert not re.search(rf"(?<!{unnamed[language]}, )C0:S9", text_of(shown)), name
