"""`b24 demo`: the main job, from nothing to a funnel, on this machine alone."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from b24_pipeline import runtime
from b24_pipeline.commands.demo_leads import advertise
from b24_pipeline.commands.demo_look import show_moves, show_where_to_look
from b24_pipeline.commands.demo_portal import DemoPortal, demo_portal, the_only_demo
from b24_pipeline.commands.funnel import show_funnel
from b24_pipeline.commands.models import build_models
from b24_pipeline.commands.screen import complain, progress, say
from b24_pipeline.commands.sync import show_outcomes
from b24_pipeline.commands.up import show_addresses, show_stopping
from b24_pipeline.runtime import Runtime
from b24_pipeline.settings import Settings, own_settings
from b24_pipeline.sync.run import SyncRequest, sync_portals
from b24_pipeline.web.admin_key import admin_key

if TYPE_CHECKING:
    from b24_pipeline.commands.supervisor import ServiceAddresses
    from b24_pipeline.models import BuildResult
    from b24_pipeline.sync.outcome import Outcome

PORTAL = "demo"


def demo(
    leads: Annotated[int, typer.Option(min=1, help="So many leads in the sandbox portal.")] = 3000,
    deals: Annotated[int, typer.Option(min=1, help="So many deals.")] = 3000,
    seed: Annotated[
        int,
        typer.Option(
            help="The same seed makes the same portal on one day; its data ends with the last midnight."
        ),
    ] = 7,
    once: Annotated[bool, typer.Option("--once", help="Stop after the funnel.")] = False,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Of the Dagster UI.")] = 3000,
    web_port: Annotated[
        int, typer.Option(min=0, max=65535, help="Of the HTTP service (`b24 serve`).")
    ] = 8024,
) -> None:
    """Show it all: a sandbox portal, synced into an embedded PostgreSQL, modelled and printed."""
    from b24_pipeline.commands.supervisor import require_free_ports

    started = time.monotonic()
    public_url = f"http://127.0.0.1:{web_port}"
    with ExitStack() as running:
        home = running.enter_context(the_only_demo(own_settings()))
        if not once:  # told now, not after all is read
            require_free_ports("127.0.0.1", port, web_port)
        portal = running.enter_context(_sandbox(leads, deals, seed, f"{public_url}/bitrix24/callback"))
        chosen = portal.settings(home, public_url)
        say("2/5 starting an embedded PostgreSQL and making the tables ...")
        with runtime.opened(chosen) as opened:
            say("3/5 connecting the portal by OAuth ...")
            _connect(opened, portal)
            outcomes, built = _sync_and_show(opened, home / "ad-leads.csv")
            say(f"done in {time.monotonic() - started:.0f} s")
            show_where_to_look(own_settings())
            if not once:
                _stay(chosen, portal, (port, web_port), outcomes, built)


@contextmanager
def _sandbox(leads: int, deals: int, seed: int, redirect_uri: str) -> Iterator[DemoPortal]:
    say("1/5 starting a sandbox portal ...")
    with demo_portal(leads, deals, seed, redirect_uri) as portal:
        yield portal


def _connect(opened: Runtime, portal: DemoPortal) -> None:
    if PORTAL in {known.name for known in opened.portals.all()}:
        say("the sandbox of the last demo ended with it: what was read of it and set for it is made anew")
        opened.portals.remove(PORTAL, purge=True)
    portal.connect(opened, PORTAL)


def _sync_and_show(opened: Runtime, ad_leads: Path) -> tuple[list[Outcome], BuildResult]:
    say("4/5 reading everything ...")
    with progress() as counted:
        outcomes = sync_portals(
            opened.connections,
            opened.portals.named([PORTAL]),
            SyncRequest(),
            opened.options(progress=counted),
        )
    show_outcomes(outcomes)
    failed = [outcome.error for outcome in outcomes if outcome.error]
    if failed:
        raise failed[0]
    count = advertise(opened.warehouse, opened.portals.one(PORTAL), ad_leads)
    say(f"{count} own ad leads are loaded from {ad_leads}, as an advertiser has them")
    say("5/5 building the SQL models ...")
    built = build_models(opened)
    built.raise_for_own_models()
    show_funnel(opened.warehouse, PORTAL, "deal")
    return outcomes, built


def _stay(
    chosen: Settings,
    portal: DemoPortal,
    ports: tuple[int, int],
    outcomes: Sequence[Outcome],
    built: BuildResult,
) -> None:
    from b24_pipeline.commands.supervisor import run
    from b24_pipeline.defs.instance.runless import report_outcomes

    say("starting Dagster and the HTTP service ...")
    with portal.changing() as begin, runtime.opened(chosen) as opened:

        def ready(addresses: ServiceAddresses) -> None:
            # Dagster had no tables yet when the demo read the portal
            report_outcomes(chosen, outcomes, built)
            show_addresses(chosen, addresses)
            say(f"the pages: {addresses.web} with the key {admin_key(chosen)}")
            say(f"the funnel as an asset: {addresses.dagster}/assets/funnel_stats")
            show_moves(own_settings())
            begin()

        run(
            chosen,
            opened.warehouse,
            port=ports[0],
            web_port=ports[1],
            on_ready=ready,
            on_restart=complain,
            on_look=portal.raise_if_ended,
            on_stop=show_stopping,
        )
        say("counting what was read last ...")
        build_models(opened, only_changed=True)
        say("stopped; the figures are of all that was read, and the data stays to be looked at")
