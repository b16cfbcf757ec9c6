"""`b24 sandbox`: a local Bitrix24 portal for trying things out."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated

import typer

from b24_pipeline.commands.screen import output
from b24_pipeline.errors import UsageError

if TYPE_CHECKING:
    from b24_pipeline.sandbox import Sandbox


def sandbox(
    host: Annotated[str, typer.Option(help="Where to listen.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="0 takes a free one.")] = 8077,
    leads: Annotated[int, typer.Option(min=0, help="So many leads in the sandbox portal.")] = 1000,
    deals: Annotated[int, typer.Option(min=0, help="So many deals.")] = 1000,
    seed: Annotated[int, typer.Option(help="The same seed makes the same portal.")] = 7,
    limits: Annotated[bool, typer.Option(help="Keep the cloud's request and time limits.")] = True,
    redirect_uri: Annotated[
        str, typer.Option(help="Where the page of consent leads: the callback of `b24 serve`.")
    ] = "http://127.0.0.1:8024/bitrix24/callback",
    change_every: Annotated[
        float, typer.Option(min=0, help="Seconds between random changes; 0: nothing changes.")
    ] = 0.0,
    events: Annotated[
        str,
        typer.Option(help="How badly events are sent: lose=0.1,duplicate=0.2,reorder=0.3,delay_seconds=1."),
    ] = "",
) -> None:
    """Run a local Bitrix24 portal for trying things out, until Ctrl-C."""
    from b24_pipeline.sandbox import EventDelivery, Limits, Sandbox, SandboxConfig

    try:
        delivery = EventDelivery.parse(events)
    except ValueError as error:
        raise UsageError(f"--events {events}: {error}") from None
    config = SandboxConfig(
        host=host,
        port=port,
        leads=leads,
        deals=deals,
        seed=seed,
        limits=Limits.standard() if limits else Limits.off(),
        redirect_uri=redirect_uri,
        events=delivery,
    )
    try:
        portal = Sandbox(config)
    except OSError as error:
        raise UsageError(
            f"{host}:{port} cannot be listened on ({error.strerror}); choose another --port"
        ) from None
    with portal:
        _introduce(portal)
        if change_every:
            portal.keep_changing(change_every)
        while True:
            time.sleep(3600)


def _introduce(portal: Sandbox) -> None:
    """Prints how to connect the sandbox by webhook credential and by OAuth."""
    config = portal.config
    output.print(f"a portal with {config.leads} leads and {config.deals} deals answers at {portal.url}")
    output.print("connect it in another terminal (its secret is public, its data invented):")
    output.print(
        f"  B24_ALLOWED_PORTALS={config.host} b24 portal add sandbox --webhook-url {portal.webhook_url}",
        soft_wrap=True,
    )
    output.print(
        "or by OAuth: start `b24 serve` with these, and with them open the link of `b24 portal connect`"
    )
    output.print(
        f"  B24_ALLOWED_PORTALS={config.host} BITRIX24_OAUTH_URL={portal.authorization_url}"
        f" BITRIX24_CLIENT_ID={config.client_id} BITRIX24_CLIENT_SECRET={config.client_secret}",
        soft_wrap=True,
    )
    output.print(f"  its events prove themselves by the application token {config.application_token}")
