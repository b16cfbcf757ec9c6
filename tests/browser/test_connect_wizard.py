"""The wizard in a real browser, from the bare address to the funnel of a sandbox portal, in Russian."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from b24_pipeline.sync.portals.placement import PLACEMENT
from tests.browser.conftest import keep
from tests.browser.test_pages import RULES
from tests.support.servers.live_service import Live, live
from tests.support.servers.web_service import KEY

PATIENCE_MS = 60_000
SCOPE = ("crm", "user", "department", "placement")


@pytest.fixture
def running(database_url: str, tmp_path: Path) -> Iterator[Live]:
    """The service, whose syncs are processes of its own."""
    with live(database_url, tmp_path, is_alone=True, scope=SCOPE) as everything:
        yield everything


def test_from_the_bare_address_to_a_coloured_funnel(running: Live, page: Page) -> None:
    """Key, address, permission, first sync by entity, what counts, and the funnel in the portal's colours."""
    page.goto(running.address)
    page.get_by_label("Ключ").fill(KEY)
    page.get_by_role("button", name="Войти").click()
    page.get_by_role("link", name="Подключить портал").first.click()
    step(page, "Адрес")
    page.get_by_label("Адрес портала").fill("http://127.0.0.1:9/rest/1/abc")
    page.get_by_role("button", name="Далее").click()
    expect(page.locator("#problem")).to_contain_text("не весь адрес входящего вебхука")
    page.get_by_label("Адрес портала").fill("http://127.0.0.1:9")
    page.get_by_role("button", name="Далее").click()
    expect(page.locator("#problem")).to_contain_text("Портал сейчас не отвечает")
    keep(page, "wizard-problem")
    page.get_by_label("Адрес портала").fill(f"{running.domain}/crm/deal/")
    page.get_by_label("Название").fill("acme")
    keep(page, "wizard-address")
    page.get_by_role("button", name="Далее").click()
    step(page, "Разрешение")
    expect(page.get_by_text(f"{running.address}/bitrix24/callback")).to_be_visible()
    barriers(page)
    keep(page, "wizard-permission")
    page.locator("#to-portal").click()
    page.locator("#allow").click()
    step(page, "Первая загрузка")
    keep(page, "wizard-sync")
    expect(page.locator("#progress")).to_contain_text("Сделки", timeout=PATIENCE_MS)
    onward = page.get_by_role("link", name="Далее: что считать")
    expect(onward).to_be_visible(timeout=PATIENCE_MS)
    barriers(page)
    keep(page, "wizard-synced")
    onward.click()
    step(page, "Что считать")
    barriers(page)
    keep(page, "wizard-settings")
    page.get_by_role("link", name="Изменить признаки").click()
    step(page, "Что считать")
    page.get_by_role("checkbox", name="Квалифицирован").nth(2).check()
    page.get_by_role("button", name="Что изменится").last.click()
    page.get_by_role("button", name="Сохранить").click()
    step(page, "Что считать")
    barriers(page)
    keep(page, "wizard-flags")
    page.get_by_role("link", name="Назад к тому, что считать").click()
    expect(page.locator(".figures").first).to_contain_text("1")
    page.locator("#to-funnel").click()
    expect(page).to_have_url(re.compile("/p/acme/funnel"), timeout=PATIENCE_MS)
    step(page, "Воронка")
    colours = {bar.get_attribute("fill") for bar in page.locator("main svg rect[fill]").all()}
    in_portal = {colour.lower() for colour in page_colours(running)}
    assert len({str(colour).lower() for colour in colours} & in_portal) > 2
    keep(page, "wizard-funnel")


def test_the_portal_shows_our_page_in_a_frame(running: Live, page: Page) -> None:
    """Chromium takes the policy and the cookie: the application's own page, the menu's, and what is in it works."""
    running.connect()
    page.goto(f"{running.domain}/marketplace/app/")
    expect(page.frame_locator("iframe").get_by_role("heading", level=1)).to_have_text("Воронка")
    page.goto(f"{running.domain}/marketplace/placement/{PLACEMENT}/")
    frame = page.frame_locator("iframe")
    expect(frame.get_by_role("heading", level=1)).to_have_text("Воронка")
    frame.get_by_role("link", name="Стадии", exact=True).click()
    expect(frame.get_by_role("heading", level=1)).to_have_text("Стадии")
    keep(page, "inside")


def page_colours(running: Live) -> list[str]:
    """The colours of the stages in the portal."""
    return [str(color) for color in running.sandbox.truth.stages("deal")["color"].dropna()]


def step(page: Page, title: str) -> None:
    """Waits until the wizard is at this step."""
    expect(page.locator(".wizard [aria-current=step]")).to_have_text(title)


def barriers(page: Page) -> None:
    """No violation of WCAG 2.2 AA."""
    found = Axe().run(page, options=RULES).response["violations"]
    assert [violation["id"] for violation in found] == []
