"""`b24 sandbox`: a local Bitrix24 portal for trying things out."""

from __future__ import annotations

import time
from collections.abc import Callable
from secrets import token_hex
from typing import TYPE_CHECKING, Annotated, TypeVar
from urllib.parse import urlsplit

import typer

from b24_pipeline.commands.called_as import b24_as_called
from b24_pipeline.commands.opening import note_misspelt_settings
from b24_pipeline.commands.screen import output
from b24_pipeline.errors import UsageError
from b24_pipeline.settings import CALLBACK_PATH, USUAL_SERVICE, own_settings

if TYPE_CHECKING:
    from b24_pipeline.sandbox import Sandbox

T = TypeVar("T")


def sandbox(  # noqa: PLR0913, PLR0917 - each is an option of the command
    host: Annotated[str, typer.Option(help="Where to listen.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free one.")] = 8077,
    leads: Annotated[int, typer.Option(min=0, help="So many leads in the sandbox portal.")] = 1000,
    deals: Annotated[int, typer.Option(min=0, help="So many deals.")] = 1000,
    also: Annotated[
        str,
        typer.Option(
            help="Further entities, such as smart_types=3,smart_items=200,activities=500,calls=100; "
            "some invoices, quotes and smart processes are there unless it says otherwise."
        ),
    ] = "",
    seed: Annotated[
        int,
        typer.Option(
            help="The same seed makes the same portal on one day; its data ends with the last midnight."
        ),
    ] = 7,
    limits: Annotated[bool, typer.Option(help="Keep the cloud's request and time limits.")] = True,
    redirect_uri: Annotated[
        str,
        typer.Option(
            help="Where the page of consent leads: the callback of `b24 serve`, needed if that has another port.",
            show_default="port 8024 of this machine",
        ),
    ] = USUAL_SERVICE + CALLBACK_PATH,
    change_every: Annotated[
        float,
        typer.Option(min=0, help="Seconds between changes, as people make them; 0: nothing changes."),
    ] = 0.0,
    events: Annotated[
        str,
        typer.Option(help="How badly events are sent: lose=0.1,duplicate=0.2,reorder=0.3,delay_seconds=1."),
    ] = "",
) -> None:
    """Run a local Bitrix24 portal for trying things out, until Ctrl-C."""
    from b24_pipeline.sandbox import (
        TO_TRY,
        EventDelivery,
        Limits,
        Sandbox,
        SandboxConfig,
        parse_counts,
        today,
    )
    from b24_pipeline.web.server import unusable

    delivery = _parsed("events", events, EventDelivery.parse)
    counts = _parsed("also", also, parse_counts)
    config = SandboxConfig(
        host=host,
        port=port,
        leads=leads,
        deals=deals,
        **{**TO_TRY, **counts},
        seed=seed,
        # an event for one portal must not be taken for another's
        identity=str(port) if port else token_hex(),
        now=today(),
        limits=Limits.standard() if limits else Limits.off(),
        redirect_uri=redirect_uri,
        events=delivery,
    )
    try:
        portal = Sandbox(config)
    except OSError as error:
        raise unusable(host, port, error) from None
    with portal:
        _introduce(portal)
        if change_every:
            portal.keep_changing(change_every)
        while True:
            time.sleep(3600)


def _parsed(option: str, text: str, parse: Callable[[str], T]) -> T:
    try:
        return parse(text)
    except ValueError as error:
        raise UsageError(f"--{option} {text}: {error}") from None


def _introduce(portal: Sandbox) -> None:
    """Prints how to connect the sandbox by webhook credential and by OAuth, with commands that work as they stand."""
    config, b24 = portal.config, b24_as_called()
    note_misspelt_settings()
    allowed = own_settings().allowed_portals
    _print(f"a portal with {config.leads} leads and {config.deals} deals answers at {portal.url}")
    if config.host not in allowed:
        _print(
            "its address is no portal's of Bitrix24's cloud: allow it first, by another terminal in this folder:"
        )
        _print(f"    echo 'B24_ALLOWED_PORTALS={','.join([*allowed, config.host])}' >> .env")
    _print("connect it from another terminal in this folder (its secret is public, its data invented):")
    _print(f"    {b24} portal add sandbox --webhook-url {portal.webhook_url}")
    _print(f"    {b24} sync")
    _print(f"    {b24} funnel sandbox")
    _print("or by OAuth, so that it sends its events, too; `b24 serve` has to run meanwhile:")
    application = (f"ID={config.client_id}", f"SECRET={config.client_secret}")
    service, usual = urlsplit(config.redirect_uri), config.redirect_uri.startswith(USUAL_SERVICE)
    if not usual:
        _print(f"    echo 'B24_PUBLIC_URL={service.scheme}://{service.netloc}' >> .env")
    for setting in (f"OAUTH_URL={portal.authorization_url}", *(f"CLIENT_{one}" for one in application)):
        _print(f"    echo 'BITRIX24_{setting}' >> .env")
    _print(f"    {b24} serve" + ("" if usual else f" --port {service.port or 80}"))
    _print(f"    {b24} portal connect sandbox {portal.url}")
    if usual:
        _print(
            "where `b24 serve` has another port, the portal has to know, beside the options of now: "
            f"{b24} sandbox --redirect-uri http://127.0.0.1:PORT{CALLBACK_PATH}"
        )
    _print("what is changed in it is forgotten when it ends; what was copied of that is then ahead of it")
    _print(f"its events prove themselves by the application token {config.application_token}")


def _print(line: str) -> None:
    output.print(line, soft_wrap=True, markup=False)
