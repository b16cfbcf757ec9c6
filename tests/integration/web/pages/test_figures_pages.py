"""Every figure on a page is that of the marts."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from b24_pipeline.web.frame.formats import Formats
from tests.conftest import Server
from tests.support.installation import execute, fetch
from tests.support.servers.pages_site import PagesSite, Visit, pages_site, text_of

ALL = {"from": "", "to": ""}
ENGLISH = Formats("en")


@pytest.fixture(scope="module")
def site(server: Server) -> Iterator[PagesSite]:
    """One for all tests of the module, which change nothing in it but titles."""
    with pages_site(server, entities=80) as opened:
        yield opened


def rows_of(html: str, label: str) -> list[list[str]]:
    """The cells of the table in the region of this heading, row by row, as a person reads them."""
    (region,) = re.findall(rf'aria-labelledby="{label}">\s*<table.*?</table>', html, re.DOTALL)
    body = region.partition("<tbody>")[2]
    return [
        [text_of(cell) for cell in re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.DOTALL)]
        for row in re.findall(r"<tr>(.*?)</tr>", body, re.DOTALL)
    ]


def of_marts(site: PagesSite, query: str, *given: Any) -> list[dict[str, Any]]:
    """Rows of the marts, of the site's portal first."""
    return fetch(site.warehouse, query, site.portal, *given)


def numbers(rows: Sequence[dict[str, Any]], *names: str) -> list[list[str]]:
    """Columns as the page writes them."""
    return [[ENGLISH.number(row[name]) for name in names] for row in rows]


@pytest.mark.parametrize("pipeline", ["deal-0", "deal-1", "lead-0"])
@pytest.mark.parametrize(
    ("definition", "column"),
    [("standard", "reached"), ("implied", "reached_implied"), ("strict", "reached_strict")],
)
def test_the_funnel_is_that_of_the_marts(
    site: PagesSite, visit: Visit, pipeline: str, definition: str, column: str
) -> None:
    """Stage by stage: reached by each definition, qualified, who is there, and the conversion."""
    entity_type, category = pipeline.split("-")
    page = visit.get(f"/p/{site.portal}/funnel", pipeline=pipeline, definition=definition, **ALL).text
    expected = of_marts(
        site,
        f"select f.*, {column} as counted, s.is_deleted, s.is_fail_stage"
        " from analytics.funnel_of(%s, %s, pipeline => %s) as f"
        " join analytics.dim_stage as s on s.portal = %s and s.entity_type = %s"
        " and s.category_id = f.category_id and s.status_id = f.status_id"
        " where f.reached > 0 or f.in_stage > 0 or not s.is_deleted"
        " order by f.status_sort nulls last, f.status_id",
        entity_type,
        int(category),
        site.portal,
        entity_type,
    )
    assert len(expected) > 3
    shown = rows_of(page, "table")
    assert [[row[1], row[4], row[5]] for row in shown] == numbers(
        expected, "counted", "qualified", "in_stage"
    )
    shares = [
        ENGLISH.percent(row["counted"] / row["entered"] if row["entered"] else None) for row in expected
    ]
    assert [row[2] for row in shown] == shares
    if definition == "standard":
        stats = of_marts(
            site,
            "select * from analytics.funnel_stats where portal = %s and entity_type = %s and category_id = %s",
            entity_type,
            int(category),
        )
        by_stage = {row["status_id"]: row for row in stats}
        # losing is no step of the way
        previous = [
            None if row["is_fail_stage"] else by_stage[row["status_id"]]["conversion_from_previous"]
            for row in expected
        ]
        assert [row[3] for row in shown] == [ENGLISH.percent(share) for share in previous]
        medians = [by_stage[row["status_id"]]["median_seconds"] for row in expected]
        assert [row[7] for row in shown] == [ENGLISH.duration(seconds) for seconds in medians]


@pytest.mark.parametrize("who", ["there", "all"])
def test_behind_each_number_of_the_funnel_are_so_many(site: PagesSite, visit: Visit, who: str) -> None:
    """The list of a stage has as many lines as the number that leads to it."""
    page = visit.get(f"/p/{site.portal}/funnel", pipeline="deal-0", **ALL).text
    place = {"there": 5, "all": 1}[who]
    stages = of_marts(
        site,
        "select status_id from analytics.funnel_stats where portal = %s and entity_type = 'deal' and category_id = 0"
        " and (reached > 0 or not is_deleted) order by status_sort nulls last, status_id",
    )
    shown = rows_of(page, "table")
    assert len(shown) == len(stages)
    for stage, row in zip(stages, shown, strict=True):
        listed = visit.get(
            f"/p/{site.portal}/funnel/stage", pipeline="deal-0", stage=stage["status_id"], who=who, **ALL
        ).text
        assert f"{row[place]}" in re.findall(r"(?:There now|All who were there): (\d+)", text_of(listed))
        cards = re.findall(r'href="(https?://[^"]+)/crm/deal/details/(\d+)/"', listed)
        assert len(cards) == int(row[place])
        for _, number in cards:
            assert re.search(rf"(No\.|deal) {number}\b", text_of(listed))


