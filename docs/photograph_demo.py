"""Photographs the demo's pages for the README and the documents, in English and Russian (`make screenshots`)."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

from playwright.sync_api import Browser, sync_playwright

FOLDER = Path(__file__).parent / "img"
CHROMIUM = "/usr/bin/chromium"
SIZE = {"width": 1280, "height": 860}
OPENING_MILLISECONDS = 1500  # charts fade in
PICTURES = {
    "funnel": "funnel?from=&to=&pipeline=deal-0&definition=implied",
    "cohorts": "cohorts?from=&to=&pipeline=deal-0",
    "people": "people?from=&to=&pipeline=deal-0",
}
LANGUAGES = {"en": "en-US", "ru": "ru-RU"}


def free_ports() -> tuple[int, int]:
    """Two ports that nobody listens on just now."""
    with ExitStack() as held:
        probes = [held.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(2)]
        first, second = (int(probe.getsockname()[1]) for probe in probes)
        return first, second


def photograph(browser: Browser, address: str, key: str, language: str) -> None:
    """Signs in as a person does, opens the pages, and photographs what is seen first."""
    context = browser.new_context(locale=LANGUAGES[language], viewport=SIZE)  # type: ignore[arg-type]
    page = context.new_page()
    page.goto(address)
    page.locator("#key").fill(key)
    page.get_by_role("button").click()
    page.wait_for_url(lambda url: "/sign-in" not in url)
    for name, path in PICTURES.items():
        page.goto(f"{address}/p/demo/{path}")
        page.wait_for_timeout(OPENING_MILLISECONDS)
        page.screenshot(path=FOLDER / f"{name}{'' if language == 'en' else f'.{language}'}.png")
    context.close()


def main() -> None:
    """Runs the demo in a folder of its own until the pictures are taken."""
    port, web_port = free_ports()
    options = ["--port", str(port), "--web-port", str(web_port)]
    with TemporaryDirectory(prefix="b24-picture-") as folder:
        Path(folder).chmod(0o755)
        command = [sys.executable, "-m", "b24_pipeline", "demo", *options]
        demo = subprocess.Popen(command, cwd=folder, stderr=subprocess.PIPE, text=True)
        try:
            for line in demo.stderr or ():
                found = re.match(r"the pages: (\S+) with the key (\S+)", line)
                if found:
                    with sync_playwright() as playwright:
                        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
                        for language in LANGUAGES:
                            photograph(browser, found[1], found[2], language)
                        browser.close()
                    break
        finally:
            demo.send_signal(signal.SIGINT)
            demo.communicate()


if __name__ == "__main__":
    main()
