"""Charts write as the page does, and a table whose columns do not all fit shows that it scrolls."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, StorageState

from tests.browser.conftest import keep
from tests.browser.test_pages import session, signed_in
from tests.conftest import Server
from tests.support.servers.pages_site import PagesSite, pages_site

__all__ = ["session"]

TABLES = ("creatives", "flow", "people", "revenue", "speed", "leads", "funnel")
AXES = """
() => [...charts.values()].flatMap((chart) => chart.getOption().yAxis.concat(chart.getOption().xAxis))
  .filter((axis) => axis.type === "value").map((axis) => axis.axisLabel.formatter(80000))
"""
TIPS = "() => [...charts.values()].map((chart) => chart.getOption().tooltip[0].valueFormatter(80000))"
UNMARKED = """
() => [...document.querySelectorAll(".table")].filter((table) => table.scrollWidth > table.clientWidth)
  .filter((table) => {
    const style = getComputedStyle(table);
    return !style.backgroundAttachment.includes("scroll")
      || (style.backgroundImage.match(/linear-gradient/g) ?? []).length !== 4;
  }).length
"""
TORN = """
() => [...document.querySelectorAll("tbody td.number")]
  .filter((cell) => cell.checkVisibility() && getComputedStyle(cell).whiteSpace !== "nowrap").length
"""


@pytest.fixture(scope="module")
def site(server: Server) -> Iterator[PagesSite]:
    """One for all tests of the module, which change nothing in it."""
    with pages_site(server) as opened:
        yield opened


def opened(browser: Browser, site: PagesSite, session: StorageState, name: str, language: str) -> Page:
    """A page at a width that many screens have."""
    page = signed_in(browser, session, language, "light", 1280)
    page.goto(f"{site.address}/p/{site.portal}/{name}?from=&to=")
    page.wait_for_load_state("networkidle")
    return page


@pytest.mark.parametrize(("language", "written"), [("ru", "80 000"), ("en", "80,000")])
@pytest.mark.parametrize("name", ["revenue", "people", "flow", "creatives"])
def test_numbers_of_a_chart_follow_the_language(
    browser: Browser, site: PagesSite, session: StorageState, name: str, language: str, written: str
) -> None:
    """On its axes and where one points at."""
    page = opened(browser, site, session, name, language)
    for shown in (page.evaluate(AXES), page.evaluate(TIPS)):
        assert shown
        assert {text.replace("\xa0", " ") for text in shown} == {written}
    page.context.close()


@pytest.mark.parametrize("name", TABLES)
def test_a_table_that_scrolls_shows_it(
    browser: Browser, site: PagesSite, session: StorageState, name: str
) -> None:
    """By a shadow at the edge behind which columns are hidden; no number is torn in two lines."""
    page = opened(browser, site, session, name, "ru")
    keep(page, f"table-{name}")
    assert page.locator(".table").count()
    assert page.evaluate(UNMARKED) == 0
    assert page.evaluate(TORN) == 0
    page.context.close()