def test_the_numbers_of_the_funnel_add_up(site: PagesSite, visit: Visit) -> None:
    """Whoever entered the pipeline is open, won or lost in it, or went on in another one, which is said."""
    page = visit.get(f"/p/{site.portal}/funnel", pipeline="deal-1", **ALL).text
    figures = dict(re.findall(r"<dt>(.*?)</dt><dd[^>]*>(\d+)</dd>", page))
    entered = int(figures.pop("Entered the pipeline"))
    assert int(figures["Went on in another pipeline"]) > 0
    assert entered == sum(map(int, figures.values()))


@pytest.mark.parametrize("entity", ["lead", "deal"])
def test_campaigns_to_choose_from_begin_with_the_largest(site: PagesSite, visit: Visit, entity: str) -> None:
    """Those that have brought somebody who is counted, by how many they have brought."""
    page = visit.get(f"/p/{site.portal}/funnel", pipeline=f"{entity}-0", **ALL).text
    (field,) = re.findall(r'<select name="campaign".*?</select>', page, re.DOTALL)
    counted = of_marts(
        site,
        "select utm_campaign from analytics.utm_funnel_stats where portal = %s and entity_type = %s"
        " and utm_campaign is not null group by utm_campaign having sum(count) > 0"
        " order by sum(count) desc, utm_campaign",
        entity,
    )
    assert len(counted) > 1
    assert re.findall(r'<option value="([^"]+)"', field) == [row["utm_campaign"] for row in counted]


def test_cohorts_are_those_of_the_mart(site: PagesSite, visit: Visit) -> None:
    """Month by month and age by age, unripe ones marked."""
    page = visit.get(
        f"/p/{site.portal}/cohorts", pipeline="deal-0", stage="C0:S2", definition="implied", **ALL
    )
    expected = of_marts(
        site,
        "select * from analytics.funnel_cohort where portal = %s and entity_type = 'deal' and category_id = 0"
        " and status_id = 'C0:S2' and definition = 'implied' order by cohort_month desc, age_days nulls last",
    )
    shown = rows_of(page.text, "table")
    cells = [cell for row in shown for cell in row[2:]]
    assert cells == [
        ENGLISH.percent(row["conversion"]) + ("" if row["is_mature"] else " *") for row in expected
    ]
    assert cells


@pytest.mark.parametrize("step", ["day", "week", "month"])
def test_the_flow_is_that_of_the_mart(site: PagesSite, visit: Visit, step: str) -> None:
    """What came and went, summed over the steps, is what it is by day."""
    page = visit.get(f"/p/{site.portal}/flow", pipeline="deal-0", step=step, **ALL).text
    (total,) = of_marts(
        site,
        "select sum(created)::bigint as new, sum(won)::bigint as won, sum(lost)::bigint as lost"
        " from analytics.funnel_daily where portal = %s and entity_type = 'deal' and category_id = 0",
    )
    shown = text_of(page)
    assert f"New {total['new']} Won {total['won']} Lost {total['lost']}" in shown


def test_revenue_is_that_of_the_mart(site: PagesSite, visit: Visit) -> None:
    """Booked and taken back by month and currency; no two currencies are added up."""
    shown = rows_of(visit.get(f"/p/{site.portal}/revenue", **ALL).text, "months")
    expected = of_marts(
        site,
        "select date_trunc('month', day)::date as month, currency_id, sum(booked_deals)::bigint as booked,"
        " sum(booked_amount) as amount, sum(reversed_deals)::bigint as reversed, sum(net_amount) as net"
        " from analytics.won_revenue_daily where portal = %s group by 1, 2 order by 1 desc, 6 desc, 2",
    )
    assert expected
    assert [[row[1], row[2], row[3], row[5], row[6]] for row in shown] == [
        [
            ENGLISH.number(row["booked"]),
            " ".join(ENGLISH.money(row["amount"], row["currency_id"]).split()),
            ENGLISH.number(row["reversed"]),
            ENGLISH.number(row["booked"] - row["reversed"]),
            " ".join(ENGLISH.money(row["net"], row["currency_id"]).split()),
        ]
        for row in expected
    ]


