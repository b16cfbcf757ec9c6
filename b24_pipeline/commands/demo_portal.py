"""The demo's portal: a sandbox in a process of its own, connected by OAuth, whose rows change."""

from __future__ import annotations

import fcntl
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from threading import Event, Thread
from urllib.parse import parse_qs, urlsplit

import httpx
import orjson

from b24_pipeline.commands.with_parent import end_with_parent
from b24_pipeline.demo_home import as_text, demo_of, demo_settings, is_demo, settings_file
from b24_pipeline.errors import B24Error, UsageError
from b24_pipeline.runtime import Runtime
from b24_pipeline.settings import Settings, read_settings
from b24_pipeline.store.database.private_files import home_folder, private_file
from b24_pipeline.store.portals.portal import Portal

STOP_SECONDS = 10
CHANGE_SECONDS = 5
_BROWSER = "the-demo-is-its-own-browser"


@dataclass(frozen=True, slots=True)
class DemoPortal:
    """A running sandbox and the application that it knows."""

    url: str
    client_id: str
    client_secret: str = field(repr=False)
    process: subprocess.Popen[bytes] = field(repr=False)

    def raise_if_ended(self) -> None:
        """Raises B24Error where its process has ended: all that it knew is gone with it."""
        ended = self.process.poll()
        if ended is not None:
            raise B24Error(
                f"the sandbox portal ended by itself ({ended}); its data stays, `b24 demo` begins anew"
            )

    def settings(self, home: Path, public_url: str) -> Settings:
        """Settings of the demo, kept in its home, so that other commands find it: it never touches the user's."""
        own = {
            "b24_allowed_portals": "127.0.0.1",
            "b24_public_url": public_url,
            "bitrix24_client_id": self.client_id,
            "bitrix24_client_secret": self.client_secret,
            "bitrix24_oauth_url": self.url,
        }
        with private_file(settings_file(home), "w") as file:
            file.write(as_text(own))
        return read_settings(**demo_settings(home))

    def connect(self, opened: Runtime, name: str) -> Portal:
        """Connects the portal by OAuth as a person does in the browser: begin, agree in the portal, come back."""
        connecting = opened.connector()
        link = connecting.begin(name, self.url, "both", _BROWSER)
        agreed = httpx.get(f"{link}&confirm=Y", timeout=10, trust_env=False, follow_redirects=False)
        back = {
            key: values[0] for key, values in parse_qs(urlsplit(agreed.headers["location"]).query).items()
        }
        return connecting.finish(back["code"], back["state"], _BROWSER, back["domain"], back["member_id"])

    @contextmanager
    def changing(self) -> Iterator[Callable[[], None]]:
        """Yields a function that starts the changes: something happens every few seconds until the block ends."""
        end = Event()
        # started when all processes are: what runs in threads is not to be forked
        changes = Thread(target=self._change, args=(end,), name="b24-demo-changes", daemon=True)
        try:
            yield changes.start
        finally:
            end.set()

    def _change(self, end: Event) -> None:
        with httpx.Client(base_url=self.url, timeout=10, trust_env=False) as client:
            for number in count(1):
                if end.wait(CHANGE_SECONDS):
                    return
                with suppress(httpx.HTTPError):
                    client.post("/sandbox/work", json={"n": 1, "seed": number})


@contextmanager
def the_only_demo(given: Settings) -> Iterator[Path]:
    """The home of the demo, made if need be and ours until the block ends. Raises UsageError where a demo runs there.

    `given`: the user's own settings.
    """
    home = given.b24_home if is_demo(given.b24_home) else demo_of(given.b24_home)
    home_folder(given.b24_home)
    home_folder(home)
    with private_file(home.expanduser() / ".running", "a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UsageError(
                f"a demo runs in {home} already; stop it first, or set another B24_HOME"
            ) from None
        yield home


@contextmanager
def demo_portal(leads: int, deals: int, seed: int, redirect_uri: str) -> Iterator[DemoPortal]:
    """Runs a sandbox in a process of its own until the block ends. Raises B24Error where it does not start."""
    command = [sys.executable, "-m", "b24_pipeline.sandbox", "--limits", "standard", "--to-try"]
    figures = ["--leads", str(leads), "--deals", str(deals), "--seed", str(seed), "--now", "today"]
    # a session of its own, so that Ctrl-C lets it answer until we have stopped
    process = subprocess.Popen(
        [*command, *figures, "--port", "0", "--redirect-uri", redirect_uri],
        stdout=subprocess.PIPE,
        start_new_session=True,
        preexec_fn=end_with_parent,  # noqa: PLW1509 - it only asks Linux for a signal
    )
    try:
        ready = process.stdout.readline() if process.stdout else b""
        if not ready:
            raise B24Error("the sandbox portal did not start; try `b24 sandbox` to see why")
        started = orjson.loads(ready)
        yield DemoPortal(started["url"], started["client_id"], started["client_secret"], process)
    finally:
        process.terminate()
        process.wait(STOP_SECONDS)
