"""Photographs the demo's funnel in Dagster, for the head of the README: docs/img/funnel.png (`make picture`)."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

from playwright.sync_api import sync_playwright

PICTURE = Path(__file__).parent / "img" / "funnel.png"
CHROMIUM = "/usr/bin/chromium"
SIZE = {"width": 1280, "height": 570}
PATIENCE_MILLISECONDS = 60_000
OPENING_MILLISECONDS = 2000  # the picture fades in


def free_ports() -> tuple[int, int]:
    """Two ports that nobody listens on just now."""
    with ExitStack() as held:
        probes = [held.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(2)]
        first, second = (int(probe.getsockname()[1]) for probe in probes)
        return first, second


def photograph(address: str) -> None:
    """Opens the funnel's asset and its picture, as a person does, and photographs the page."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page(viewport=SIZE)  # type: ignore[arg-type]
        page.goto(f"{address}/assets/funnel_stats")
        page.get_by_text("[Show Markdown]").first.click(timeout=PATIENCE_MILLISECONDS)
        page.get_by_role("img", name="demo, deal").first.wait_for(timeout=PATIENCE_MILLISECONDS)
        page.wait_for_timeout(OPENING_MILLISECONDS)
        page.screenshot(path=PICTURE)
        browser.close()


def main() -> None:
    """Runs the demo in a folder of its own until the picture is taken."""
    port, web_port = free_ports()
    options = ["--port", str(port), "--web-port", str(web_port)]
    with TemporaryDirectory(prefix="b24-picture-") as folder:
        Path(folder).chmod(0o755)
        command = [sys.executable, "-m", "b24_pipeline", "demo", *options]
        demo = subprocess.Popen(command, cwd=folder, stderr=subprocess.PIPE, text=True)
        try:
            for line in demo.stderr or ():
                if line.startswith("Dagster: "):
                    photograph(line.split()[1])
                    break
        finally:
            demo.send_signal(signal.SIGINT)
            demo.communicate()


if __name__ == "__main__":
    main()
