"""On a phone the filters of a page are folded behind one line, which says what is chosen; elsewhere they are open."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, StorageState, expect

from tests.browser.conftest import keep
from tests.browser.test_pages import looked_at, session
from tests.conftest import Server
from tests.support.installation import execute
from tests.support.servers.pages_site import PagesSite, pages_site

__all__ = ["session"]

PAGES = ("funnel", "creatives", "cohorts", "flow", "speed", "people", "revenue", "leads")


@pytest.fixture(scope="module")
def site(server: Server) -> Iterator[PagesSite]:
    """One for all tests of the module, which change nothing in it."""
    with pages_site(server) as opened:
        execute(
            opened.warehouse,
            "insert into bitrix24_users (user_account_id, id, name, last_name) values (%s, 7001, 'Anna', 'Berg')",
            opened.portals.one(opened.portal).id,
        )
        yield opened


def opened(browser: Browser, session: StorageState, width: int, *, scripts: bool = True) -> Page:
    """A page of somebody who is signed in and reads English."""
    context = browser.new_context(
        locale="en-US",
        viewport={"width": width, "height": 800},
        storage_state=session,
        java_script_enabled=scripts,
    )
    return context.new_page()


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without"])
def test_the_filters_are_one_line_on_a_phone(
    browser: Browser, site: PagesSite, session: StorageState, scripts: bool
) -> None:
    """A click or a key opens and closes them; the figures begin on the first screen."""
    page = opened(browser, session, 360, scripts=scripts)
    for name in PAGES:
        page.goto(f"{site.address}/p/{site.portal}/{name}?from=&to=")
        line, form = page.locator("details.fold summary"), page.locator("form.filters").first
        expect(line).to_be_visible()
        expect(form).to_be_hidden()
        height = line.bounding_box()["height"]  # type: ignore[index]
        assert height < 90, name
        line.focus()
        page.keyboard.press("Enter")
        expect(form).to_be_visible()
        page.keyboard.press("Tab")
        assert page.locator("form.filters :focus").count() == 1, name
        line.click()
        expect(form).to_be_hidden()
    page.context.close()


def test_the_line_says_what_is_chosen(browser: Browser, site: PagesSite, session: StorageState) -> None:
    """By the names that the fields have, not by codes; what is not chosen is not said."""
    page = opened(browser, session, 360)
    start = f"{site.address}/p/{site.portal}"
    page.goto(f"{start}/funnel?from=&to=&pipeline=deal-1")
    line = page.locator("details.fold summary")
    expect(line).to_have_text("Filters: Pipeline 1, all time")
    page.goto(f"{start}/funnel?from=2026-01-01&to=2026-01-31&pipeline=lead-0&qualified=yes&person=7001")
    expect(line).to_have_text("Filters: Leads, Jan 1, 2026 – Jan 31, 2026, Anna Berg, qualified alone")
    page.goto(f"{start}/revenue?from=2026-01-01&to=&by=campaign")
    expect(line).to_have_text("Filters: all of deals, campaign, Jan 1, 2026 – …")
    page.goto(f"{start}/leads?linked=no&search=anna")
    expect(line).to_have_text("Filters: not found, anna")
    page.context.close()


def test_whoever_changes_a_filter_goes_on_there(
    browser: Browser, site: PagesSite, session: StorageState
) -> None:
    """The page that comes is open at the field; no barrier, folded or open."""
    page = opened(browser, session, 360)
    path = f"/p/{site.portal}/speed?from=&to="
    assert looked_at(page, site, path) == []
    keep(page, "filters-folded")
    page.locator("details.fold summary").click()
    with page.expect_navigation(url="**by=person**"):
        page.locator("select[name=by]").select_option("person")
    page.wait_for_function("document.activeElement.name === 'by'")
    expect(page.locator("form.filters").first).to_be_visible()
    keep(page, "filters-open")
    page.context.close()


def test_a_wide_screen_has_them_open(browser: Browser, site: PagesSite, session: StorageState) -> None:
    """Without the line."""
    page = opened(browser, session, 1280)
    for name in PAGES:
        page.goto(f"{site.address}/p/{site.portal}/{name}?from=&to=")
        expect(page.locator("details.fold")).to_be_hidden()
        expect(page.locator("form.filters").first).to_be_visible()
    page.context.close()
