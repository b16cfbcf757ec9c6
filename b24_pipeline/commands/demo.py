"""`b24 demo`: the main job, from nothing to a funnel, on this machine alone."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import orjson
import typer

from b24_pipeline import runtime
from b24_pipeline.bitrix.auth import WebhookCredential
from b24_pipeline.commands.figures import build_models, show_funnel
from b24_pipeline.commands.screen import progress, say
from b24_pipeline.commands.syncing import show_outcomes
from b24_pipeline.errors import B24Error
from b24_pipeline.runtime import Runtime
from b24_pipeline.settings import Settings, settings
from b24_pipeline.sync.probe import probe
from b24_pipeline.sync.run import Request, sync_portals

PORTAL = "demo"
STOP_SECONDS = 10


def demo(
    leads: Annotated[int, typer.Option(min=1)] = 3000,
    deals: Annotated[int, typer.Option(min=1)] = 3000,
    seed: Annotated[int, typer.Option(help="The same seed makes the same portal.")] = 7,
    once: Annotated[bool, typer.Option("--once", help="Stop after the funnel.")] = False,
    port: Annotated[int, typer.Option(help="Of the Dagster UI.")] = 3000,
) -> None:
    """Show it all: a sandbox portal, synced into an embedded PostgreSQL, modelled and printed."""
    started = time.monotonic()
    chosen = _apart(settings())
    say("1/5 starting a sandbox portal ...")
    with _sandbox(leads, deals, seed) as webhook_url:
        say("2/5 starting an embedded PostgreSQL and making the tables ...")
        with runtime.opened(chosen) as opened:
            say("3/5 connecting the portal ...")
            _connect(opened, webhook_url)
            _sync_and_show(opened)
            say(f"done in {time.monotonic() - started:.0f} s")
            if not once:
                _stay(chosen, port)


def _apart(given: Settings) -> Settings:
    """The demo has a home and a database of its own: it never touches yours."""
    return given.model_copy(
        update={
            "database_url": None,
            "b24_secret_keys": None,
            "b24_home": given.b24_home / "demo",
            "b24_allowed_portals": "127.0.0.1",
            "b24_select": {},
        }
    )


@contextmanager
def _sandbox(leads: int, deals: int, seed: int) -> Iterator[str]:
    """A sandbox in a process of its own; yields its webhook credential."""
    command = [sys.executable, "-m", "b24_pipeline.sandbox", "--limits", "standard"]
    figures = ["--leads", str(leads), "--deals", str(deals), "--seed", str(seed), "--port", "0"]
    # a session of its own, so that Ctrl-C lets it answer until we have stopped
    process = subprocess.Popen([*command, *figures], stdout=subprocess.PIPE, start_new_session=True)
    try:
        ready = process.stdout.readline() if process.stdout else b""
        if not ready:
            raise B24Error("the sandbox portal did not start; try `b24 sandbox` to see why")
        yield str(orjson.loads(ready)["webhook_url"])
    finally:
        process.terminate()
        process.wait(STOP_SECONDS)


def _connect(opened: Runtime, webhook_url: str) -> None:
    if any(portal.name == PORTAL for portal in opened.portals.all()):
        opened.portals.remove(PORTAL, purge=True)
    credential = WebhookCredential.parse(webhook_url, opened.settings.allowed_portals)
    with opened.connections.client_of(credential, PORTAL, "standard") as client:
        found = probe(client)
    opened.portals.add_webhook(
        PORTAL,
        credential.address.origin.partition("://")[2],
        credential.base_url,
        entity_type="both",
        plan="standard",
        user_id=found.user_id,
        time_zone=found.time_zone,
    )


def _sync_and_show(opened: Runtime) -> None:
    say("4/5 reading everything ...")
    with progress() as counted:
        outcomes = sync_portals(
            opened.connections, opened.portals.named([PORTAL]), Request(), opened.options(progress=counted)
        )
    show_outcomes(outcomes)
    failed = [outcome.error for outcome in outcomes if outcome.error]
    if failed:
        raise failed[0]
    say("5/5 building the SQL models ...")
    build_models(opened)
    show_funnel(opened, PORTAL, "deal")


def _stay(chosen: Settings, port: int) -> None:
    from b24_pipeline.automation.up import run

    say("starting the Dagster UI ...")
    run(chosen, port=port, on_ready=lambda address: say(f"Dagster: {address} (Ctrl-C stops it all)"))
