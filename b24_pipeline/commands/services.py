"""`b24 migrate`, `b24 up` and `b24 sandbox`."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated

import typer

from b24_pipeline import runtime
from b24_pipeline.commands.screen import output, say
from b24_pipeline.errors import UsageError
from b24_pipeline.settings import settings
from b24_pipeline.store.migrations import migrate as bring_up_to_date
from b24_pipeline.store.pool import Warehouse

if TYPE_CHECKING:
    from b24_pipeline.automation.up import Addresses


def migrate() -> None:
    """Bring the database up to date; harmless twice."""
    warehouse = Warehouse(runtime.database_url(settings()))
    try:
        applied = bring_up_to_date(warehouse)
    finally:
        warehouse.close()
    for name in applied:
        output.print(f"applied {name}")
    output.print("the database is up to date")


def up(
    port: Annotated[int, typer.Option(help="Of the Dagster UI.")] = 3000,
    web_port: Annotated[int, typer.Option(help="Of the HTTP service (`b24 serve`).")] = 8024,
) -> None:
    """Run the Dagster UI and daemon, and the HTTP service, until Ctrl-C."""
    from b24_pipeline.automation.up import run

    say("starting Dagster and the HTTP service (half a minute the first time) ...")
    with runtime.opened(settings()):
        run(settings(), port=port, web_port=web_port, on_ready=show_addresses)


def show_addresses(addresses: Addresses) -> None:
    """Where to look, once all of it runs."""
    say(f"Dagster: {addresses.dagster}")
    say(
        f"portals: {addresses.web}/bitrix24/connect, HTTP interface: {addresses.web}/docs (Ctrl-C stops it all)"
    )


def sandbox(
    host: Annotated[str, typer.Option(help="Where to listen.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="0 takes a free one.")] = 8077,
    leads: Annotated[int, typer.Option(min=0)] = 1000,
    deals: Annotated[int, typer.Option(min=0)] = 1000,
    seed: Annotated[int, typer.Option(help="The same seed makes the same portal.")] = 7,
    limits: Annotated[bool, typer.Option(help="Keep the cloud's request and time limits.")] = True,
) -> None:
    """Run a local Bitrix24 portal for trying things out, until Ctrl-C."""
    from b24_pipeline.sandbox import Limits, Sandbox, SandboxConfig

    config = SandboxConfig(
        host=host,
        port=port,
        leads=leads,
        deals=deals,
        seed=seed,
        limits=Limits.standard() if limits else Limits.off(),
    )
    try:
        portal = Sandbox(config)
    except OSError as error:
        raise UsageError(
            f"{host}:{port} cannot be listened on ({error.strerror}); choose another --port"
        ) from None
    with portal:
        output.print(f"a portal with {leads} leads and {deals} deals answers at {portal.url}")
        output.print("connect it in another terminal (its secret is public, its data invented):")
        output.print(
            f"  B24_ALLOWED_PORTALS={host} b24 portal add sandbox --webhook-url {portal.webhook_url}",
            soft_wrap=True,
        )
        while True:
            time.sleep(3600)
