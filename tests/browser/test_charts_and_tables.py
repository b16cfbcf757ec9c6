"""Charts write as the page does, and a table whose columns do not all fit shows that it scrolls."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, StorageState, expect

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


HEADED = """
(address) => new Promise((done) => {
  const picture = new Image();
  picture.onload = () => {
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [picture.width, picture.height];
    const paint = canvas.getContext("2d");
    paint.drawImage(picture, 0, 0);
    const head = paint.getImageData(0, 0, picture.width, 110).data;
    const drawn = charts.values().next().value.renderToCanvas({ pixelRatio: 2 });
    done([new Set(head).size > 10, picture.height - drawn.height]);
  };
  picture.src = address;
})
"""


def saved(page: Page) -> bytes:
    """The first chart of the page, as its button saves it."""
    with page.expect_download() as saving:
        page.get_by_role("button", name="Save as PNG").first.click()
    assert saving.value.suggested_filename == "flow.png"
    return Path(saving.value.path()).read_bytes()


def test_a_saved_picture_says_what_it_is_of(browser: Browser, site: PagesSite, session: StorageState) -> None:
    """Above the chart stand the page, the portal and what is chosen; it is whole also while the chart still moves."""
    page = signed_in(browser, session, "en", "light", 1280)
    page.goto(f"{site.address}/p/{site.portal}/flow?from=&to=")
    picture = saved(page)
    page.wait_for_timeout(2000)
    assert saved(page) == picture
    address = f"data:image/png;base64,{b64encode(picture).decode()}"
    assert page.evaluate(HEADED, address) == [True, 110]
    page.context.close()


def test_the_navigation_of_a_phone_shows_where_one_is(
    browser: Browser, site: PagesSite, session: StorageState
) -> None:
    """It scrolls sideways, and begins where the page is."""
    page = signed_in(browser, session, "en", "light", 360)
    page.goto(f"{site.address}/p/{site.portal}/trust")
    expect(page.locator(".side [aria-current]")).to_be_in_viewport(ratio=1)
    page.context.close()
