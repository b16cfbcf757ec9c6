"""The medians by person and by month are those of the visits themselves."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from datetime import date
from itertools import pairwise
from statistics import median
from urllib.parse import quote
from zoneinfo import ZoneInfo

import pytest

from b24_pipeline.store.figures.pipelines import pipelines
from b24_pipeline.store.figures.speed import Grouping, stays
from b24_pipeline.web.pages.speed_page import stages_of
from tests.conftest import Server
from tests.integration.web.pages.test_figures_pages import of_marts, rows_of
from tests.support.installation import execute
from tests.support.servers.pages_site import PagesSite, pages_site


@pytest.fixture(scope="module")
def site(server: Server) -> Iterator[PagesSite]:
    """One for all tests of the module, which change nothing in it; several people are responsible."""
    with pages_site(server, entities=80) as opened:
        execute(opened.warehouse, "update bitrix24_deals set assigned_by_id = 1 + mod(id, 4)")
        opened.build()
        yield opened


@pytest.mark.parametrize("by", ["person", "month"])
@pytest.mark.parametrize("days", [(None, None), (date(2026, 1, 5), date(2026, 1, 25))])
def test_each_median_is_that_of_its_visits(
    site: PagesSite, by: Grouping, days: tuple[date | None, date | None]
) -> None:
    """Of all visits that ended in the days of the portal's clock, by stage; each group together, in its order."""
    portal = next(one for one in site.portals.all() if one.name == site.portal)
    zone, (first, last) = ZoneInfo(portal.time_zone), days
    expected: defaultdict[tuple[str | None, str], list[float]] = defaultdict(list)
    for visit in of_marts(
        site,
        "select visit.status_id, visit.exited_at, visit.duration_seconds, deal.assigned_by_id"
        " from analytics.fct_stage_interval as visit left join analytics.fct_deal as deal"
        " using (portal, entity_type, entity_id) where visit.portal = %s and visit.entity_type = 'deal'"
        " and visit.category_id = 0 and visit.exited_at is not null",
    ):
        ended = visit["exited_at"].astimezone(zone).date()
        if (first and ended < first) or (last and ended > last):
            continue
        person = visit["assigned_by_id"]
        group = f"{ended:%Y-%m}" if by == "month" else None if person is None else str(person)
        expected[group, visit["status_id"]].append(float(visit["duration_seconds"]))
    with site.warehouse.connect() as connection:
        (pipeline,) = (one for one in pipelines(connection, portal.name, "deal") if one.category_id == 0)
        found = stays(connection, portal, pipeline, by, first, last)
    assert expected
    assert {(stay.group_code, stay.status_id): stay.visits for stay in found} == {
        group: len(seconds) for group, seconds in expected.items()
    }
    for stay in found:
        assert stay.median_seconds == pytest.approx(median(expected[stay.group_code, stay.status_id]))
        assert stay.slow_seconds >= stay.median_seconds
    groups = [stay.group_code for stay in found]
    assert len({*groups}) == 1 + sum(one != before for before, one in pairwise(groups))
    if by == "month":
        assert groups == sorted(groups, key=str, reverse=True)


@pytest.mark.parametrize("way", ["down", "up"])
def test_people_are_sorted_by_how_long_a_stage_takes_them(site: PagesSite, way: str) -> None:
    """The head of each stage is a link that sorts by its median; who never left it is last; each has its visits."""
    with site.warehouse.connect() as connection:
        portal = site.portals.one(site.portal)
        (pipeline,) = (one for one in pipelines(connection, portal.name, "deal") if one.category_id == 0)
        found = stays(connection, portal, pipeline, "person", None, None)
    medians: defaultdict[str, dict[str, int]] = defaultdict(dict)
    for stay in found:
        medians[stay.status_id][stay.group_name or "–"] = round(stay.median_seconds)
    stage = max(medians, key=lambda code: len(set(medians[code].values())))
    address = f"/p/{site.portal}/speed"
    asked = {"pipeline": "deal-0", "by": "person", "from": "", "to": ""}
    with site.visit() as visit:
        visit.client.headers["Accept-Language"] = "en"
        plain = visit.get(address, **asked).text
        ordered = visit.get(address, **asked, sort=stage, way=way).text
    assert f"sort={quote(stage, safe='')}&amp;way=down" in plain
    names = [row[0] for row in rows_of(ordered, "table")]
    assert sorted(names) == sorted(row[0] for row in rows_of(plain, "table"))
    there, never = names[: len(medians[stage])], names[len(medians[stage]) :]
    shown = [medians[stage][name] for name in there]
    assert len(set(shown)) > 1
    assert shown == sorted(shown, reverse=way == "down")
    assert not medians[stage].keys() & set(never)
    assert len(re.findall(r"<small>[\d,]+ visits?</small>", ordered)) == len(found)


def test_stages_stand_in_the_order_of_the_pipeline(site: PagesSite) -> None:
    """Also where the first row lacks some: the columns would read as another order of stages."""
    portal = next(one for one in site.portals.all() if one.name == site.portal)
    with site.warehouse.connect() as connection:
        shown = next(one for one in pipelines(connection, site.portal, "deal") if one.category_id == 0)
        found = stays(connection, portal, shown, "person", None, None)
    first = found[0].group_code
    without = [stay for stay in found if stay.group_code != first or stay.status_sort != found[0].status_sort]
    sorts = [stay.status_sort for stay in stages_of(without) if stay.status_sort is not None]
    assert len(sorts) > 3
    assert sorts == sorted(sorts)
