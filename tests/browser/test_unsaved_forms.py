"""What was ticked or chosen and not saved is not lost without a question of the browser."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Dialog, Page, StorageState, expect

from tests.browser.test_pages import session
from tests.conftest import Server
from tests.support.servers.pages_site import PagesSite, pages_site

__all__ = ["session"]


@pytest.fixture(scope="module")
def site(server: Server) -> Iterator[PagesSite]:
    """One for all tests of the module; none of them saves what another one looks at."""
    with pages_site(server) as opened:
        yield opened


class Questions:
    """The browser's questions, each answered by `stays`: whether the reader stays on the page."""

    def __init__(self, page: Page) -> None:
        self.stays = True
        self.asked = 0
        page.on("dialog", self._answer)

    def _answer(self, dialog: Dialog) -> None:
        assert dialog.type == "beforeunload"
        self.asked += 1
        dialog.dismiss() if self.stays else dialog.accept()


@pytest.fixture
def page(browser: Browser, site: PagesSite, session: StorageState) -> Iterator[Page]:
    """A page of somebody who is signed in and reads English."""
    context = browser.new_context(locale="en-US", storage_state=session)
    yield context.new_page()
    context.close()


def test_ticks_of_stages_are_asked_for(page: Page, site: PagesSite) -> None:
    """A link to another page asks, before and after the look at what would change; "Leave as it is" does not."""
    questions = Questions(page)
    page.goto(f"{site.address}/p/{site.portal}/stages")
    page.locator("input[name=flag]").first.click()
    away = page.locator("nav a[href*='/people']").first
    away.click(no_wait_after=True)
    page.wait_for_timeout(300)
    assert questions.asked == 1
    expect(page).to_have_url(f"{site.address}/p/{site.portal}/stages")
    page.get_by_role("button", name="What would change?").first.click()
    expect(page.locator("#preview")).to_be_visible()
    assert questions.asked == 1
    page.locator("#preview").click()
    away.click(no_wait_after=True)
    page.wait_for_timeout(300)
    assert questions.asked == 2
    page.get_by_role("link", name="Leave as it is").click()
    expect(page.locator("#preview")).to_be_hidden()
    assert questions.asked == 2


def test_key_stages_of_another_direction_are_asked_for(page: Page, site: PagesSite) -> None:
    """Saving one direction's would lose those chosen for another: the browser asks, and nothing is lost by staying."""
    questions = Questions(page)
    page.goto(f"{site.address}/p/{site.portal}/key-stages")
    first, second = (page.locator("select[name=stage1]").nth(number) for number in (0, 1))
    first.select_option(index=1)
    first.locator("xpath=ancestor::form").get_by_role("button", name="Save").click()
    expect(page.get_by_role("status")).to_be_visible()
    assert questions.asked == 0
    first.select_option(index=2)
    second.select_option(index=3)
    chosen = second.input_value()
    save = second.locator("xpath=ancestor::form").get_by_role("button", name="Save")
    save.click(no_wait_after=True)
    page.wait_for_timeout(300)
    assert questions.asked == 1
    assert second.input_value() == chosen
    questions.stays = False
    save.click()
    expect(second).to_have_value(chosen)
    assert questions.asked == 2
