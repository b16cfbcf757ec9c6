"""Every page in a real browser: in both languages, light and dark, wide and narrow."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import cycle, product
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, StorageState

from tests.browser.conftest import keep
from tests.conftest import Server
from tests.support.servers.pages_site import PagesSite, pages_site
from tests.support.servers.web_service import KEY

PAGES = (
    "/portals",
    "/access",
    "/access/keys/revoke?name=Anna",
    "/connect",
    "/connect/permission?domain=acme.bitrix24.com&account=acme",
    "/connect/{portal}/sync",
    "/connect/{portal}/settings",
    "/p/{portal}/stages",
    "/p/{portal}/qualification?from=&to=",
    "/p/{portal}/key-stages",
    "/p/{portal}/entities",
    "/p/{portal}/funnel?from=&to=",
    "/p/{portal}/funnel/stage?from=&to=&pipeline=deal-0&stage=C0:S1&who=all",
    "/p/{portal}/creatives?from=&to=",
    "/p/{portal}/creatives/one?from=&to=&by=campaign",
    "/p/{portal}/cohorts?from=&to=",
    "/p/{portal}/flow?from=&to=",
    "/p/{portal}/speed?from=&to=",
    "/p/{portal}/speed?from=&to=&by=person",
    "/p/{portal}/leads",
    "/p/{portal}/trust",
    "/p/{portal}/people?from=&to=",
    "/p/{portal}/revenue?from=&to=",
)
LANGUAGES = ("en", "ru")
SCHEMES = ("light", "dark")
WIDTHS = (1280, 360)
ALL_WAYS = list(product(LANGUAGES, SCHEMES, WIDTHS))
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}

WHAT_IS_BADLY_SEEN = (Path(__file__).parent / "badly_seen.js").read_text()
"""What a person does not see of tables, or sees torn."""


@pytest.fixture(scope="module")
def site(server: Server) -> Iterator[PagesSite]:
    """One for all tests of the module, which change nothing in it."""
    with pages_site(server) as opened:
        opened.key("Anna", "viewer")
        yield opened


@pytest.fixture(scope="module")
def session(browser: Browser, site: PagesSite) -> StorageState:
    """The cookie of somebody who has signed in by the form."""
    context = browser.new_context(locale="ru-RU")
    page = context.new_page()
    page.goto(site.address)
    page.get_by_label("Ключ").fill(KEY)
    page.get_by_role("button").click()
    page.wait_for_url(lambda url: "/sign-in" not in url)
    state = context.storage_state()
    context.close()
    return state


def signed_in(browser: Browser, session: StorageState, language: str, scheme: str, width: int) -> Page:
    """A page of somebody who is signed in."""
    context = browser.new_context(
        locale={"en": "en-US", "ru": "ru-RU"}[language],
        color_scheme=scheme,  # type: ignore[arg-type]
        viewport={"width": width, "height": 900},
        storage_state=session,
    )
    return context.new_page()


def name_of(path: str) -> str:
    """The name of a page for its picture."""
    return path.partition("?")[0].rpartition("/")[2]


def looked_at(page: Page, site: PagesSite, path: str) -> list[str]:
    """What is wrong with a page: complaints of the browser, foreign requests, barriers, and a page too wide."""
    found: list[str] = []
    page.on("console", lambda message: found.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: found.append(str(error)))
    page.on(
        "request",
        lambda request: (
            found.append(f"asked {request.url}")
            if urlsplit(request.url).netloc not in ("", urlsplit(site.address).netloc)
            else None
        ),
    )
    answer = page.goto(f"{site.address}{path.format(portal=site.portal)}")
    assert answer is not None
    assert answer.status == 200
    page.wait_for_load_state("networkidle")
    result = Axe().run(page, options=RULES)
    for violation in result.response["violations"]:
        found.append(f"{violation['id']}: {[node['target'] for node in violation['nodes'][:3]]}")
    wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    if wide > 0:
        found.append(f"the page is {wide} pixels too wide")
    return found + [str(one) for one in page.evaluate(WHAT_IS_BADLY_SEEN)]


@pytest.mark.parametrize(
    ("path", "way"), zip(PAGES, cycle([ALL_WAYS[0], ALL_WAYS[7], ALL_WAYS[5], ALL_WAYS[2]]), strict=False)
)
def test_a_page_is_open_to_everybody(
    browser: Browser, site: PagesSite, session: StorageState, path: str, way: tuple[str, str, int]
) -> None:
    """No barrier by WCAG 2.2 AA, no complaint of the browser, no request elsewhere; pages take turns in their ways."""
    page = signed_in(browser, session, *way)
    assert looked_at(page, site, path) == []
    keep(page, f"{name_of(path)}-{way[0]}-{way[1]}-{way[2]}")
    page.context.close()


def test_on_a_phone_a_row_is_a_card(browser: Browser, site: PagesSite, session: StorageState) -> None:
    """With the names of its columns, a few lines high; it stays a table for whoever hears it."""
    page = signed_in(browser, session, "ru", "light", 360)
    page.goto(f"{site.address}/p/{site.portal}/stages")
    row = page.locator("tbody tr").first
    assert row.locator("td[data-label]").count() == 3
    assert row.bounding_box()["height"] < 200  # type: ignore[index]
    assert page.get_by_role("table").first.get_by_role("columnheader").count() == 4
    page.context.close()


@pytest.mark.parametrize("width", WIDTHS)
def test_a_name_without_end_does_not_widen_its_page(
    browser: Browser, site: PagesSite, session: StorageState, width: int
) -> None:
    """Neither as a heading nor in what stands beside it."""
    page = signed_in(browser, session, "en", "light", width)
    assert (
        looked_at(page, site, f"/p/{{portal}}/creatives/one?by=campaign&from=&to=&campaign={'x' * 500}") == []
    )
    page.context.close()


@pytest.mark.slow
@pytest.mark.parametrize("way", ALL_WAYS, ids=str)
def test_all_pages_are_open_to_everybody_in_all_ways(
    browser: Browser, site: PagesSite, session: StorageState, way: tuple[str, str, int]
) -> None:
    """Each page in each language, in light and dark, wide and narrow."""
    page = signed_in(browser, session, *way)
    for path in ("/sign-in", *PAGES):
        assert looked_at(page, site, path) == [], path
        keep(page, f"{name_of(path)}-{way[0]}-{way[1]}-{way[2]}")
    page.context.close()


CONTROLS = "a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex='0']"
WATCH = """
(controls) => {
  window.walked = [];
  document.addEventListener("focusin", ({ target }) => {
    const style = getComputedStyle(target), box = target.getBoundingClientRect();
    window.walked.push({
      place: [...document.querySelectorAll(controls)].indexOf(target),
      name: (target.textContent.trim() || target.name || target.ariaLabel || target.className).slice(0, 40),
      isRinged: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2,
      isSeen: box.width > 0 && box.bottom > 0 && box.right > 0 && box.top < innerHeight && box.left < innerWidth,
    });
  });
}
"""
VISIBLE = """
// Tab stops once at a group of radio buttons: at the chosen one, or the first
(controls) => [...document.querySelectorAll(controls)].map((one, place) => [one, place])
  .filter(([one]) => one.checkVisibility() && !one.disabled && !one.closest("[inert]"))
  .filter(([one]) => one.type !== "radio" || one === (one.form.querySelector(`[name=${one.name}]:checked`)
    || one.form.querySelector(`[name=${one.name}]`)))
  .map(([, place]) => place)
