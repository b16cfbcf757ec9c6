"""`b24 serve`: the HTTP service, until Ctrl-C or SIGTERM."""

from __future__ import annotations

from typing import Annotated

import typer

from b24_pipeline.commands.opening import installation
from b24_pipeline.commands.screen import say
from b24_pipeline.commands.service_notes import show_service_notes


def serve(
    host: Annotated[str, typer.Option(help="Where to listen; 0.0.0.0 for other machines.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free one.")] = 8024,
) -> None:
    """Serve the pages to connect portals, the events, and the management calls, until Ctrl-C."""
    from b24_pipeline.web import server
    from b24_pipeline.web.admin_key import admin_key
    from b24_pipeline.web.app import create_app
    from b24_pipeline.web.client_address import ClientAddresses

    with server.listen(host, port) as listening, installation(own=True) as opened:
        app = create_app(opened)
        taken = listening.getsockname()[1]
        address = f"http://{host}:{taken}"
        say(
            f"b24 serve: {address} (the pages; connect a portal at {address}/connect or by the link of "
            "b24 portal connect; Ctrl-C stops it)"
        )
        show_service_notes(opened, taken)
        if not admin_key(opened.settings):
            say("note: B24_ADMIN_KEY is not set, so that management calls are refused")
        server.serve(app, listening, ClientAddresses(opened.settings.trusted_proxies))
