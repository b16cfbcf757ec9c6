"""`b24 up`: Dagster's UI and daemon and the HTTP service in one command."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from b24_pipeline.commands.opening import installation
from b24_pipeline.commands.screen import complain, say
from b24_pipeline.commands.service_notes import show_service_notes
from b24_pipeline.settings import Settings
from b24_pipeline.web.admin_key import how_to_sign_in

if TYPE_CHECKING:
    from b24_pipeline.commands.supervisor import ServiceAddresses


def up(
    port: Annotated[int, typer.Option(min=0, max=65535, help="Of the Dagster UI.")] = 3000,
    web_port: Annotated[
        int, typer.Option(min=0, max=65535, help="Of the HTTP service (`b24 serve`).")
    ] = 8024,
) -> None:
    """Run the Dagster UI and daemon, and the HTTP service, until Ctrl-C."""
    from b24_pipeline.commands.supervisor import require_free_ports, run

    require_free_ports("127.0.0.1", port, web_port)  # before anything is said of them
    say("starting Dagster and the HTTP service (half a minute the first time) ...")
    with installation(own=True) as opened:
        show_service_notes(opened, web_port)
        run(
            opened.settings,
            opened.warehouse,
            port=port,
            web_port=web_port,
            on_ready=partial(show_addresses, opened.settings),
            on_restart=complain,
            on_stop=show_stopping,
        )


def show_addresses(chosen: Settings, addresses: ServiceAddresses) -> None:
    """Prints the addresses of the services, once they run."""
    say(f"Dagster: {addresses.dagster}")
    say(f"pages: {addresses.web} ({how_to_sign_in(chosen)})")
    say(
        f"portals: {addresses.web}/connect or b24 portal connect, "
        f"HTTP interface: {addresses.web}/docs (Ctrl-C stops it all)"
    )


def show_stopping() -> None:
    """Says at once that a stop was heard: what is under way is given some seconds."""
    say("stopping Dagster and the HTTP service, up to 15 s (Ctrl-C once more: at once) ...")
