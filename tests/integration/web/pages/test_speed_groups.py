"""The medians by person and by month are those of the visits themselves."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import date
from itertools import pairwise
from statistics import median
from zoneinfo import ZoneInfo

import pytest

from b24_pipeline.store.figures.pipelines import pipelines
from b24_pipeline.store.figures.speed import Grouping, stays
from tests.conftest import Server
from tests.integration.web.pages.test_figures_pages import of_marts
from tests.support.servers.pages_site import PagesSite, pages_site


@pytest.fixture(scope="module")
def site(server: Server) -> Iterator[PagesSite]:
    """One for all tests of the module, which change nothing in it."""
    with pages_site(server, entities=80) as opened:
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