"""


def walked(page: Page) -> list[dict[str, Any]]:
    """Opens by keyboard what is closed, and goes through a page by Tab; its controls as they came."""
    # the menu last: it closes where another one is opened
    for summary in reversed(page.locator("summary").all()):
        if summary.is_visible():
            summary.focus()
            page.keyboard.press("Enter")
            assert summary.evaluate("one => one.parentElement.open")
    page.evaluate(
        "document.body.tabIndex = -1; document.body.focus(); document.body.removeAttribute('tabindex')"
    )
    page.evaluate(WATCH, CONTROLS)
    parts = 3 * page.locator("input[type=date]").count()  # a field of a date has four stops
    for _ in range(len(page.evaluate(VISIBLE, CONTROLS)) + parts):
        page.keyboard.press("Tab")
    found: list[dict[str, Any]] = page.evaluate("walked")
    return found


def test_the_keyboard_is_enough(browser: Browser, site: PagesSite, session: StorageState) -> None:
    """Of every page: all controls by Tab in their order, each ringed and in sight; what opens closes; tables scroll."""
    page = signed_in(browser, session, "en", "light", 360)
    scrolled = 0
    for path in PAGES:
        page.goto(f"{site.address}{path.format(portal=site.portal)}")
        steps = walked(page)
        places = [step["place"] for step in steps]
        assert places == sorted(places), path
        assert set(page.evaluate(VISIBLE, CONTROLS)) <= set(places), path
        assert steps[0]["name"] == "Skip to the content", path
        assert [step for step in steps if not (step["isRinged"] and step["isSeen"])] == [], path
        for menu in page.locator("details.menu").all():
            menu.locator("a").first.focus()
            page.keyboard.press("Escape")
            assert not menu.evaluate("one => one.open"), path
            assert menu.locator("summary").evaluate("one => one === document.activeElement"), path
        for table in page.locator(".table").all():
            if table.evaluate("one => one.scrollWidth > one.clientWidth + 40"):
                table.focus()
                page.keyboard.press("ArrowRight")
                table.evaluate("one => new Promise(done => one.scrollLeft ? done() : one.onscroll = done)")
                scrolled += 1
    assert scrolled > 2  # other tables are cards on a phone
    page.goto(f"{site.address}/p/{site.portal}/speed?from=&to=")
    page.locator("details.fold summary").click()
    page.locator("select[name=by]").focus()
    with page.expect_navigation(url="**by=person**"):
        page.keyboard.press("ArrowDown")
    page.wait_for_function("document.activeElement.name === 'by'")
    page.context.close()


@pytest.mark.parametrize(("language", "scheme", "width"), [("en", "light", 360), ("ru", "dark", 1280)])
def test_the_columns_of_a_file_are_open_to_everybody(
    browser: Browser, site: PagesSite, session: StorageState, language: str, scheme: str, width: int
) -> None:
    """A file is chosen as people do; its columns are shown, and chosen anew, before anything is stored."""
    page = signed_in(browser, session, language, scheme, width)
    page.goto(f"{site.address}/p/{site.portal}/leads")
    content = "Name;Number\nAnna;+79210000001\n;\n" + ";" * 9
    page.set_input_files("#file", {"name": "leads.csv", "mimeType": "text/csv", "buffer": content.encode()})
    page.locator("form.stacked button").click()
    page.wait_for_url("**/upload?**")
    path = page.url.removeprefix(site.address)
    assert looked_at(page, site, path) == []
    page.select_option("select[name=column] >> nth=1", "phone")
    page.locator("button[formaction]").click()
    page.wait_for_url("**column=phone**")
    assert looked_at(page, site, page.url.removeprefix(site.address)) == []
    assert page.locator("select[name=column] >> nth=1").input_value() == "phone"
    keep(page, f"columns-{language}-{scheme}-{width}")
    page.context.close()
