"""Debian's Chromium, without a window."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright

# without a sandbox, since root has none, and without looking anything up on the internet
QUIET = [
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-quic",
    "--no-first-run",
]
CHROMIUM = Path(os.environ.get("B24_CHROMIUM", "/usr/bin/chromium"))


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One for all tests of a module, since its event loop would be in the way of others; `make browser` installs it."""
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield started
        started.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page in Russian; whatever the browser complains about fails the test."""
    context = browser.new_context(locale="ru-RU")
    opened = context.new_page()
    complaints: list[str] = []
    opened.on("console", lambda message: _note(message, complaints))
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    yield opened
    context.close()
    assert complaints == []


def _note(message: ConsoleMessage, complaints: list[str]) -> None:
    # a page that is an error is reported so, and so is the icon that no page has
    if message.type == "error" and "Failed to load resource" not in message.text:
        complaints.append(message.text)


def keep(page: Page, name: str) -> None:
    """A picture, where somebody wants to look (B24_PICTURES names a folder)."""
    folder = os.environ.get("B24_PICTURES")
    if folder:
        page.screenshot(path=str(Path(folder) / f"{name}.png"), full_page=True)
