"""`b24 access`: the keys of people and programs that use the service."""

from __future__ import annotations

from typing import Annotated

import typer

from b24_pipeline import runtime
from b24_pipeline.commands.screen import output, say, table
from b24_pipeline.settings import settings
from b24_pipeline.store.access.holder import AccessRole
from b24_pipeline.store.access.keys import AccessKeys

KeyName = Annotated[str, typer.Argument(help="Who or what uses the key.")]


def add(
    name: KeyName,
    role: Annotated[
        AccessRole,
        typer.Option(
            help="viewer sees figures; manager also sets flags of stages, key stages and qualification, "
            "imports own leads and starts syncs; admin also connects and disconnects portals and manages keys."
        ),
    ],
    portal: Annotated[
        list[str] | None, typer.Option(help="Only this portal exists for the key. Repeatable; all if none.")
    ] = None,
) -> None:
    """Make a key and print it once; the database keeps its digest alone."""
    with runtime.opened(settings()) as opened:
        portals = opened.portals.named(portal) if portal else []
        key = AccessKeys(opened.warehouse).add(name, role, portals)
    say("this is shown once:")
    output.print(key, soft_wrap=True, markup=False)


def show() -> None:
    """List the keys that work."""
    with runtime.opened(settings()) as opened:
        found = AccessKeys(opened.warehouse).all()
    rows = [
        (
            key.name,
            key.role,
            ", ".join(key.portals) if key.is_limited else "all",
            key.created_at,
            key.last_used_at,
        )
        for key in found
    ]
    table(("name", "role", "portals", "since", "last used"), rows)
    if not rows:
        say("no key yet; make one with: b24 access add NAME --role viewer")


def revoke(name: KeyName) -> None:
    """End a key at once."""
    with runtime.opened(settings()) as opened:
        AccessKeys(opened.warehouse).revoke(name)
    output.print(f"the key of {name} opens nothing any more", markup=False)