@pytest.mark.parametrize(
    ("by", "origin"),
    [("source", "coalesce(source_name, source_id)"), ("campaign", "nullif(utm_campaign, '')")],
)
def test_revenue_is_told_by_what_deals_came_from(site: PagesSite, visit: Visit, by: str, origin: str) -> None:
    """Every deal that is won, once, at its source or campaign and in its currency."""
    shown = rows_of(visit.get(f"/p/{site.portal}/revenue", by=by, **ALL).text, "origins")
    expected = of_marts(
        site,
        f"select {origin} as origin, currency_id, count(*) as won, sum(opportunity) as amount"
        " from analytics.fct_deal where portal = %s and is_won group by 1, 2 order by 3 desc, 1, 2",
    )
    assert len({row["origin"] for row in expected}) >= {"source": 1, "campaign": 2}[by]
    assert [row[:3] for row in shown] == [
        [
            row["origin"] or f"without a {by}",
            ENGLISH.number(row["won"]),
            " ".join(ENGLISH.money(row["amount"], row["currency_id"]).split()),
        ]
        for row in expected
    ]


def test_stages_take_the_time_of_the_visits(site: PagesSite, visit: Visit) -> None:
    """The medians of all time are those of funnel_stats; the stuck ones those of more than twice it."""
    page = visit.get(f"/p/{site.portal}/speed", pipeline="deal-0", **ALL).text
    expected = of_marts(
        site,
        "select median_seconds from analytics.funnel_stats where portal = %s and entity_type = 'deal'"
        " and category_id = 0 and median_seconds is not null order by status_sort nulls last, status_id",
    )
    assert [row[2] for row in rows_of(page, "table")] == [
        ENGLISH.duration(row["median_seconds"]) for row in expected
    ]
    since = {"pipeline": "deal-0", "from": "2000-01-01", "to": ""}
    counted_anew = visit.get(f"/p/{site.portal}/speed", **since).text
    assert rows_of(counted_anew, "table") == rows_of(page, "table")
    (stuck,) = of_marts(
        site,
        "select count(*) as deals from analytics.fct_deal as d"
        " join analytics.funnel_stats as f using (portal, entity_type, category_id, status_id)"
        " where portal = %s and category_id = 0 and d.is_open"
        " and extract(epoch from now() - d.stage_entered_at) > 2 * f.median_seconds",
    )
    assert stuck["deals"] > 0
    assert f"twice the median: {stuck['deals']}" in text_of(page)


def test_people_are_those_of_the_function(site: PagesSite, visit: Visit) -> None:
    """Person by person: open, won and lost."""
    shown = rows_of(visit.get(f"/p/{site.portal}/people", pipeline="deal-0", **ALL).text, "table")
    expected = of_marts(site, "select * from analytics.people_of(%s, 'deal', pipeline => 0)")
    assert [[row[2], row[4], row[5]] for row in shown] == numbers(expected, "open", "won", "lost")
    assert expected


@pytest.mark.parametrize(("sort", "way"), [("won", "down"), ("revenue", "up"), ("nonsense", "down")])
def test_the_table_of_people_says_how_it_is_sorted(
    site: PagesSite, visit: Visit, sort: str, way: str
) -> None:
    """One column is marked, for those too who do not see the page; a column that is not there is the usual one."""
    page = visit.get(f"/p/{site.portal}/people", pipeline="deal-0", sort=sort, way=way, **ALL).text
    (marked,) = re.findall(r'<th scope="col" class="number" aria-sort="(\w+)"><a [^>]*>([^<]+)<', page)
    assert marked == (
        {"up": "ascending", "down": "descending"}[way],
        "Revenue" if sort == "revenue" else "Won",
    )


def test_what_people_wrote_is_shown_harmlessly(site: PagesSite, visit: Visit) -> None:
    """Names of stages and pipelines, titles and campaigns with markup, quotes, marks and 500 characters."""
    hostile = "<script>alert(1)</script>\"'\u202e" + "x" * 440
    for table, column in (
        ("bitrix24_deals", "title"),
        ("bitrix24_pipeline_stages", "status_name"),
        ("bitrix24_pipelines", "name"),
    ):
        execute(site.warehouse, f"update {table} set {column} = %s", hostile)
    site.build()
    for name in (
        "funnel",
        "cohorts",
        "flow",
        "speed",
        "people",
        "revenue",
        "stages",
        "key-stages",
        "qualification",
    ):
        page = visit.get(f"/p/{site.portal}/{name}", **ALL)
        assert page.status_code == 200, name
        assert "<script>alert" not in page.text, name
    listed = visit.get(f"/p/{site.portal}/funnel/stage", pipeline="deal-0", stage="C0:S1", who="all", **ALL)
    assert "&lt;script&gt;alert(1)" in listed.text
    assert "<script>alert" not in listed.text
