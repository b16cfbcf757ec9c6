"""A marketer connects a portal in a real browser: Debian's Chromium, without a window."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import keep
from tests.support.servers.live_service import Live, live
from tests.support.servers.web_service import KEY


@pytest.fixture
def running(database_url: str, tmp_path: Path) -> Iterator[Live]:
    with live(database_url, tmp_path) as everything:
        yield everything


def test_connect_authorize_connected(running: Live, page: Page) -> None:
    """The form, the portal's question, and the page that says it is connected; then it really is."""
    page.goto(f"{running.address}/bitrix24/connect")
    expect(page.get_by_role("heading", level=1)).to_have_text("Подключить портал Битрикс24")
    page.get_by_label("Адрес портала").fill(running.domain)
    page.get_by_label("Название").fill("acme")
    page.get_by_label("Чью воронку считать").select_option("deal")
    page.get_by_label("Ключ управления").fill(KEY)
    keep(page, "connect")
    page.get_by_role("button", name="Подключить").click()
    page.locator("#allow").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Портал подключён")
    expect(page.locator("#domain")).to_have_text(running.sandbox.url.removeprefix("http://"))
    keep(page, "connected")
    portal = running.runtime.portals.one("acme")
    assert (portal.status, portal.connected_by, portal.entity_type) == ("connected", "oauth", "deal")


def test_the_form_can_be_used_by_keyboard_and_in_english(running: Live, page: Page) -> None:
    """The address has the focus; Enter is enough; the name is made of the address; ?lang= changes the language."""
    page.goto(f"{running.address}/bitrix24/connect")
    page.get_by_role("link", name="English").click()
    expect(page.get_by_role("button")).to_have_text("Connect")
    expect(page.get_by_label("Portal address")).to_be_focused()
    page.keyboard.type(f"{running.domain}/crm/deal/")
    page.get_by_label("Management key").fill(KEY)
    page.keyboard.press("Enter")
    page.locator("#allow").click()
    expect(page).to_have_url(re.compile("/bitrix24/callback"))
    assert [portal.name for portal in running.runtime.portals.all()] == ["127"]


def test_a_wrong_address_is_explained(running: Live, page: Page) -> None:
    """A page, not JSON, with the way back to the form."""
    page.goto(f"{running.address}/bitrix24/connect")
    page.get_by_label("Адрес портала").fill("evil.com")
    page.get_by_label("Ключ управления").fill(KEY)
    page.get_by_role("button").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Не получилось")
    expect(page.locator("#reason")).to_contain_text("Проверьте, нет ли опечатки")
    expect(page.locator("#message")).to_contain_text("evil.com")
    keep(page, "problem")
    page.get_by_role("link", name="Начать заново").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Подключить портал Битрикс24")


def test_whoever_was_invited_needs_no_key(running: Live, page: Page) -> None:
    """The printed link leads to the portal's question at once; opened once more it explains itself."""
    link = running.runtime.connector().link("acme", running.domain)
    page.goto(link)
    page.locator("#allow").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Портал подключён")
    page.goto(link)
    expect(page.locator("#reason")).to_contain_text("Ссылка уже использована")


def test_the_interface_page_needs_no_script(running: Live, page: Page) -> None:
    """/docs shows the calls."""
    page.goto(f"{running.address}/docs")
    expect(page.get_by_text("GET /bitrix24/status")).to_be_visible()
